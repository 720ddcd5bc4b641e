# ruff: noqa: N802, D102 - gRPC names the methods, the proto file describes them
"""An MTLF that trains in no time, but only when it is let, and an AnLF that has seen rain."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fakes.oam.grpc_repository import FakeRepository
from fakes.oam.refusals import Refusals

from aimlnf.nwdaf.v1 import analytics_info_service_pb2 as analytics_pb
from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb
from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import AnalyticsInfoServiceServicer
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceServicer
from nf_runtime.errors import FailedPrecondition, NfError, NotFound

RUNNING, SUCCEEDED, FAILED = pb.JOB_STATE_RUNNING, pb.JOB_STATE_SUCCEEDED, pb.JOB_STATE_FAILED
CANCELLED = pb.JOB_STATE_CANCELLED


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
        self.cancelled = asyncio.Event()
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
        if job.state == RUNNING:
            job.progress_percent, job.progress_state_info = 50.0, "TRAINING"
            yield pb.WatchTrainingJobResponse(job=job)
            await self._let_go()
            self._finish_training(job)
        yield pb.WatchTrainingJobResponse(job=job)

    async def CancelTrainingJob(
        self, request: pb.CancelTrainingJobRequest, context: Any
    ) -> pb.CancelTrainingJobResponse:
        self.refusals.check("CancelTrainingJob")
        job = self.training_jobs[request.job_id]
        if job.state != RUNNING:
            raise FailedPrecondition("it has ended", reason="STATE_FORBIDS")
        job.state, job.failure = CANCELLED, "it was cancelled"
        self.effects.append("cancel training")
        self.cancelled.set()
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
        job = self.testing_jobs[request.job_id]
        if job.state == RUNNING:
            job.progress_percent = 50.0
            yield pb.WatchTestingJobResponse(job=job)
            await self.may_finish.wait()
            job.state = FAILED if self.testing_failure else SUCCEEDED
            job.failure = self.testing_failure
            job.passed = self.passes
            job.metrics["ratio_to_exhaustive"] = 0.9 if self.passes else 0.4
        yield pb.WatchTestingJobResponse(job=job)

    async def _let_go(self) -> None:
        """Returns once the job may finish, or was cancelled."""
        waits = [asyncio.ensure_future(e.wait()) for e in (self.may_finish, self.cancelled)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self.cancelled.clear()

    def _finish_training(self, job: pb.TrainingJob) -> None:
        if job.state != RUNNING:  # another watcher was first
            return
        if self.training_failure:
            job.state, job.failure = FAILED, self.training_failure
            return
        job.state = SUCCEEDED
        job.published_version = self.repository.publish()
        job.metrics["ratio_to_exhaustive"] = 0.91
        job.metrics["loss"] = float("nan")
        self.effects.append(f"publish {job.published_version}")


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
