"""A part of an MLTestingRequest: a job of the MTLF, whose verdict the repository keeps."""

from collections.abc import AsyncIterator

from oam.nrm.activation import why_held_back
from oam.nrm.objects import Moi, ObjectStore
from oam.nrm.outcomes import Created, Finished, Noted, Outcome, Progressed, report_name
from oam.nrm.work import (
    ACTOR,
    Defaults,
    going_on,
    if_not_ended,
    job_failed,
    model_of_part,
    performances,
    request_id_of,
)
from oam.nrm.work_objects import Part
from oam.ports import (
    FINAL_JOB_STATES,
    JobReport,
    JobState,
    ModelRepository,
    TestOrder,
    TrainingFunction,
    VersionState,
)

_UNTESTED = (VersionState.REGISTERED, VersionState.TESTED, VersionState.REJECTED)


class TestingWork:
    """The work of one model of an MLTestingRequest.

    Args:
        store: The managed objects.
        training: The MTLF, which tests, too.
        repository: Keeps the verdict.
        defaults: How a version is tested.
    """

    __test__ = False  # for pytest, which takes it for a test

    def __init__(
        self,
        store: ObjectStore,
        training: TrainingFunction,
        repository: ModelRepository,
        defaults: Defaults,
    ) -> None:
        self._store = store
        self._training = training
        self._repository = repository
        self._defaults = defaults

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """A verdict."""
        name, version = await model_of_part(self._store, part)
        job_id = await self._start(part, name, version)
        yield Noted({"job_id": job_id})
        async for job in going_on(self._training.watch_test(job_id), self._training.resume_test):
            if job.state is JobState.SUCCEEDED:
                await self._record(name, version, job, part)
                yield self._verdict(part, request, job)
            elif job.state in FINAL_JOB_STATES:
                yield job_failed("testing", job)
            else:
                yield Progressed(job.progress_percent, job.progress_info)

    async def suspend(self, part: Part, request: Moi | None) -> None:  # noqa: ARG002
        """Have the job stand still; it begins again when it is resumed."""
        await if_not_ended(self._training.suspend_test(await self._job(part)))

    async def cancel(self, part: Part, request: Moi | None) -> None:  # noqa: ARG002
        """End the job."""
        await if_not_ended(self._training.cancel_test(await self._job(part)))

    async def _job(self, part: Part) -> str:
        """The id of the job; it may have been started without ever having been heard of."""
        return part.notes.get("job_id") or await self._start(
            part, *await model_of_part(self._store, part)
        )

    async def _start(self, part: Part, name: str, version: int) -> str:
        test = self._defaults.test
        order = TestOrder(
            profile=self._defaults.training.profile,
            sample_count=test.sample_count,
            seed=test.seed,
            required_ratio=test.required_ratio,
        )
        request_id = request_id_of(f"{part.owner}/{part.key}")
        return await self._training.start_test(request_id, name, version, order)

    async def _record(self, name: str, version: int, job: JobReport, part: Part) -> None:
        state = (await self._repository.version(name, version)).state
        held_back = await self._store.transact(lambda tree: why_held_back(tree, part.key))
        if state in _UNTESTED and not held_back:  # of any other, only the report tells
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
