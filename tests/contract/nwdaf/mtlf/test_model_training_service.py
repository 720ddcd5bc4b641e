"""ModelTrainingService over a real socket, publishing to a real model repository."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from support.running_nf import StartNf

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as mms_pb
from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceStub
from nf_runtime.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from nf_runtime.signing import ArtifactDigest, SignedManifest, TrustedKeys
from nwdaf.mtlf.config import MtlfSettings

TIMEOUT_S = 10.0


@pytest.fixture
def stub(mtlf: grpc.aio.Channel) -> Any:
    """A client of the service."""
    return ModelTrainingServiceStub(mtlf)


def training(**changes: Any) -> pb.TrainingSpec:
    """A training from nothing that specialises everything that can be."""
    fields: dict[str, Any] = {
        "model_name": "gan-gdm",
        "training_type": pb.ML_TRAINING_TYPE_INITIAL_TRAINING,
        "profile": pb.ScenarioProfile(
            name="reference",
            rain_probability=0.0,
            rain_mean_db=3.0,
            shadowing_sigma_db=1.0,
            eavesdropper_min_km=0.5,
            power_budget_dbw=[5.0, 10.0],
        ),
        "time_budget": Duration(seconds=10, nanos=500_000_000),
        "seed": 3,
    }
    return pb.TrainingSpec(**{**fields, **changes})


def a_test(**changes: Any) -> pb.TestingSpec:
    """A test of the first version."""
    fields: dict[str, Any] = {
        "model_name": "gan-gdm",
        "version": 1,
        "profile": pb.ScenarioProfile(name="pass"),
        "sample_count": 8,
        "required_ratio": 0.9,
    }
    return pb.TestingSpec(**{**fields, **changes})


async def create(stub: Any, spec: pb.TrainingSpec, *, request_id: str = "") -> pb.TrainingJob:
    """The created training job."""
    response = await stub.CreateTrainingJob(
        pb.CreateTrainingJobRequest(request_id=request_id, spec=spec)
    )
    job: pb.TrainingJob = response.job
    return job


async def finished(stub: Any, job_id: str) -> pb.TrainingJob:
    """The training job when its stream has ended."""
    job = pb.TrainingJob()
    async with asyncio.timeout(TIMEOUT_S):
        async for response in stub.WatchTrainingJob(pb.WatchTrainingJobRequest(job_id=job_id)):
            job = response.job
    return job


async def phase(stub: Any, job_id: str, wanted: str) -> None:
    """Return when the job is in that phase."""
    async with asyncio.timeout(TIMEOUT_S):
        async for response in stub.WatchTrainingJob(pb.WatchTrainingJobRequest(job_id=job_id)):
            if response.job.progress_state_info == wanted:
                return


async def test_a_training_ends_as_a_signed_version(
    stub: Any, mms: Any, workshop: Any, mtlf_settings: MtlfSettings
) -> None:
    """The model is made, the version holds the files, the job's id and figures, and a signature."""
    workshop.go.set()
    job = await create(stub, training())
    done = await finished(stub, job.job_id)
    version = (
        await mms.stub.GetModelVersion(
            mms_pb.GetModelVersionRequest(model_name="gan-gdm", version=1)
        )
    ).model_version

    assert job.spec == training()
    assert (done.state, done.published_version, done.progress_percent) == (
        pb.JOB_STATE_SUCCEEDED,
        1,
        100.0,
    )
    assert done.metrics["ratio_to_exhaustive"] == 0.9
    assert done.update_time.ToNanoseconds() >= done.create_time.ToNanoseconds()
    assert version.training_job_id == job.job_id
    assert dict(version.kpis) == dict(done.metrics)
    manifest = SignedManifest(
        "gan-gdm",
        0,
        [ArtifactDigest(a.file_name, a.sha256, a.size_bytes) for a in version.manifest.artifacts],
    )
    trusted = TrustedKeys.from_files([mtlf_settings.signing.key_file.with_suffix(".pub")])
    trusted.verify(manifest, key_id=version.signature.key_id, signature=version.signature.value)


async def test_a_second_training_makes_the_next_version_from_its_source(
    stub: Any, mms: Any, workshop: Any
) -> None:
    """The child gets the source's weights and card; the manifest names the source."""
    workshop.go.set()
    await finished(stub, (await create(stub, training())).job_id)
    retraining = training(training_type=pb.ML_TRAINING_TYPE_RE_TRAINING, source_version=1)
    done = await finished(stub, (await create(stub, retraining)).job_id)
    version = (
        await mms.stub.GetModelVersion(
            mms_pb.GetModelVersionRequest(model_name="gan-gdm", version=2)
        )
    ).model_version
    assert (done.state, done.published_version) == (pb.JOB_STATE_SUCCEEDED, 2)
    assert version.manifest.source_version == 1
    assert "parent" in workshop.tasks[-1]


