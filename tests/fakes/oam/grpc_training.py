# ruff: noqa: N802, D102 - gRPC names the methods, the proto file describes them
"""An MTLF that trains in no time, but only when it is let, and an AnLF that has seen rain."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

from fakes.oam.grpc_repository import FakeRepository
from fakes.oam.refusals import Refusals

from aimlnf.nwdaf.v1 import analytics_info_service_pb2 as analytics_pb
from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb
from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import AnalyticsInfoServiceServicer
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceServicer
from nf_runtime.errors import FailedPrecondition, NfError, NotFound

RUNNING, SUCCEEDED, FAILED = pb.JOB_STATE_RUNNING, pb.JOB_STATE_SUCCEEDED, pb.JOB_STATE_FAILED
CANCELLED, SUSPENDED = pb.JOB_STATE_CANCELLED, pb.JOB_STATE_SUSPENDED

_EFFECTS = {
    f"{verb}{kind}Job": f"{verb.lower()} {what}"
    for verb in ("Suspend", "Resume", "Cancel")
    for kind, what in (("Training", "training"), ("Testing", "test"))
}

Job: TypeAlias = pb.TrainingJob | pb.TestingJob


class FakeMtlf(ModelTrainingServiceServicer):
    """`effects` lists every job that was created and every version that was published.

    `may_finish` keeps jobs running while it is cleared. `training_failure` and `testing_failure`
    end them badly; `passes` is the verdict of tests. `refusals` maps a method's name to the error
    that it answers with from now on.
    """

    def __init__(self, repository: FakeRepository) -> None:
        self.repository = repository
        self.effects: list[str] = []
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self._moved = asyncio.Event()  # replaced by each change of a job's state
        self.training_metrics = {"ratio_to_exhaustive": 0.91, "loss": float("nan")}
        self.training_failure = ""
        self.testing_failure = ""
        self.passes = True
        self.refusals = Refusals()
        self.training_jobs: dict[str, pb.TrainingJob] = {}
        self.testing_jobs: dict[str, pb.TestingJob] = {}

    async def CreateTrainingJob(
        self, request: pb.CreateTrainingJobRequest, context: Any
    ) -> pb.CreateTrainingJobResponse:
        self.refusals.check("CreateTrainingJob")
        job_id = f"job/{request.request_id}"
        if job_id not in self.training_jobs:
            self.effects.append(f"train from {request.spec.source_version}")
            self.training_jobs[job_id] = pb.TrainingJob(
                job_id=job_id, spec=request.spec, state="JOB_STATE_RUNNING"
            )
        return pb.CreateTrainingJobResponse(job=self.training_jobs[job_id])

    async def WatchTrainingJob(
        self, request: pb.WatchTrainingJobRequest, context: Any
    ) -> AsyncIterator[pb.WatchTrainingJobResponse]:
        self.refusals.check("WatchTrainingJob")
        job = self.training_jobs.get(request.job_id)
        if job is None:
            raise NotFound(f"no job {request.job_id}", reason="RESOURCE_NOT_FOUND")
        async for shown in self._watched(job, self._finish_training):
            yield pb.WatchTrainingJobResponse(job=shown)

    async def SuspendTrainingJob(
        self, request: pb.SuspendTrainingJobRequest, context: Any
    ) -> pb.SuspendTrainingJobResponse:
        job = self.training_jobs[request.job_id]
        self._move("SuspendTrainingJob", job, SUSPENDED, allowed=(RUNNING, SUSPENDED))
        return pb.SuspendTrainingJobResponse(job=job)

    async def ResumeTrainingJob(
        self, request: pb.ResumeTrainingJobRequest, context: Any
    ) -> pb.ResumeTrainingJobResponse:
        job = self.training_jobs[request.job_id]
        self._move("ResumeTrainingJob", job, RUNNING, allowed=(SUSPENDED,))
        return pb.ResumeTrainingJobResponse(job=job)

    async def CancelTrainingJob(
        self, request: pb.CancelTrainingJobRequest, context: Any
    ) -> pb.CancelTrainingJobResponse:
        job = self.training_jobs[request.job_id]
        self._move("CancelTrainingJob", job, CANCELLED, allowed=(RUNNING, SUSPENDED))
        return pb.CancelTrainingJobResponse(job=job)

    async def CreateTestingJob(
        self, request: pb.CreateTestingJobRequest, context: Any
    ) -> pb.CreateTestingJobResponse:
        self.refusals.check("CreateTestingJob")
        job_id = f"job/{request.request_id}"
        if job_id not in self.testing_jobs:
            self.effects.append(f"test {request.spec.version}")
            self.testing_jobs[job_id] = pb.TestingJob(
                job_id=job_id, spec=request.spec, state="JOB_STATE_RUNNING"
            )
        return pb.CreateTestingJobResponse(job=self.testing_jobs[job_id])

    async def WatchTestingJob(
        self, request: pb.WatchTestingJobRequest, context: Any
    ) -> AsyncIterator[pb.WatchTestingJobResponse]:
        self.refusals.check("WatchTestingJob")
        async for shown in self._watched(self.testing_jobs[request.job_id], self._finish_test):
            yield pb.WatchTestingJobResponse(job=shown)

    async def SuspendTestingJob(
        self, request: pb.SuspendTestingJobRequest, context: Any
    ) -> pb.SuspendTestingJobResponse:
        job = self.testing_jobs[request.job_id]
        self._move("SuspendTestingJob", job, SUSPENDED, allowed=(RUNNING, SUSPENDED))
        return pb.SuspendTestingJobResponse(job=job)

    async def ResumeTestingJob(
        self, request: pb.ResumeTestingJobRequest, context: Any
    ) -> pb.ResumeTestingJobResponse:
        job = self.testing_jobs[request.job_id]
        self._move("ResumeTestingJob", job, RUNNING, allowed=(SUSPENDED,))
        return pb.ResumeTestingJobResponse(job=job)

    async def CancelTestingJob(
        self, request: pb.CancelTestingJobRequest, context: Any
    ) -> pb.CancelTestingJobResponse:
        job = self.testing_jobs[request.job_id]
        self._move("CancelTestingJob", job, CANCELLED, allowed=(RUNNING, SUSPENDED))
        return pb.CancelTestingJobResponse(job=job)

    def finish(self, job: pb.TrainingJob) -> None:
        """Let this training finish now, though others may not."""
        if job.state == RUNNING:
            self._finish_training(job)
            self._tell_moved()

    async def _watched(self, job: Job, finish: Callable[[Any], None]) -> AsyncIterator[Job]:
        """The job now and whenever it moves; it finishes as soon as it runs and may."""
        while job.state in (RUNNING, SUSPENDED):
            moved = self._moved
            if job.state == RUNNING:
                job.progress_percent = 50.0
            yield job
            waits = [asyncio.ensure_future(moved.wait())]
            if job.state == RUNNING:
                waits.append(asyncio.ensure_future(self.may_finish.wait()))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if job.state == RUNNING and self.may_finish.is_set():
                finish(job)
        yield job

    def _move(self, method: str, job: Job, state: int, *, allowed: tuple[int, ...]) -> None:
        self.refusals.check(method)
        if job.state not in allowed:
            raise FailedPrecondition("its state does not allow that", reason="STATE_FORBIDS")
        if job.state != state:
            self.effects.append(_EFFECTS[method])
            job.state = state
            job.failure = "it was cancelled" if state == CANCELLED else ""
            self._tell_moved()

    def _tell_moved(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _finish_training(self, job: pb.TrainingJob) -> None:
        if self.training_failure:
            job.state, job.failure = FAILED, self.training_failure
            return
        job.state = SUCCEEDED
        job.published_version = self.repository.publish()
        job.metrics.update(self.training_metrics)
        self.effects.append(f"publish {job.published_version}")

    def _finish_test(self, job: pb.TestingJob) -> None:
        job.state = FAILED if self.testing_failure else SUCCEEDED
        job.failure = self.testing_failure
        job.passed = self.passes
        job.metrics["ratio_to_exhaustive"] = 0.9 if self.passes else 0.4


class FakeAnlf(AnalyticsInfoServiceServicer):
    """Rain of mean and standard deviation 4 dB on two beams, unless `refusal` is set."""

    def __init__(self) -> None:
        self.refusal: NfError | None = None

    async def GetAnalytics(
        self, request: analytics_pb.GetAnalyticsRequest, context: Any
    ) -> analytics_pb.GetAnalyticsResponse:
        if self.refusal is not None:
            raise self.refusal
        return analytics_pb.GetAnalyticsResponse(
            series=[
                analytics_pb.AnalyticsSeries(
                    beam_id=beam,
                    quantity=quantity,
                    num_samples=60,
                    mean=4.0,
                    standard_deviation=4.0,
                )
                for beam in ("beam-1", "beam-2")
                for quantity in ("rain_db", "sinr_db")
            ]
        )
