"""The MTLF over gRPC."""

import math
from collections.abc import AsyncIterator, Mapping
from typing import TypeAlias

import grpc
from google.protobuf import duration_pb2

from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceStub
from nf_runtime.errors import ResourceExhausted, Unavailable
from oam.ports import FINAL_JOB_STATES, JobReport, JobState, TestOrder
from oam.training_orders import Profile, TrainingOrder

_OPTIONAL = ("rain_probability", "rain_mean_db", "shadowing_sigma_db", "eavesdropper_min_km")
_QUEUE_FULL = "QUOTA_EXCEEDED"

Job: TypeAlias = pb.TrainingJob | pb.TestingJob


class GrpcTrainingFunction:
    """`oam.ports.TrainingFunction` over gRPC.

    Args:
        channel: To it.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ModelTrainingServiceStub(channel)

    async def start_training(self, request_id: str, model_name: str, order: TrainingOrder) -> str:
        """The id of the training job."""
        spec = pb.TrainingSpec(
            model_name=model_name,
            training_type=pb.MLTrainingType.Value(f"ML_TRAINING_TYPE_{order.training_type}"),
            source_version=order.source_version,
            profile=_profile(order.profile),
            time_budget=_duration(order.time_budget_s),
            seed=order.seed,
        )
        request = pb.CreateTrainingJobRequest(request_id=request_id, spec=spec)
        try:
            response = await self._stub.CreateTrainingJob(request)
        except ResourceExhausted as error:
            raise _later(error) from error
        return response.job.job_id

    async def watch_training(self, job_id: str) -> AsyncIterator[JobReport]:
        """The job now and at each change; the last report has a final state."""
        request = pb.WatchTrainingJobRequest(job_id=job_id)
        async for response in self._stub.WatchTrainingJob(request):
            job = response.job
            report = JobReport(
                job_id=job.job_id,
                state=_state(job),
                progress_percent=job.progress_percent,
                progress_info=job.progress_state_info,
                published_version=job.published_version,
                metrics=_finite(job.metrics),
                failure=job.failure,
            )
            yield report
            if report.state in FINAL_JOB_STATES:
                return
        raise _cut_off(job_id)

    async def suspend_training(self, job_id: str) -> None:
        """Have a job stand still with what it has reached."""
        await self._stub.SuspendTrainingJob(pb.SuspendTrainingJobRequest(job_id=job_id))

    async def resume_training(self, job_id: str) -> None:
        """Let a suspended job go on."""
        await self._stub.ResumeTrainingJob(pb.ResumeTrainingJobRequest(job_id=job_id))

    async def cancel_training(self, job_id: str) -> None:
        """End a job that has not ended."""
        await self._stub.CancelTrainingJob(pb.CancelTrainingJobRequest(job_id=job_id))

    async def start_test(
        self, request_id: str, model_name: str, version: int, order: TestOrder
    ) -> str:
        """The id of the testing job."""
        spec = pb.TestingSpec(
            model_name=model_name,
            version=version,
            profile=_profile(order.profile),
            sample_count=order.sample_count,
            seed=order.seed,
            required_ratio=order.required_ratio,
        )
        request = pb.CreateTestingJobRequest(request_id=request_id, spec=spec)
        try:
            response = await self._stub.CreateTestingJob(request)
        except ResourceExhausted as error:
            raise _later(error) from error
        return response.job.job_id

    async def watch_test(self, job_id: str) -> AsyncIterator[JobReport]:
        """The job now and at each change; the last report has a final state."""
        request = pb.WatchTestingJobRequest(job_id=job_id)
        async for response in self._stub.WatchTestingJob(request):
            job = response.job
            report = JobReport(
                job_id=job.job_id,
                state=_state(job),
                progress_percent=job.progress_percent,
                passed=job.passed,
                metrics=_finite(job.metrics),
                failure=job.failure,
            )
            yield report
            if report.state in FINAL_JOB_STATES:
                return
        raise _cut_off(job_id)

    async def suspend_test(self, job_id: str) -> None:
        """Have a job stand still; it begins again when it is resumed."""
        await self._stub.SuspendTestingJob(pb.SuspendTestingJobRequest(job_id=job_id))

    async def resume_test(self, job_id: str) -> None:
        """Let a suspended job go on."""
        await self._stub.ResumeTestingJob(pb.ResumeTestingJobRequest(job_id=job_id))

    async def cancel_test(self, job_id: str) -> None:
        """End a job that has not ended."""
        await self._stub.CancelTestingJob(pb.CancelTestingJobRequest(job_id=job_id))


def _profile(profile: Profile) -> pb.ScenarioProfile:
    message = pb.ScenarioProfile(name=profile.name, power_budget_dbw=profile.power_budget_dbw)
    for name in _OPTIONAL:
        value = getattr(profile, name)
        if value is not None:
            setattr(message, name, value)
    return message


def _duration(duration_s: float) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(duration_s * 1e9))
    return message


def _state(job: Job) -> JobState:
    return JobState(pb.JobState.Name(job.state).removeprefix("JOB_STATE_"))


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    # A metric that diverged tells nothing, and JSON could not keep it.
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _later(error: ResourceExhausted) -> ResourceExhausted | Unavailable:
    """A full queue empties, so it is waited for like a peer that does not answer."""
    if error.reason == _QUEUE_FULL:
        return Unavailable(error.message, reason=error.reason, **error.metadata)
    return error


def _cut_off(job_id: str) -> Unavailable:
    return Unavailable(
        f"the MTLF ended the watch of job {job_id} before the job; watch it again",
        reason="PEER_UNAVAILABLE",
        peer="nwdaf.mtlf",
    )