async def test_progress_is_told_in_phases(stub: Any, workshop: Any) -> None:
    """QUEUED or RUNNING first, then training, then publishing, then the end."""
    job = await create(stub, training())
    await phase(stub, job.job_id, "TRAINING")
    running = (await stub.GetTrainingJob(pb.GetTrainingJobRequest(job_id=job.job_id))).job
    workshop.go.set()
    done = await finished(stub, job.job_id)
    assert (running.state, running.progress_percent) == (pb.JOB_STATE_RUNNING, 25.0)
    assert done.progress_state_info == "PUBLISHING"


async def test_a_test_passes_or_not(stub: Any, workshop: Any) -> None:
    """Its figures come with the verdict; failing it is no failure of the job."""
    workshop.go.set()
    await finished(stub, (await create(stub, training())).job_id)
    verdicts = {}
    for required_ratio in (0.9, 0.91):
        created = await stub.CreateTestingJob(
            pb.CreateTestingJobRequest(spec=a_test(required_ratio=required_ratio))
        )
        job = created.job
        async with asyncio.timeout(TIMEOUT_S):
            async for response in stub.WatchTestingJob(
                pb.WatchTestingJobRequest(job_id=job.job_id)
            ):
                job = response.job
        read = await stub.GetTestingJob(pb.GetTestingJobRequest(job_id=job.job_id))
        assert read.job == job
        assert job.state == pb.JOB_STATE_SUCCEEDED
        assert job.metrics["ratio_to_exhaustive"] == 0.9
        verdicts[required_ratio] = job.passed
    assert verdicts == {0.9: True, 0.91: False}


async def test_a_version_that_does_not_exist_cannot_be_tested(stub: Any) -> None:
    """NOT_FOUND at once."""
    with pytest.raises(NotFound) as raised:
        await stub.CreateTestingJob(pb.CreateTestingJobRequest(spec=a_test()))
    assert raised.value.reason == "RESOURCE_NOT_FOUND"


async def test_cancelling_ends_a_job_and_publishes_nothing(
    stub: Any, mms: Any, workshop: Any
) -> None:
    """Running or waiting; a second cancellation is refused."""
    running = await create(stub, training())
    waiting = await create(stub, training(seed=4))
    await phase(stub, running.job_id, "TRAINING")
    for job in (waiting, running):
        response = await stub.CancelTrainingJob(pb.CancelTrainingJobRequest(job_id=job.job_id))
        assert response.job.state == pb.JOB_STATE_CANCELLED
        assert (await finished(stub, job.job_id)).state == pb.JOB_STATE_CANCELLED
        with pytest.raises(FailedPrecondition) as raised:
            await stub.CancelTrainingJob(pb.CancelTrainingJobRequest(job_id=job.job_id))
        assert raised.value.reason == "STATE_FORBIDS"
        assert raised.value.metadata == {"state": "CANCELLED", "wanted": "CANCELLED"}
    models = await mms.stub.ListModels(mms_pb.ListModelsRequest())
    assert list(models.models) == []


async def test_create_is_idempotent_by_request_id(stub: Any) -> None:
    """The same request gives the same job, another one under its id is refused."""
    first = await create(stub, training(), request_id="r")
    again = await create(stub, training(), request_id="r")
    with pytest.raises(AlreadyExists) as raised:
        await create(stub, training(seed=9), request_id="r")
    assert again.job_id == first.job_id
    assert raised.value.reason == "REQUEST_ID_REUSED"


async def test_the_queue_is_bounded(stub: Any) -> None:
    """One job runs and two wait; the next is RESOURCE_EXHAUSTED."""
    running = await create(stub, training())
    await phase(stub, running.job_id, "TRAINING")
    for seed in (11, 12):
        await create(stub, training(seed=seed))
    with pytest.raises(ResourceExhausted) as raised:
        await create(stub, training(seed=13))
    assert raised.value.reason == "QUOTA_EXCEEDED"


async def test_list_is_newest_first_in_pages(stub: Any, workshop: Any) -> None:
    """Training jobs only; every one comes once."""
    workshop.go.set()
    made = []
    for seed in range(3):
        job = await create(stub, training(seed=seed))
        await finished(stub, job.job_id)
        made.append(job.job_id)
    await stub.CreateTestingJob(pb.CreateTestingJobRequest(spec=a_test()))
    first = await stub.ListTrainingJobs(pb.ListTrainingJobsRequest(page_size=2))
    second = await stub.ListTrainingJobs(
        pb.ListTrainingJobsRequest(page_size=2, page_token=first.next_page_token)
    )
    listed = [job.job_id for job in (*first.jobs, *second.jobs)]
    assert listed == made[::-1]
    assert second.next_page_token == ""


