"""What each stage of an adaptation asks of which peer.

Every stage can be repeated: jobs are created under a request id of their own, and what a peer
would do twice is looked up first.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from nf_runtime.clock import Clock
from nf_runtime.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    NfError,
    NotFound,
    Unavailable,
)
from oam.adaptation_events import (
    NO_MODEL,
    Activated,
    CanaryFailed,
    CanaryPassed,
    Event,
    Loaded,
    ModelReference,
    OrderPrepared,
    Progressed,
    Promoted,
    Refused,
    Restored,
    TestFinished,
    TestNotPassed,
    TestPassed,
    TestStarted,
    Trained,
    TrainingStarted,
    VersionApproved,
    Withdrawn,
    one_line,
)
from oam.adaptations import Adaptation, AdaptationKind, Stage
from oam.canary import CanaryPolicy, Comparison, verdict
from oam.ports import (
    FINAL_JOB_STATES,
    Analytics,
    InferenceFunction,
    JobReport,
    JobState,
    ModelRepository,
    TestOrder,
    TrainingFunction,
    VersionState,
)
from oam.training_orders import (
    TrainingDefaults,
    TrainingOrder,
    initial_order,
    observed_rain,
    retraining_order,
)

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
_CANARY_LOOK_S = 0.5

# Who is asked at each stage, as logs name it.
PEER: Mapping[Stage, str] = {
    Stage.PREPARE: "nwdaf.anlf",
    Stage.START_TRAINING: "nwdaf.mtlf",
    Stage.AWAIT_TRAINING: "nwdaf.mtlf",
    Stage.START_TEST: "nwdaf.mtlf",
    Stage.AWAIT_TEST: "nwdaf.mtlf",
    Stage.RECORD_TEST: "mms_repository",
    Stage.APPROVE: "mms_repository",
    Stage.LOAD: "inference_nf",
    Stage.CANARY: "inference_nf",
    Stage.ACTIVATE: "inference_nf",
    Stage.PROMOTE: "mms_repository",
    Stage.RESTORE: "inference_nf",
    Stage.WITHDRAW: "mms_repository",
}


@dataclass(frozen=True)
class TestDefaults:
    """How a version is tested, in the environment that it was trained for."""

    sample_count: int
    seed: int
    required_ratio: float


class Stages:
    """The stages of an adaptation, through the ports.

    Args:
        training: The MTLF.
        repository: The model repository.
        inference: The inference function.
        analytics: The AnLF.
        training_defaults: What is trained where nobody asks for something else.
        test_defaults: How a version is tested.
        canary: How a candidate is compared with the champion.
        clock: For waiting.
    """

    def __init__(
        self,
        *,
        training: TrainingFunction,
        repository: ModelRepository,
        inference: InferenceFunction,
        analytics: Analytics,
        training_defaults: TrainingDefaults,
        test_defaults: TestDefaults,
        canary: CanaryPolicy,
        clock: Clock,
    ) -> None:
        self._training = training
        self._repository = repository
        self._inference = inference
        self._analytics = analytics
        self._training_defaults = training_defaults
        self._test_defaults = test_defaults
        self._canary = canary
        self._clock = clock
        self._stages: Mapping[Stage, Callable[[Adaptation], AsyncIterator[Event]]] = {
            Stage.PREPARE: self._prepare,
            Stage.START_TRAINING: self._start_training,
            Stage.AWAIT_TRAINING: self._await_training,
            Stage.START_TEST: self._start_test,
            Stage.AWAIT_TEST: self._await_test,
            Stage.RECORD_TEST: self._record_test,
            Stage.APPROVE: self._approve,
            Stage.LOAD: self._load,
            Stage.CANARY: self._compare,
            Stage.ACTIVATE: self._activate,
            Stage.PROMOTE: self._promote,
            Stage.RESTORE: self._restore,
            Stage.WITHDRAW: self._withdraw,
        }

    def perform(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        """What comes of the adaptation's stage: any progress, then the event that ends it.

        Raises:
            NfError: A peer's status; Unavailable and DeadlineExceeded may pass, others are final.
        """
        return self._stages[adaptation.stage](adaptation)

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
                yield _job_failed("training", job)
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
                yield _job_failed("testing", job)
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
            await self._unless(wanted, recording, name, version)
        elif passed and state in (VersionState.REJECTED, VersionState.ARCHIVED):
            yield Refused(f"version {version} was {state.lower()} in the repository meanwhile")
            return
        yield TestPassed() if passed else TestNotPassed()

    async def _approve(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        name, version = adaptation.model_name, adaptation.to_model.version
        who = {"actor": adaptation.approver, "reason": adaptation.approval_reason}
        if (await self._repository.version(name, version)).state is not VersionState.APPROVED:
            approving = self._repository.approve(name, version, **who)
            await self._unless(VersionState.APPROVED, approving, name, version)
        await self._point(adaptation, CANDIDATE)
        yield VersionApproved()

    async def _load(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        loaded = await self._inference.load(adaptation.model_name, adaptation.to_model.version)
        yield Loaded(loaded.engine, loaded.load_s)

    async def _compare(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        policy, told = self._canary, 0
        patience_end = adaptation.stage_time + timedelta(seconds=policy.patience_s)
        while True:
            seen = await self._comparison(adaptation)
            if seen.tried_count >= policy.decisions or self._clock.now() >= patience_end:
                break
            if seen.tried_count != told:
                told = seen.tried_count
                yield Progressed(100.0 * told / policy.decisions, "COMPARING")
            await self._clock.sleep(_CANARY_LOOK_S)
        found = verdict(seen, policy)
        if not found.passed:
            await self._inference.stop_comparing()
        outcome = CanaryPassed if found.passed else CanaryFailed
        yield outcome(seen, found.reason)

    async def _comparison(self, adaptation: Adaptation) -> Comparison:
        name, version = adaptation.model_name, adaptation.to_model.version
        try:
            return await self._inference.compare(name, version, self._canary.share)
        except NotFound:
            # It was loaded, but the function has started anew since, and compares from nothing.
            await self._inference.load(name, version)
            return await self._inference.compare(name, version, self._canary.share)

    async def _activate(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        await self._make_decide(adaptation.model_name, adaptation.to_model.version)
        yield Activated()

    async def _promote(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        aliases = await self._point(adaptation, CHAMPION)
        previous = aliases.get(PREVIOUS, 0)
        yield Promoted(await self._reference(adaptation, previous))

    async def _restore(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        if adaptation.from_model.version == 0:
            await self._inference.deactivate()
            yield Restored()
            return
        try:
            await self._make_decide(adaptation.model_name, adaptation.from_model.version)
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            # Neither version may decide: without a model the fallback does, and is seen to.
            await self._inference.deactivate()
            yield Refused(
                one_line(
                    f"version {adaptation.from_model.version} could not be made to decide again "
                    f"({error.reason}: {error.message}), so no model decides"
                )
            )
        else:
            yield Restored()

    async def _withdraw(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        name, version = adaptation.model_name, adaptation.to_model.version
        if (await self._repository.version(name, version)).state is not VersionState.REJECTED:
            rejecting = self._repository.reject(
                name,
                version,
                actor=adaptation.approver or adaptation.initiator,
                reason=adaptation.failure,
            )
            await self._unless(VersionState.REJECTED, rejecting, name, version)
        yield Withdrawn()

    async def _unless(
        self, state: VersionState, change: Awaitable[None], model_name: str, version: int
    ) -> None:
        """Do the change; a refusal is none if the version has come to that state meanwhile."""
        try:
            await change
        except FailedPrecondition:
            if (await self._repository.version(model_name, version)).state is not state:
                raise

    async def _make_decide(self, model_name: str, version: int) -> None:
        try:
            await self._inference.activate(model_name, version)
        except NotFound:
            # It was loaded, but the function has started anew since.
            await self._inference.load(model_name, version)
            await self._inference.activate(model_name, version)

    async def _point(self, adaptation: Adaptation, alias: str) -> Mapping[str, int]:
        name, version = adaptation.model_name, adaptation.to_model.version
        aliases = await self._repository.aliases(name)
        if aliases.get(alias) == version:
            return aliases
        return await self._repository.set_alias(
            name, alias, version, actor=adaptation.initiator, reason=adaptation.cause
        )

    async def _reference(self, adaptation: Adaptation, version: int) -> ModelReference:
        for known in (NO_MODEL, adaptation.from_model):
            if known.version == version:
                return known
        return (await self._repository.version(adaptation.model_name, version)).model


def _order(adaptation: Adaptation) -> TrainingOrder:
    if adaptation.order is None:
        raise RuntimeError(f"adaptation {adaptation.adaptation_id} has no order at this stage")
    return adaptation.order


def _job_failed(what: str, job: JobReport) -> Refused:
    reason = job.failure or "it gave no reason"
    return Refused(one_line(f"{what} job {job.job_id} {job.state.lower()}: {reason}"))
