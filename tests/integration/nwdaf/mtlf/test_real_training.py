"""Real trainings and tests in child processes, published to a real model repository."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from support.mtlf_world import MtlfWorld
from support.waiting import until

from aimlnf.mms.v1 import model_repository_service_pb2 as mms_pb
from aimlnf.nwdaf.v1 import model_training_service_pb2 as pb

TIMEOUT_S = 240.0
LONGEST_LIFE_S = 12.0  # of a child that trains for a second, on a busy machine

pytestmark = pytest.mark.slow


def training(**changes: Any) -> pb.TrainingSpec:
    """A short specialisation of the pretrained model."""
    fields: dict[str, Any] = {
        "model_name": "gan-gdm",
        "training_type": pb.ML_TRAINING_TYPE_PRE_SPECIALISED_TRAINING,
        "profile": pb.ScenarioProfile(name="reference", rain_probability=0.5),
        "time_budget": Duration(seconds=2),
        "seed": 3,
    }
    return pb.TrainingSpec(**{**fields, **changes})


async def create(stub: Any, spec: pb.TrainingSpec) -> str:
    """The id of the created job."""
    response = await stub.CreateTrainingJob(pb.CreateTrainingJobRequest(spec=spec))
    job_id: str = response.job.job_id
    return job_id


async def watch(
    stub: Any, job_id: str, until_true: Callable[[pb.TrainingJob], bool]
) -> list[pb.TrainingJob]:
    """What the job was, until the condition or the end."""
    seen: list[pb.TrainingJob] = []
    async with asyncio.timeout(TIMEOUT_S):
        async for response in stub.WatchTrainingJob(pb.WatchTrainingJobRequest(job_id=job_id)):
            seen.append(response.job)
            if until_true(response.job):
                break
    return seen


async def waiting_said(world: MtlfWorld, times: int) -> None:
    """Return when the log has said that often that the repository is waited for."""
    await until(
        lambda: world.mtlf.log_file.read_text().count("waiting for peer") == times,
        what="the job to wait",
        timeout_s=60.0,
    )


def is_training(job: pb.TrainingJob) -> bool:
    """Whether a child works on it."""
    return job.progress_state_info in ("COLLECTING_DATA", "PREPARING_TRAINING_DATA", "TRAINING")


async def test_from_the_pretrained_model_to_a_tested_version_and_its_successor(
    world: MtlfWorld,
) -> None:
    """Train, publish, test, train again from the published version; torch stays in the child."""
    async with world.training() as stub, world.versions() as repository:
        first = await watch(stub, await create(stub, training()), lambda _: False)
        created = await stub.CreateTestingJob(
            pb.CreateTestingJobRequest(
                spec=pb.TestingSpec(
                    model_name="gan-gdm",
                    version=1,
                    profile=pb.ScenarioProfile(name="reference", power_budget_dbw=[10.0]),
                    sample_count=4,
                    required_ratio=0.01,
                )
            )
        )
        test = created.job
        async with asyncio.timeout(TIMEOUT_S):
            async for response in stub.WatchTestingJob(
                pb.WatchTestingJobRequest(job_id=test.job_id)
            ):
                test = response.job
        retraining = training(training_type=pb.ML_TRAINING_TYPE_RE_TRAINING, source_version=1)
        second = await watch(stub, await create(stub, retraining), lambda _: False)
        listed = await repository.ListModelVersions(
            mms_pb.ListModelVersionsRequest(model_name="gan-gdm")
        )
        loaded = world.mtlf.memory_map()

    assert (first[-1].state, first[-1].published_version) == (pb.JOB_STATE_SUCCEEDED, 1), first[-1]
    assert {job.progress_state_info for job in first} >= {"TRAINING", "EXPORTING", "PUBLISHING"}
    percents = [job.progress_percent for job in first]
    assert percents == sorted(percents)
    assert test.state == pb.JOB_STATE_SUCCEEDED, test
    assert test.passed
    assert test.metrics["samples"] == 4
    assert 0 < test.metrics["ratio_to_exhaustive"] <= 1
    assert test.metrics["violations"] == 0
    assert {"ratio_to_exhaustive_true_channel", "rate_mean_bps_hz", "decision_p50_ms"} <= set(
        test.metrics
    )
    assert (second[-1].state, second[-1].published_version) == (pb.JOB_STATE_SUCCEEDED, 2)
    assert [version.manifest.source_version for version in listed.model_versions] == [1, 0]
    assert {a.file_name for a in listed.model_versions[0].manifest.artifacts} == {
        "model.onnx",
        "weights.safetensors",
        "model_card.json",
        "golden.safetensors",
    }
    assert "libtorch" not in loaded
    assert world.workers() == []


async def test_a_cancelled_job_leaves_no_process_and_no_version(world: MtlfWorld) -> None:
    """The child is killed with the processes that it has started."""
    spec = training(
        training_type=pb.ML_TRAINING_TYPE_INITIAL_TRAINING, time_budget=Duration(seconds=600)
    )
    async with world.training() as stub, world.versions() as repository:
        job_id = await create(stub, spec)
        await watch(stub, job_id, is_training)
        assert world.workers() != []
        await stub.CancelTrainingJob(pb.CancelTrainingJobRequest(job_id=job_id))
        await until(lambda: world.workers() == [], what="the workers to end")
        models = await repository.ListModels(mms_pb.ListModelsRequest())
    assert list(models.models) == []


@pytest.mark.prove
async def test_killed_at_any_point_of_a_training_one_version_comes_of_it(
    world: MtlfWorld, round_seed: int
) -> None:
    """Kill -9, twice: no orphan goes on, the job does, and ends with exactly one version.

    The point is a time within the child's life, from its start over its checkpoints to the upload.
    """
    rng = random.Random(round_seed)
    async with world.training() as stub:
        job_id = await create(stub, training(time_budget=Duration(seconds=1)))
    for _ in range(2):
        await asyncio.sleep(rng.uniform(0.0, LONGEST_LIFE_S))
        world.mtlf.kill()
        await until(lambda: world.workers() == [], what="the orphans to end")
        world.mtlf.start()
    async with world.training() as stub, world.versions() as repository:
        seen = await watch(stub, job_id, lambda _: False)
        listed = await repository.ListModelVersions(
            mms_pb.ListModelVersionsRequest(model_name="gan-gdm")
        )
    assert (seen[-1].state, seen[-1].published_version) == (pb.JOB_STATE_SUCCEEDED, 1), seen[-1]
    assert [version.training_job_id for version in listed.model_versions] == [job_id]
    assert world.workers() == []
    assert list(world.work_folder.iterdir()) == []


async def test_a_suspended_training_goes_on_from_its_checkpoint_after_a_kill(
    world: MtlfWorld,
) -> None:
    """Its process ends at once; kill -9 in between changes nothing."""
    async with world.training() as stub:
        job_id = await create(stub, training(time_budget=Duration(seconds=60)))
        checkpoints = world.work_folder / job_id / "checkpoints"
        await until(
            lambda: any(checkpoints.glob("*.pt")) if checkpoints.is_dir() else False,
            what="a checkpoint",
            timeout_s=60.0,
        )
        suspended = await stub.SuspendTrainingJob(pb.SuspendTrainingJobRequest(job_id=job_id))
        await until(lambda: world.workers() == [], what="the worker to end")
    world.mtlf.kill()
    world.mtlf.start()
    async with world.training() as stub:
        kept = await stub.GetTrainingJob(pb.GetTrainingJobRequest(job_id=job_id))
        assert any(checkpoints.iterdir())
        await stub.ResumeTrainingJob(pb.ResumeTrainingJobRequest(job_id=job_id))
        await watch(stub, job_id, is_training)
        await stub.CancelTrainingJob(pb.CancelTrainingJobRequest(job_id=job_id))
        await until(lambda: world.workers() == [], what="the worker to end")
    assert suspended.job.state == kept.job.state == pb.JOB_STATE_SUSPENDED
    assert kept.job.progress_percent == suspended.job.progress_percent


async def test_a_repository_that_comes_back_later_still_gets_the_version(
    world: MtlfWorld,
) -> None:
    """The job waits, says so once in the log, and survives a restart while it waits."""
    world.repository.kill()
    async with world.training() as stub:
        job_id = await create(stub, training())
        await watch(stub, job_id, lambda job: job.progress_state_info == "PUBLISHING")
    await waiting_said(world, 1)
    world.mtlf.kill()
    world.mtlf.start()
    await waiting_said(world, 2)
    async with world.training() as stub:
        world.repository.start()
        seen = await watch(stub, job_id, lambda _: False)
    assert (seen[-1].state, seen[-1].published_version) == (pb.JOB_STATE_SUCCEEDED, 1)
    assert not any(is_training(job) for job in seen)


async def test_a_shipped_folder_that_is_damaged_fails_the_job_in_one_sentence(
    tmp_path: Path, pretrained: Path
) -> None:
    """No traceback reaches the client."""
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "weights.safetensors").write_bytes((pretrained / "weights.safetensors").read_bytes())
    (damaged / "model_card.json").write_text('{"config": {"network": {"width": "wide"}}}')
    world = MtlfWorld(tmp_path, worker={"pretrained_folder": str(damaged)})
    world.mtlf.start()
    try:
        async with world.training() as stub:
            seen = await watch(stub, await create(stub, training()), lambda _: False)
    finally:
        world.end()
    assert seen[-1].state == pb.JOB_STATE_FAILED
    assert "network.width is 'wide'" in seen[-1].failure
    assert "Traceback" not in seen[-1].failure