async def test_a_training_is_suspended_and_resumed(stub: Any, workshop: Any) -> None:
    """Its progress is frozen meanwhile; a finished one can be neither."""
    job = await create(stub, training())
    await phase(stub, job.job_id, "TRAINING")
    suspended = await stub.SuspendTrainingJob(pb.SuspendTrainingJobRequest(job_id=job.job_id))
    read = await stub.GetTrainingJob(pb.GetTrainingJobRequest(job_id=job.job_id))
    resumed = await stub.ResumeTrainingJob(pb.ResumeTrainingJobRequest(job_id=job.job_id))
    workshop.go.set()
    done = await finished(stub, job.job_id)
    with pytest.raises(FailedPrecondition) as raised:
        await stub.SuspendTrainingJob(pb.SuspendTrainingJobRequest(job_id=job.job_id))
    assert suspended.job.state == read.job.state == pb.JOB_STATE_SUSPENDED
    assert read.job.progress_percent == suspended.job.progress_percent
    assert resumed.job.state == pb.JOB_STATE_QUEUED
    assert (done.state, done.published_version) == (pb.JOB_STATE_SUCCEEDED, 1)
    assert done.ml_model_acc == pytest.approx(90.0)
    assert raised.value.reason == "STATE_FORBIDS"


async def test_a_test_is_suspended_resumed_and_cancelled(stub: Any, workshop: Any) -> None:
    """As a training is."""
    workshop.go.set()
    await finished(stub, (await create(stub, training())).job_id)
    workshop.go.clear()
    created = await stub.CreateTestingJob(pb.CreateTestingJobRequest(spec=a_test()))
    job_id = created.job.job_id
    suspended = await stub.SuspendTestingJob(pb.SuspendTestingJobRequest(job_id=job_id))
    resumed = await stub.ResumeTestingJob(pb.ResumeTestingJobRequest(job_id=job_id))
    cancelled = await stub.CancelTestingJob(pb.CancelTestingJobRequest(job_id=job_id))
    states = [answer.job.state for answer in (suspended, resumed, cancelled)]
    assert states[0] == pb.JOB_STATE_SUSPENDED
    assert states[1] == pb.JOB_STATE_QUEUED
    assert states[2] == pb.JOB_STATE_CANCELLED


async def test_a_waiting_job_can_be_changed(stub: Any) -> None:
    """The fields of the mask; of a running one only the consumer's own."""
    running = await create(stub, training(max_res_time=Duration(nanos=1000)))
    await phase(stub, running.job_id, "TRAINING")
    late = await stub.GetTrainingJob(pb.GetTrainingJobRequest(job_id=running.job_id))
    waiting = await create(stub, training())
    changed = await stub.UpdateTrainingJob(
        pb.UpdateTrainingJobRequest(
            job_id=waiting.job_id,
            spec=training(seed=9, notif_corre_id="mine", model_name="other"),
            update_mask=FieldMask(paths=["seed", "notif_corre_id"]),
        )
    )
    patient = await stub.UpdateTrainingJob(
        pb.UpdateTrainingJobRequest(
            job_id=running.job_id, update_mask=FieldMask(paths=["max_res_time"])
        )
    )
    with pytest.raises(FailedPrecondition):
        await stub.UpdateTrainingJob(
            pb.UpdateTrainingJobRequest(
                job_id=running.job_id, spec=training(seed=9), update_mask=FieldMask(paths=["seed"])
            )
        )
    assert late.job.delay_event_cause == pb.DELAY_EVENT_CAUSE_NEED_MORE_TIME
    assert patient.job.delay_event_cause == pb.DELAY_EVENT_CAUSE_UNSPECIFIED
    assert changed.job.spec == training(seed=9, notif_corre_id="mine")


async def test_other_fields_cannot_be_changed(stub: Any) -> None:
    """The mask names what can be."""
    job = await create(stub, training())
    for paths in ([], ["model_name"], ["seed", "nonsense"]):
        with pytest.raises(InvalidArgument) as raised:
            await stub.UpdateTrainingJob(
                pb.UpdateTrainingJobRequest(
                    job_id=job.job_id, spec=training(), update_mask=FieldMask(paths=paths)
                )
            )
        assert raised.value.metadata == {"field": "update_mask"}


