# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""ModelTrainingService: messages in, messages out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal, get_args

from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb
from aimlnf.nwdaf.v1 import model_training_service_pb2_grpc as pb_grpc
from nwdaf.message_fields import (
    checked_id,
    duration_of,
    invalid_field,
    length_of,
    page_size_of,
    position_of,
    timestamp_of,
    token_of,
)
from nwdaf.mtlf.jobs import Job, Profile, TestingSpec, TrainingSpec, TrainingType
from nwdaf.mtlf.procedures import Jobs

_TYPE_PREFIX = "ML_TRAINING_TYPE_"
_OptionalField = Literal[
    "rain_probability", "rain_mean_db", "shadowing_sigma_db", "eavesdropper_min_km"
]
_OPTIONAL: tuple[_OptionalField, ...] = get_args(_OptionalField)


class ModelTrainingServicer(pb_grpc.ModelTrainingServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/model_training_service.proto`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def CreateTrainingJob(
        self, request: pb.CreateTrainingJobRequest, context: Any
    ) -> pb.CreateTrainingJobResponse:
        """Starts a training job."""
        job = await self._jobs.create(
            _training_spec(request.spec), request_id=checked_id(request.request_id, "request_id")
        )
        return pb.CreateTrainingJobResponse(job=_training_job(job))

    async def GetTrainingJob(
        self, request: pb.GetTrainingJobRequest, context: Any
    ) -> pb.GetTrainingJobResponse:
        """One training job."""
        job = await self._jobs.get(request.job_id, TrainingSpec)
        return pb.GetTrainingJobResponse(job=_training_job(job))

    async def ListTrainingJobs(
        self, request: pb.ListTrainingJobsRequest, context: Any
    ) -> pb.ListTrainingJobsResponse:
        """Training jobs, newest first."""
        jobs, following = await self._jobs.page(
            TrainingSpec,
            size=page_size_of(request.page_size),
            before=position_of(request.page_token),
        )
        return pb.ListTrainingJobsResponse(
            jobs=map(_training_job, jobs), next_page_token=token_of(following)
        )

    async def CancelTrainingJob(
        self, request: pb.CancelTrainingJobRequest, context: Any
    ) -> pb.CancelTrainingJobResponse:
        """Ends a job that is not finished."""
        job = await self._jobs.cancel(request.job_id, TrainingSpec)
        return pb.CancelTrainingJobResponse(job=_training_job(job))

    async def WatchTrainingJob(
        self, request: pb.WatchTrainingJobRequest, context: Any
    ) -> AsyncIterator[pb.WatchTrainingJobResponse]:
        """The job now and at each change."""
        async for job in self._jobs.watch(request.job_id, TrainingSpec):
            yield pb.WatchTrainingJobResponse(job=_training_job(job))

    async def CreateTestingJob(
        self, request: pb.CreateTestingJobRequest, context: Any
    ) -> pb.CreateTestingJobResponse:
        """Tests a published version."""
        job = await self._jobs.create(
            _testing_spec(request.spec), request_id=checked_id(request.request_id, "request_id")
        )
        return pb.CreateTestingJobResponse(job=_testing_job(job))

    async def GetTestingJob(
        self, request: pb.GetTestingJobRequest, context: Any
    ) -> pb.GetTestingJobResponse:
        """One testing job."""
        job = await self._jobs.get(request.job_id, TestingSpec)
        return pb.GetTestingJobResponse(job=_testing_job(job))

    async def WatchTestingJob(
        self, request: pb.WatchTestingJobRequest, context: Any
    ) -> AsyncIterator[pb.WatchTestingJobResponse]:
        """The job now and at each change."""
        async for job in self._jobs.watch(request.job_id, TestingSpec):
            yield pb.WatchTestingJobResponse(job=_testing_job(job))


def _training_spec(message: pb.TrainingSpec) -> TrainingSpec:
    known = set(pb.MLTrainingType.values()) - {pb.ML_TRAINING_TYPE_UNSPECIFIED}
    if message.training_type not in known:
        raise invalid_field("is not set; say which kind of training", "training_type")
    name = pb.MLTrainingType.Name(message.training_type)
    return TrainingSpec(
        model_name=checked_id(message.model_name, "model_name"),
        training_type=TrainingType(name.removeprefix(_TYPE_PREFIX)),
        source_version=message.source_version,
        profile=_profile(message.profile),
        time_budget_s=length_of(message.time_budget, "time_budget").total_seconds(),
        seed=message.seed,
    )


def _testing_spec(message: pb.TestingSpec) -> TestingSpec:
    return TestingSpec(
        model_name=checked_id(message.model_name, "model_name"),
        version=message.version,
        profile=_profile(message.profile),
        sample_count=message.sample_count,
        seed=message.seed,
        required_ratio=message.required_ratio,
    )


def _profile(message: pb.ScenarioProfile) -> Profile:
    given = {name: getattr(message, name) for name in _OPTIONAL if message.HasField(name)}
    return Profile(
        name=message.name or "pass", power_budget_dbw=tuple(message.power_budget_dbw), **given
    )


def _profile_message(profile: Profile) -> pb.ScenarioProfile:
    message = pb.ScenarioProfile(name=profile.name, power_budget_dbw=profile.power_budget_dbw)
    for name in _OPTIONAL:
        value = getattr(profile, name)
        if value is not None:
            setattr(message, name, value)
    return message


def _training_job(job: Job) -> pb.TrainingJob:
    spec = job.spec
    if not isinstance(spec, TrainingSpec):
        raise TypeError(f"job {job.job_id} is no training")
    training_type = pb.MLTrainingType.Value(f"{_TYPE_PREFIX}{spec.training_type}")
    return pb.TrainingJob(
        job_id=job.job_id,
        spec=pb.TrainingSpec(
            model_name=spec.model_name,
            training_type=training_type,
            source_version=spec.source_version,
            profile=_profile_message(spec.profile),
            time_budget=duration_of(timedelta(seconds=spec.time_budget_s)),
            seed=spec.seed,
        ),
        state=pb.JobState.Value(f"JOB_STATE_{job.state}"),
        progress_percent=job.progress_percent,
        progress_state_info=job.phase or "",
        published_version=job.published_version,
        metrics=job.metrics,
        failure=job.failure,
        create_time=timestamp_of(job.create_time),
        update_time=timestamp_of(job.update_time),
    )


def _testing_job(job: Job) -> pb.TestingJob:
    spec = job.spec
    if not isinstance(spec, TestingSpec):
        raise TypeError(f"job {job.job_id} is no test")
    return pb.TestingJob(
        job_id=job.job_id,
        spec=pb.TestingSpec(
            model_name=spec.model_name,
            version=spec.version,
            profile=_profile_message(spec.profile),
            sample_count=spec.sample_count,
            seed=spec.seed,
            required_ratio=spec.required_ratio,
        ),
        state=pb.JobState.Value(f"JOB_STATE_{job.state}"),
        progress_percent=job.progress_percent,
        passed=job.passed,
        metrics=job.metrics,
        failure=job.failure,
        create_time=timestamp_of(job.create_time),
        update_time=timestamp_of(job.update_time),
    )
