# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""ModelTrainingService: messages in, messages out."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb
from aimlnf.nwdaf.v1 import model_training_service_pb2_grpc as pb_grpc
from nf_runtime.clock import Clock
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
_ACCURACY_METRIC = "ratio_to_exhaustive"
_OptionalField = Literal[
    "rain_probability", "rain_mean_db", "shadowing_sigma_db", "eavesdropper_min_km"
]
_OPTIONAL: tuple[_OptionalField, ...] = get_args(_OptionalField)


class ModelTrainingServicer(pb_grpc.ModelTrainingServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/model_training_service.proto`."""

    def __init__(self, jobs: Jobs, *, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    async def CreateTrainingJob(
        self, request: pb.CreateTrainingJobRequest, context: Any
    ) -> pb.CreateTrainingJobResponse:
        """Starts a training job."""
        job = await self._jobs.create(
            _training_spec(request.spec), request_id=checked_id(request.request_id, "request_id")
        )
        return pb.CreateTrainingJobResponse(job=self._training_job(job))

    async def GetTrainingJob(
        self, request: pb.GetTrainingJobRequest, context: Any
    ) -> pb.GetTrainingJobResponse:
        """One training job."""
        job = await self._jobs.get(request.job_id, TrainingSpec)
        return pb.GetTrainingJobResponse(job=self._training_job(job))

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
            jobs=map(self._training_job, jobs), next_page_token=token_of(following)
        )

    async def CancelTrainingJob(
        self, request: pb.CancelTrainingJobRequest, context: Any
    ) -> pb.CancelTrainingJobResponse:
        """Ends a job that is not finished."""
        job = await self._jobs.cancel(request.job_id, TrainingSpec)
        return pb.CancelTrainingJobResponse(job=self._training_job(job))

    async def SuspendTrainingJob(
        self, request: pb.SuspendTrainingJobRequest, context: Any
    ) -> pb.SuspendTrainingJobResponse:
        """Stops a job that is not finished; its progress is kept."""
        job = await self._jobs.suspend(request.job_id, TrainingSpec)
        return pb.SuspendTrainingJobResponse(job=self._training_job(job))

    async def ResumeTrainingJob(
        self, request: pb.ResumeTrainingJobRequest, context: Any
    ) -> pb.ResumeTrainingJobResponse:
        """Queues a suspended job again."""
        job = await self._jobs.resume(request.job_id, TrainingSpec)
        return pb.ResumeTrainingJobResponse(job=self._training_job(job))

    async def UpdateTrainingJob(
        self, request: pb.UpdateTrainingJobRequest, context: Any
    ) -> pb.UpdateTrainingJobResponse:
        """Changes some fields of a job's spec."""
        job = await self._jobs.amend(request.job_id, _changes(request))
        return pb.UpdateTrainingJobResponse(job=self._training_job(job))

    async def WatchTrainingJob(
        self, request: pb.WatchTrainingJobRequest, context: Any
    ) -> AsyncIterator[pb.WatchTrainingJobResponse]:
        """The job now and at each change."""
        async for job in self._jobs.watch(request.job_id, TrainingSpec):
            yield pb.WatchTrainingJobResponse(job=self._training_job(job))

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

    async def CancelTestingJob(
        self, request: pb.CancelTestingJobRequest, context: Any
    ) -> pb.CancelTestingJobResponse:
        """Ends a job that is not finished."""
        job = await self._jobs.cancel(request.job_id, TestingSpec)
        return pb.CancelTestingJobResponse(job=_testing_job(job))

    async def SuspendTestingJob(
        self, request: pb.SuspendTestingJobRequest, context: Any
    ) -> pb.SuspendTestingJobResponse:
        """Stops a job that is not finished."""
        job = await self._jobs.suspend(request.job_id, TestingSpec)
        return pb.SuspendTestingJobResponse(job=_testing_job(job))

    async def ResumeTestingJob(
        self, request: pb.ResumeTestingJobRequest, context: Any
    ) -> pb.ResumeTestingJobResponse:
        """Queues a suspended job again."""
        job = await self._jobs.resume(request.job_id, TestingSpec)
        return pb.ResumeTestingJobResponse(job=_testing_job(job))

    async def WatchTestingJob(
        self, request: pb.WatchTestingJobRequest, context: Any
    ) -> AsyncIterator[pb.WatchTestingJobResponse]:
        """The job now and at each change."""
        async for job in self._jobs.watch(request.job_id, TestingSpec):
            yield pb.WatchTestingJobResponse(job=_testing_job(job))

    def _training_job(self, job: Job) -> pb.TrainingJob:
        return _training_message(job, self._clock.now())


def _changes(request: pb.UpdateTrainingJobRequest) -> Mapping[str, Any]:
    """The fields of the mask and their new values, by the names of `TrainingSpec`."""
    spec = request.spec
    read: Mapping[str, Callable[[], tuple[str, Any]]] = {
        "time_budget": lambda: (
            "time_budget_s",
            length_of(spec.time_budget, "time_budget").total_seconds(),
        ),
        "seed": lambda: ("seed", spec.seed),
        "profile": lambda: ("profile", _profile(spec.profile)),
        "notif_corre_id": lambda: (
            "notif_corre_id",
            checked_id(spec.notif_corre_id, "notif_corre_id"),
        ),
        "max_res_time": lambda: ("max_res_time_s", _max_res_time_s(spec)),
    }
    paths = request.update_mask.paths
    unknown = [path for path in paths if path not in read]
    if unknown or not paths:
        what = f"names {unknown[0]}" if unknown else "is empty"
        raise invalid_field(f"{what}; these can be changed: {', '.join(read)}", "update_mask")
    return dict(read[path]() for path in paths)


def _max_res_time_s(spec: pb.TrainingSpec) -> float | None:
    if not spec.HasField("max_res_time"):
        return None
    return length_of(spec.max_res_time, "max_res_time").total_seconds()


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
        notif_corre_id=checked_id(message.notif_corre_id, "notif_corre_id"),
        max_res_time_s=_max_res_time_s(message),
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


def _training_message(job: Job, now: datetime) -> pb.TrainingJob:
    spec = job.spec
    if not isinstance(spec, TrainingSpec):
        raise TypeError(f"job {job.job_id} is no training")
    training_type = pb.MLTrainingType.Value(f"{_TYPE_PREFIX}{spec.training_type}")
    ratio = job.metrics.get(_ACCURACY_METRIC)
    cause = job.delay_cause(now) or "UNSPECIFIED"
    max_res_time_s = spec.max_res_time_s
    return pb.TrainingJob(
        job_id=job.job_id,
        spec=pb.TrainingSpec(
            model_name=spec.model_name,
            training_type=training_type,
            source_version=spec.source_version,
            profile=_profile_message(spec.profile),
            time_budget=duration_of(timedelta(seconds=spec.time_budget_s)),
            seed=spec.seed,
            notif_corre_id=spec.notif_corre_id,
            max_res_time=(
                None if max_res_time_s is None else duration_of(timedelta(seconds=max_res_time_s))
            ),
        ),
        state=pb.JobState.Value(f"JOB_STATE_{job.state}"),
        progress_percent=job.progress_percent,
        progress_state_info=job.phase or "",
        published_version=job.published_version,
        metrics=job.metrics,
        failure=job.failure,
        create_time=timestamp_of(job.create_time),
        update_time=timestamp_of(job.update_time),
        delay_event_cause=pb.DelayEventCause.Value(f"DELAY_EVENT_CAUSE_{cause}"),
        ml_model_acc=None if ratio is None else 100.0 * ratio,
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