@pytest.mark.parametrize("job_id", ["", "none"])
async def test_unknown_jobs_are_not_found(stub: Any, job_id: str) -> None:
    """Every method says so; a stream too."""
    calls = [
        stub.GetTrainingJob(pb.GetTrainingJobRequest(job_id=job_id)),
        stub.CancelTrainingJob(pb.CancelTrainingJobRequest(job_id=job_id)),
        stub.SuspendTrainingJob(pb.SuspendTrainingJobRequest(job_id=job_id)),
        stub.ResumeTrainingJob(pb.ResumeTrainingJobRequest(job_id=job_id)),
        stub.UpdateTrainingJob(
            pb.UpdateTrainingJobRequest(job_id=job_id, update_mask=FieldMask(paths=["seed"]))
        ),
        stub.GetTestingJob(pb.GetTestingJobRequest(job_id=job_id)),
        stub.CancelTestingJob(pb.CancelTestingJobRequest(job_id=job_id)),
        finished(stub, job_id),
    ]
    for call in calls:
        with pytest.raises(NotFound) as raised:
            await call
        assert raised.value.metadata == {"resource": job_id}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (pb.TrainingSpec(), "training_type"),
        (training(training_type=77), "training_type"),
        (training(model_name=""), "model_name"),
        (training(model_name="x" * 201), "model_name"),
        (training(time_budget=None), "time_budget"),
        (training(time_budget=Duration(seconds=10**15)), "time_budget"),
        (training(source_version=1), "source_version"),
        (training(seed=-1), "seed"),
        (training(profile=pb.ScenarioProfile(name="moon")), "profile.name"),
        (
            training(profile=pb.ScenarioProfile(name="pass", rain_probability=2.0)),
            "profile.rain_probability",
        ),
        (
            training(profile=pb.ScenarioProfile(name="pass", power_budget_dbw=[float("nan")])),
            "profile.power_budget_dbw",
        ),
    ],
)
async def test_specs_out_of_range_are_refused(stub: Any, spec: pb.TrainingSpec, field: str) -> None:
    """INVALID_FIELD names the field, and no job is made."""
    with pytest.raises(InvalidArgument) as raised:
        await create(stub, spec)
    listed = await stub.ListTrainingJobs(pb.ListTrainingJobsRequest())
    assert (raised.value.reason, raised.value.metadata) == ("INVALID_FIELD", {"field": field})
    assert list(listed.jobs) == []


async def test_a_refused_version_fails_the_job_with_the_repository_s_sentence(
    mtlf_settings: MtlfSettings, start_mtlf: StartNf[MtlfSettings], workshop: Any, mms: Any
) -> None:
    """Signed with a key that the repository does not trust: nothing is stored."""
    stranger = mtlf_settings.signing.key_file.with_name("stranger.key")
    distrusted = mtlf_settings.model_copy(
        update={"signing": mtlf_settings.signing.model_copy(update={"key_file": stranger})}
    )
    workshop.go.set()
    async with start_mtlf(distrusted) as channel:
        stub = ModelTrainingServiceStub(channel)
        done = await finished(stub, (await create(stub, training())).job_id)
    versions = await mms.stub.ListModelVersions(
        mms_pb.ListModelVersionsRequest(model_name="gan-gdm")
    )
    assert done.state == pb.JOB_STATE_FAILED
    assert "not trusted" in done.failure
    assert list(versions.model_versions) == []


async def test_a_model_that_exists_gets_the_version(stub: Any, mms: Any, workshop: Any) -> None:
    """Also when somebody else made the model, with another description."""
    await mms.stub.CreateModel(
        mms_pb.CreateModelRequest(
            model=model_pb2.Model(
                model_name="gan-gdm", aiml_inference_name="X", description="other"
            )
        )
    )
    workshop.go.set()
    done = await finished(stub, (await create(stub, training())).job_id)
    assert (done.state, done.published_version) == (pb.JOB_STATE_SUCCEEDED, 1)


async def test_a_job_goes_on_after_a_restart(
    mtlf_settings: MtlfSettings, start_mtlf: StartNf[MtlfSettings], workshop: Any
) -> None:
    """It was running when the function stopped; its watcher is told to connect again."""
    async with start_mtlf(mtlf_settings) as channel:
        stub = ModelTrainingServiceStub(channel)
        job = await create(stub, training())
        await phase(stub, job.job_id, "TRAINING")
        watching = stub.WatchTrainingJob(pb.WatchTrainingJobRequest(job_id=job.job_id))
        await watching.read()
        draining = asyncio.create_task(_failure(watching))
    workshop.go.set()
    async with start_mtlf(mtlf_settings) as channel:
        done = await finished(ModelTrainingServiceStub(channel), job.job_id)
    assert (await draining).reason == "DRAINING"
    assert (done.state, done.published_version) == (pb.JOB_STATE_SUCCEEDED, 1)


async def _failure(call: Any) -> Unavailable:
    with pytest.raises(Unavailable) as raised:
        await _read_to_the_end(call)
    return raised.value


async def _read_to_the_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
