"""The stages in which a version is made and tested."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from nf_runtime.clock import Clock
from nf_runtime.errors import FailedPrecondition, NfError
from oam.adaptation_events import (
    Event,
    GainsMissed,
    OrderPrepared,
    Progressed,
    Refused,
    TestFinished,
    TestNotPassed,
    TestPassed,
    TestStarted,
    Trained,
    TrainingStarted,
    one_line,
)
from oam.adaptations import Adaptation
from oam.ports import (
    FINAL_JOB_STATES,
    Analytics,
    JobReport,
    JobState,
    ModelRepository,
    TestOrder,
    TrainingFunction,
    VersionState,
)
from oam.required_performance import gains, missed_gains
from oam.training_orders import (
    TrainingDefaults,
    TrainingOrder,
    initial_order,
    observed_rain,
    retraining_order,
)
from oam.transitions import AdaptationKind, Stage

Performers = Mapping[Stage, Callable[[Adaptation], AsyncIterator[Event]]]
"""What comes of each stage: any progress, then the event that ends it."""


@dataclass(frozen=True)
class TestDefaults:
    """How a version is tested, in the environment that it was trained for."""

    sample_count: int
    seed: int
    required_ratio: float


class MakingStages:
    """From PREPARE to RECORD_TEST.

    Args:
        training: The MTLF.
        repository: The model repository.
        analytics: The AnLF.
        training_defaults: What is trained where nobody asks for something else.
        test_defaults: How a version is tested.
        clock: For the deadline of an update.
    """

    def __init__(
        self,
        *,
        training: TrainingFunction,
        repository: ModelRepository,
        analytics: Analytics,
        training_defaults: TrainingDefaults,
        test_defaults: TestDefaults,
        clock: Clock,
    ) -> None:
        self._training = training
        self._repository = repository
        self._analytics = analytics
        self._training_defaults = training_defaults
        self._test_defaults = test_defaults
        self._clock = clock
        self.by_stage: Performers = {
            Stage.PREPARE: self._prepare,
            Stage.START_TRAINING: self._start_training,
            Stage.AWAIT_TRAINING: self._await_training,
            Stage.START_TEST: self._start_test,
            Stage.AWAIT_TEST: self._await_test,
            Stage.RECORD_TEST: self._record_test,
        }

    async def _prepare(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        if adaptation.kind is AdaptationKind.INITIAL:
            order, basis = initial_order(adaptation.wish, self._training_defaults)
        else:
            order, basis = await self._retraining_order(adaptation)
        yield OrderPrepared(order, basis)

    async def _retraining_order(self, adaptation: Adaptation) -> tuple[TrainingOrder, str]:
        rain, unknown_because = None, ""
        if adaptation.wish.profile is None:
            try:
                rain = observed_rain(await self._analytics.rain())
                unknown_because = "the NWDAF has no rain samples"
            except NfError as error:
                unknown_because = f"the NWDAF gave no analytics ({error.reason})"
        return retraining_order(
            adaptation.wish,
            self._training_defaults,
            source_version=adaptation.from_model.version,
            rain=rain,
            rain_unknown_because=unknown_because,
        )

    async def _start_training(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        job_id = await self._training.start_training(
            f"{adaptation.adaptation_id}/training", adaptation.model_name, _order(adaptation)
        )
        yield TrainingStarted(job_id)

    async def _await_training(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        async for job in self._training.watch_training(adaptation.training_job_id):
            if job.state is JobState.SUCCEEDED:
                published = await self._repository.version(
                    adaptation.model_name, job.published_version
                )
                yield Trained(published.model, job.metrics or {})
            elif job.state in FINAL_JOB_STATES:
                yield _job_failed("training", job, self._why_ended(adaptation))
            else:
                yield Progressed(job.progress_percent, job.progress_info)

    async def _start_test(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        defaults = self._test_defaults
        job_id = await self._training.start_test(
            f"{adaptation.adaptation_id}/testing",
            adaptation.model_name,
            adaptation.to_model.version,
            TestOrder(
                profile=_order(adaptation).profile,
                sample_count=defaults.sample_count,
                seed=defaults.seed,
                required_ratio=defaults.required_ratio,
            ),
        )
        yield TestStarted(job_id)

    async def _await_test(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        async for job in self._training.watch_test(adaptation.testing_job_id):
            if job.state is JobState.SUCCEEDED:
                yield TestFinished(
                    job.passed, job.metrics or {}, self._test_defaults.required_ratio
                )
            elif job.state in FINAL_JOB_STATES:
                yield _job_failed("testing", job, self._why_ended(adaptation))
            else:
                yield Progressed(job.progress_percent, job.progress_info)

    async def _record_test(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        name, version = adaptation.model_name, adaptation.to_model.version
        passed = bool(adaptation.test_passed)
        state = (await self._repository.version(name, version)).state
        if state is VersionState.REGISTERED:
            recording = self._repository.record_test(
                name,
                version,
                passed=passed,
                metrics=adaptation.test_metrics,
                actor=adaptation.initiator,
                reason=f"test of adaptation {adaptation.adaptation_id}",
            )
            wanted = VersionState.TESTED if passed else VersionState.REJECTED
            await unless(wanted, recording, self._repository, name, version)
        elif passed and state in (VersionState.REJECTED, VersionState.ARCHIVED):
            yield Refused(f"version {version} was {state.lower()} in the repository meanwhile")
            return
        missed = await self._missed_gains(adaptation) if passed else ""
        if missed:
            yield GainsMissed(missed)
        else:
            yield TestPassed() if passed else TestNotPassed()

    def _why_ended(self, adaptation: Adaptation) -> str:
        """Why a job may have been ended, where its own report gives no reason."""
        terms = adaptation.terms
        return terms.deadline_text if terms.is_over(self._clock.now()) else "it gave no reason"

    async def _missed_gains(self, adaptation: Adaptation) -> str:
        """What got less better than the terms ask, as a clause; empty: nothing did."""
        required = adaptation.terms.required_gains
        if not required:
            return ""
        name, before = adaptation.model_name, adaptation.from_model.version
        kpis = (await self._repository.version(name, before)).kpis
        return one_line(missed_gains(required, gains(adaptation.test_metrics, kpis)))


async def unless(
    state: VersionState,
    change: Awaitable[None],
    repository: ModelRepository,
    model_name: str,
    version: int,
) -> None:
    """Do the change; a refusal is none if the version has come to that state meanwhile."""
    try:
        await change
    except FailedPrecondition:
        if (await repository.version(model_name, version)).state is not state:
            raise


def _order(adaptation: Adaptation) -> TrainingOrder:
    if adaptation.order is None:
        raise RuntimeError(f"adaptation {adaptation.adaptation_id} has no order at this stage")
    return adaptation.order


def _job_failed(what: str, job: JobReport, otherwise: str) -> Refused:
    reason = job.failure or otherwise
    return Refused(one_line(f"{what} job {job.job_id} {job.state.lower()}: {reason}"))
