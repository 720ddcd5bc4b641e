"""What is done for one part of a request: training, testing, loading, updating.

Each piece of work can be done again from its beginning: jobs are created under a request id of
their own, and what would be done twice is looked up first. So it is simply begun anew after a
restart, and after it was suspended.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import one_line
from oam.nrm.activation import last_test
from oam.nrm.mirror import identity_of, put_version
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import Moi, ObjectStore, Tree, existing
from oam.nrm.outcomes import Created, Failed, Finished, Noted, Outcome, Progressed, report_name
from oam.nrm.ports import Catalogue, Inference, Repository, Training
from oam.nrm.work_objects import Part
from oam.ports import FINAL_JOB_STATES, JobReport, JobState, TestOrder, VersionState
from oam.stages import TestDefaults
from oam.training_orders import TrainingDefaults, TrainingOrder, TrainingType

ACTOR = "consumer:provisioning"
_UNTESTED = (VersionState.REGISTERED, VersionState.TESTED, VersionState.REJECTED)


class Work(Protocol):
    """One kind of work."""

    def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """Any progress, then Finished or Failed.

        Raises:
            NfError: A peer's status; Unavailable and DeadlineExceeded may pass, others are final.
        """
        ...

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """Have peers leave off."""
        ...


@dataclass(frozen=True)
class Defaults:
    """What is done where a request does not say.

    Attributes:
        model_name: Model that a first training gives a version to, if no model decides what the
            request's `aIMLInferenceName` names.
        training: How it is trained.
        test: How it is tested.
        approves_automatically: Whether a version that passed its test is approved when a consumer
            asks to load it.
    """

    model_name: str
    training: TrainingDefaults
    test: TestDefaults
    approves_automatically: bool


class TrainingWork:
    """MLTrainingProcess: a job of the MTLF that publishes a version."""

    def __init__(
        self, store: ObjectStore, training: Training, catalogue: Catalogue, defaults: Defaults
    ) -> None:
        self._store = store
        self._training = training
        self._catalogue = catalogue
        self._defaults = defaults

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """A trained version, its MLModel and its report."""
        job_id, model_name = await self._start(part, request)
        yield Noted({"job_id": job_id})
        async for job in self._training.watch_training(job_id):
            if job.state is JobState.SUCCEEDED:
                version = await self._catalogue.version(model_name, job.published_version)
                await self._store.transact(lambda tree: put_version(tree, version))  # noqa: B023
                yield await self._store.transact(
                    lambda tree: _trained(tree, part, request, job, version.distinguished_name)  # noqa: B023
                )
            elif job.state in FINAL_JOB_STATES:
                yield _job_failed("training", job)
            else:
                yield Progressed(job.progress_percent, job.progress_info)

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """End the job, which may never have been heard of."""
        job_id = part.notes.get("job_id") or (await self._start(part, request))[0]
        try:
            await self._training.cancel_training(job_id)
        except FailedPrecondition:
            return  # it has ended by itself

    async def _start(self, part: Part, request: Moi | None) -> tuple[str, str]:
        model_name, order = await self._store.transact(
            lambda tree: self._order(tree, part, request)
        )
        request_id = request_id_of(part.key)
        return await self._training.start_training(request_id, model_name, order), model_name

    def _order(self, tree: Tree, part: Part, request: Moi | None) -> tuple[str, TrainingOrder]:
        defaults = self._defaults.training
        asked = {} if request is None else request.attributes
        order = TrainingOrder(
            training_type=TrainingType(asked.get("mLTrainingType", defaults.initial_type)),
            source_version=0,
            profile=defaults.profile,
            time_budget_s=defaults.time_budget_s,
            seed=defaults.seed,
        )
        if not part.notes.get("model"):
            return self._model_for(tree, asked.get("aIMLInferenceName", "")), order
        model_name, version = identity_of(existing(tree, part.notes["model"]))
        training_type = asked.get("mLTrainingType", TrainingType.RE_TRAINING)
        from_version = training_type in (TrainingType.RE_TRAINING, TrainingType.FINE_TUNING)
        return model_name, replace(
            order,
            training_type=TrainingType(training_type),
            source_version=version if from_version else 0,
            seed=defaults.seed + version,
        )

    def _model_for(self, tree: Tree, inference_name: str) -> str:
        for model in tree.of_class("MLModel"):
            if model.attributes.get("aIMLInferenceName") == inference_name:
                return str(model.attributes["mLModelId"])
        return self._defaults.model_name


class TestingWork:
    """A part of an MLTestingRequest: a job of the MTLF, whose verdict the repository keeps."""

    __test__ = False  # for pytest, which takes it for a test

    def __init__(
        self, store: ObjectStore, training: Training, repository: Repository, defaults: Defaults
    ) -> None:
        self._store = store
        self._training = training
        self._repository = repository
        self._defaults = defaults

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """A verdict."""
        name, version = await _identity(self._store, part)
        test = self._defaults.test
        order = TestOrder(
            profile=self._defaults.training.profile,
            sample_count=test.sample_count,
            seed=test.seed,
            required_ratio=test.required_ratio,
        )
        request_id = request_id_of(f"{part.owner}/{part.key}")
        job_id = await self._training.start_test(request_id, name, version, order)
        yield Noted({"job_id": job_id})
        async for job in self._training.watch_test(job_id):
            if job.state is JobState.SUCCEEDED:
                await self._record(name, version, job, part)
                yield self._verdict(part, request, job)
            elif job.state in FINAL_JOB_STATES:
                yield _job_failed("testing", job)
            else:
                yield Progressed(job.progress_percent, job.progress_info)

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """Leave the job alone: it ends within seconds, and nobody asks for its verdict."""

    async def _record(self, name: str, version: int, job: JobReport, part: Part) -> None:
        state = (await self._repository.version(name, version)).state
        if state in _UNTESTED:  # of an approved one, only the report tells
            await self._repository.record_test(
                name,
                version,
                passed=job.passed,
                metrics=job.metrics or {},
                actor=ACTOR,
                reason=f"test of {part.owner}",
            )

    def _verdict(self, part: Part, request: Moi | None, job: JobReport) -> Finished:
        report = Created(
            report_name(part, "MLTestingReport"),
            {
                "modelPerformanceTesting": performances(job.metrics or {}),
                "mLTestingResult": "PASSED" if job.passed else "FAILED",
                "testingRequestRef": None if request is None else str(request.name),
            },
            {"model": part.key},
        )
        return Finished((report,))


class LoadingWork:
    """MLModelLoadingProcess: only what passed its last test is loaded."""

    def __init__(
        self,
        store: ObjectStore,
        repository: Repository,
        inference: Inference,
        defaults: Defaults,
    ) -> None:
        self._store = store
        self._repository = repository
        self._inference = inference
        self._defaults = defaults

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:  # noqa: ARG002
        """A model that is ready."""
        model = part.notes["model"]
        name, version = await _identity(self._store, part)
        state = (await self._repository.version(name, version)).state
        failed = await self._store.transact(lambda tree: last_test(tree, model)) == "FAILED"
        if failed or state not in (VersionState.TESTED, VersionState.APPROVED):
            yield Failed(f"{model} did not pass its last test (it is {state}); test it first")
            return
        if state is VersionState.TESTED:
            if not self._defaults.approves_automatically:
                yield Failed(f"{model} is not approved; have an operator approve it first")
                return
            reason = f"it passed its test, and {part.owner} asks for it"
            await self._repository.approve(name, version, actor=ACTOR, reason=reason)
        loaded = await self._inference.load(name, version)
        yield Finished(
            attributes={"loadedMLModelRef": model},
            info=one_line(f"ready on {loaded.engine} in {loaded.load_s:.1f} s"),
            loaded_model=model,
        )

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """A model that comes to be loaded all the same is not listed, so it cannot infer."""


def request_id_of(text: str) -> str:
    """A request id for peers, who take no texts as long as names can be."""
    return f"moi/{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def performances(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """Metrics as ModelPerformance (TS 28.105 7.4)."""
    return [
        {"performanceMetric": name, "performanceScore": score}
        for name, score in sorted(metrics.items())
    ]


def _trained(
    tree: Tree, part: Part, request: Moi | None, job: JobReport, generated: str
) -> Finished:
    asked = {} if request is None else request.attributes
    last = _last_report(tree, generated)
    metrics = job.metrics or {}
    report = Created(
        report_name(part, "MLTrainingReport"),
        {
            "modelPerformanceTraining": performances(metrics),
            "areNewTrainingDataUsed": True,
            "trainingProcessRef": part.key,
            "lastTrainingRef": None if last is None else str(last),
            "mLModelGeneratedRef": generated,
        },
        {"model": generated},
        reference="trainingReportRef",
    )
    missed = [
        f"{each['performanceMetric']} {metrics[each['performanceMetric']]:.4g} instead of "
        f"{each['performanceScore']:.4g}"
        for each in asked.get("performanceRequirements", [])
        if metrics.get(each["performanceMetric"], each["performanceScore"])
        < each["performanceScore"]
    ]
    info = f"it misses what was asked for: {', '.join(missed)}" if missed else ""
    return Finished((report,), {"mLModelGeneratedRef": generated}, one_line(info))


def _last_report(tree: Tree, generated: str) -> Name | None:
    """The latest MLTrainingReport of a version of the same model."""
    model_id = existing(tree, generated).attributes["mLModelId"]
    last = None
    for report in tree.of_class("MLTrainingReport"):
        made = tree.find(report.attributes.get("mLModelGeneratedRef", ""))
        if made is None or str(made.name) == generated:
            continue
        if made.attributes.get("mLModelId") == model_id:
            last = report.name
    return last


async def _identity(store: ObjectStore, part: Part) -> tuple[str, int]:
    model = parse_name(part.notes["model"])
    return await store.transact(lambda tree: identity_of(existing(tree, model)))


def _job_failed(what: str, job: JobReport) -> Failed:
    reason = job.failure or "it gave no reason"
    return Failed(one_line(f"{what} job {job.job_id} {job.state.lower()}: {reason}"))
