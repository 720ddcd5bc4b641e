"""MLTrainingProcess: a job of the MTLF that publishes a version."""

from collections.abc import AsyncIterator
from dataclasses import replace

from oam.adaptation_events import one_line
from oam.nrm.activation import hold_back
from oam.nrm.mirror import identity_of, put_version
from oam.nrm.names import Name
from oam.nrm.objects import Moi, ObjectStore, Tree, existing
from oam.nrm.outcomes import Created, Finished, Noted, Outcome, Progressed, report_name
from oam.nrm.ports import Catalogue
from oam.nrm.work import (
    ACTOR,
    Defaults,
    going_on,
    if_not_ended,
    job_failed,
    performances,
    request_id_of,
    scores_of,
)
from oam.nrm.work_objects import Part
from oam.ports import (
    FINAL_JOB_STATES,
    JobReport,
    JobState,
    ModelRepository,
    TrainingFunction,
    VersionState,
)
from oam.required_performance import missed_scores
from oam.training_orders import TrainingOrder, TrainingType


class TrainingWork:
    """The work of an MLTrainingProcess.

    A version that misses `performanceRequirements` is published, so that its report can be read,
    and held back: it is REJECTED in the repository, no test lifts that, and it is never loaded.

    Args:
        store: The managed objects.
        training: The MTLF.
        repository: Is told which version is held back.
        catalogue: Has the published version.
        defaults: What is done where a request does not say.
    """

    def __init__(
        self,
        store: ObjectStore,
        training: TrainingFunction,
        repository: ModelRepository,
        catalogue: Catalogue,
        defaults: Defaults,
    ) -> None:
        self._store = store
        self._training = training
        self._repository = repository
        self._catalogue = catalogue
        self._defaults = defaults

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """A trained version, its MLModel and its report."""
        job_id, model_name = await self._start(part, request)
        yield Noted({"job_id": job_id})
        jobs = self._training.watch_training(job_id)
        async for job in going_on(jobs, self._training.resume_training):
            if job.state is JobState.SUCCEEDED:
                yield await self._published(part, request, model_name, job)
            elif job.state in FINAL_JOB_STATES:
                yield job_failed("training", job)
            else:
                yield Progressed(job.progress_percent, job.progress_info)

    async def suspend(self, part: Part, request: Moi | None) -> None:
        """Have the job stand still with what it has reached."""
        job_id = await self._job(part, request)
        await if_not_ended(self._training.suspend_training(job_id))

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """End the job."""
        job_id = await self._job(part, request)
        await if_not_ended(self._training.cancel_training(job_id))

    async def _job(self, part: Part, request: Moi | None) -> str:
        """The id of the job; it may have been started without ever having been heard of."""
        return part.notes.get("job_id") or (await self._start(part, request))[0]

    async def _published(
        self, part: Part, request: Moi | None, model_name: str, job: JobReport
    ) -> Finished:
        required = scores_of(request, "performanceRequirements")
        missed = missed_scores(required, job.metrics or {})
        held_back = one_line(f"it misses performanceRequirements: {missed}") if missed else ""
        if held_back:
            await self._reject(part, model_name, job.published_version, held_back)
        version = await self._catalogue.version(model_name, job.published_version)

        def told(tree: Tree) -> Finished:
            put_version(tree, version)
            if held_back:
                hold_back(tree, version.distinguished_name, held_back)
            return _trained(tree, part, job, version.distinguished_name, held_back)

        return await self._store.transact(told)

    async def _reject(self, part: Part, model_name: str, version: int, reason: str) -> None:
        """Have the repository keep the version from being loaded, too."""
        state = (await self._repository.version(model_name, version)).state
        if state is not VersionState.REJECTED:
            reason = one_line(f"training {part.owner.identity}: {reason}")
            await self._repository.reject(model_name, version, actor=ACTOR, reason=reason)

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


def _trained(tree: Tree, part: Part, job: JobReport, generated: str, held_back: str) -> Finished:
    last = _last_report(tree, generated)
    report = Created(
        report_name(part, "MLTrainingReport"),
        {
            "modelPerformanceTraining": performances(job.metrics or {}),
            "areNewTrainingDataUsed": True,
            "trainingProcessRef": part.key,
            "lastTrainingRef": None if last is None else str(last),
            "mLModelGeneratedRef": generated,
        },
        {"model": generated},
        reference="trainingReportRef",
    )
    generates = {"mLModelGeneratedRef": generated}
    if not held_back:
        return Finished((report,), generates)
    verdict = Created(
        report.name.child("VsDataContainer", "verdict"),
        {
            "vsDataType": "aimlnf:PerformanceVerdict",
            "vsDataFormatVersion": "1",
            "vsData": {"isHeldBack": True, "reason": held_back},
        },
    )
    return Finished((report, verdict), generates, f"held back: {held_back}")


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
