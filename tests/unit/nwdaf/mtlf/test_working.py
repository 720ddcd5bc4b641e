"""The loop that works on jobs: order, failure, cancellation, interruption, absent repository."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.mtlf_peers import FakeWorkshop, MemoryJobStore, MemoryRepository
from support.waiting import until

from nf_runtime.clock import ManualClock
from nf_runtime.errors import FailedPrecondition, NotFound
from nwdaf.mtlf import jobs
from nwdaf.mtlf.job_folder import CHECKPOINT_FOLDER, WEIGHTS_FILE
from nwdaf.mtlf.jobs import (
    Job,
    JobState,
    Phase,
    Profile,
    TrainingSpec,
    TrainingType,
)
from nwdaf.mtlf.ports import WorkFailedError
from nwdaf.mtlf.procedures import Jobs
from nwdaf.mtlf.working import Working

TRAINING = TrainingSpec("m", TrainingType.INITIAL_TRAINING, 0, Profile(), 10.0, 1)
TESTING = jobs.TestingSpec("m", 1, Profile(), 10, 1, 0.9)
PATIENCE_S = 60.0


class Scene:
    """Jobs, their loop and everything around it in memory; folders are real."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.store = MemoryJobStore()
        self.repository = MemoryRepository()
        self.workshop = FakeWorkshop()
        self.folder = folder / "work"
        self.pretrained = folder / "pretrained"
        self.jobs = Jobs(self.store, self.repository, clock=self.clock)

    @asynccontextmanager
    async def working(self, *, threads: int = 2) -> AsyncIterator[None]:
        """The loop runs as long as the block."""
        stop = asyncio.Event()
        loop = Working(
            self.jobs,
            repository=self.repository,
            workshop=self.workshop,
            clock=self.clock,
            folder=self.folder,
            pretrained=self.pretrained,
            threads=threads,
            patience_s=PATIENCE_S,
        )
        running = asyncio.create_task(loop.run(stop))
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(5):
                await running

    def job(self, job_id: str) -> Job:
        """The job as it is stored."""
        return self.store.jobs[job_id]

    async def reach(self, job_id: str, condition: Callable[[Job], bool]) -> Job:
        """The job, once it fulfils the condition; time passes while waiting."""
        async with asyncio.timeout(5):
            while not condition(self.job(job_id)):
                await self.clock.advance(1.0)
                await asyncio.sleep(0.001)
        return self.job(job_id)


def leave_behind(folder: Path) -> None:
    """What a child leaves in its folder when it is killed."""
    (folder / CHECKPOINT_FOLDER).mkdir()
    (folder / CHECKPOINT_FOLDER / "state").write_text("weights")
    (folder / "other").write_text("half written")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Nothing has happened yet."""
    return Scene(tmp_path)


async def test_a_training_is_worked_on_and_published(scene: Scene) -> None:
    """Its phases are told, its figures stay with it, its folder goes."""
    scene.workshop.go.set()
    job = await scene.jobs.create(TRAINING, request_id="")
    async with scene.working():
        done = await scene.reach(job.job_id, lambda job: job.is_final)

    assert (done.state, done.published_version, done.progress_percent) == (
        JobState.SUCCEEDED,
        1,
        100.0,
    )
    assert done.metrics["ratio_to_exhaustive"] == 0.9
    assert scene.store.history[-2:] == [
        (JobState.RUNNING, Phase.PUBLISHING),
        (JobState.SUCCEEDED, Phase.PUBLISHING),
    ]
    assert list(scene.folder.iterdir()) == []


async def test_jobs_are_worked_on_one_at_a_time_in_order(scene: Scene) -> None:
    """The second waits until the first is done; one made while idle is noticed."""
    async with scene.working():
        first = await scene.jobs.create(TRAINING, request_id="")
        second = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(first.job_id, lambda job: job.phase is Phase.TRAINING)
        assert scene.job(second.job_id).state is JobState.QUEUED
        scene.workshop.go.set()
        await scene.reach(second.job_id, lambda job: job.is_final)
    assert [task["job_id"] for task in scene.workshop.tasks] == [first.job_id, second.job_id]


@pytest.mark.parametrize(
    ("metrics", "passed"),
    [
        ({"ratio_to_exhaustive": 0.9, "violations": 0.0}, True),
        ({"ratio_to_exhaustive": 0.89, "violations": 0.0}, False),
        ({"ratio_to_exhaustive": 0.99, "violations": 1.0}, False),
    ],
)
async def test_a_test_passes_by_ratio_and_without_violations(
    scene: Scene, metrics: dict[str, float], *, passed: bool
) -> None:
    """A version that does not pass is no failure of the job."""
    scene.repository.versions[1] = ("other", {})
    scene.workshop.metrics = metrics
    scene.workshop.go.set()
    job = await scene.jobs.create(TESTING, request_id="")
    async with scene.working():
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert (done.state, done.passed, dict(done.metrics)) == (JobState.SUCCEEDED, passed, metrics)


async def test_a_version_that_does_not_exist_cannot_be_tested(scene: Scene) -> None:
    """NOT_FOUND at once, and no job."""
    with pytest.raises(NotFound):
        await scene.jobs.create(TESTING, request_id="")
    assert scene.store.jobs == {}


async def test_a_test_is_taken_while_the_repository_is_silent(scene: Scene) -> None:
    """It waits for the repository and then runs."""
    scene.repository.versions[1] = ("other", {})
    scene.repository.missing = True
    scene.workshop.go.set()
    job = await scene.jobs.create(TESTING, request_id="")
    async with scene.working():
        await scene.reach(job.job_id, lambda _: scene.repository.calls > 3)
        scene.repository.missing = False
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert done.state is JobState.SUCCEEDED


async def test_patience_with_a_silent_repository_ends(scene: Scene) -> None:
    """After the configured time the job fails and the next one is worked on."""
    scene.repository.missing = True
    scene.workshop.go.set()
    job = await scene.jobs.create(TRAINING, request_id="")
    async with scene.working():
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert done.state is JobState.FAILED
    assert "did not answer for 60 s" in done.failure
    assert scene.repository.calls > 3


async def test_a_cancelled_training_publishes_nothing(scene: Scene) -> None:
    """Its process is ended and the next job is worked on."""
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.TRAINING)
        answered = await scene.jobs.cancel(job.job_id, TrainingSpec)
        following = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(following.job_id, lambda job: job.phase is Phase.TRAINING)
    assert answered.state is JobState.CANCELLED
    assert scene.job(job.job_id).state is JobState.CANCELLED
    assert scene.workshop.cancelled >= 1
    assert scene.repository.versions == {}


async def test_a_job_that_waits_for_the_repository_can_be_cancelled(scene: Scene) -> None:
    """It must not hold up the queue until the repository is back."""
    scene.repository.missing = True
    retraining = replace(TRAINING, training_type=TrainingType.RE_TRAINING, source_version=1)
    async with scene.working():
        waiting = await scene.jobs.create(retraining, request_id="")
        following = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(waiting.job_id, lambda _: scene.repository.calls > 1)
        await scene.jobs.cancel(waiting.job_id, TrainingSpec)
        await scene.reach(following.job_id, lambda job: job.phase is Phase.TRAINING)
    assert scene.job(waiting.job_id).state is JobState.CANCELLED


async def test_a_job_that_is_being_published_cannot_be_cancelled(scene: Scene) -> None:
    """Its version may come into being at any moment."""
    scene.repository.missing = True
    scene.workshop.go.set()
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.PUBLISHING)
        with pytest.raises(FailedPrecondition):
            await scene.jobs.cancel(job.job_id, TrainingSpec)


async def test_an_interrupted_training_goes_on_from_its_checkpoints(scene: Scene) -> None:
    """They stay in its folder; everything else in it is made anew."""
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.TRAINING)
        folder = scene.folder / job.job_id
        leave_behind(folder)
    assert scene.job(job.job_id).state is JobState.RUNNING
    async with scene.working():
        await scene.reach(job.job_id, lambda _: len(scene.workshop.tasks) == 2)
        assert (folder / CHECKPOINT_FOLDER / "state").exists()
        assert not (folder / "other").exists()
        scene.workshop.go.set()
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert (done.state, done.published_version) == (JobState.SUCCEEDED, 1)


async def test_checkpoints_of_another_training_are_of_no_use(scene: Scene) -> None:
    """Another number of threads draws other random numbers."""
    async with scene.working(threads=2):
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.TRAINING)
        folder = scene.folder / job.job_id
        leave_behind(folder)
    async with scene.working(threads=1):
        await scene.reach(job.job_id, lambda _: len(scene.workshop.tasks) == 2)
        assert not (folder / CHECKPOINT_FOLDER).exists()


async def test_a_suspended_training_makes_room_and_goes_on_later(scene: Scene) -> None:
    """Its process ends, another job runs meanwhile, and its checkpoints survive a restart."""
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.TRAINING)
        folder = scene.folder / job.job_id
        leave_behind(folder)
        answered = await scene.jobs.suspend(job.job_id, TrainingSpec)
        following = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(following.job_id, lambda job: job.phase is Phase.TRAINING)
    assert answered.state is JobState.SUSPENDED
    assert scene.workshop.cancelled >= 1
    scene.workshop.go.set()
    async with scene.working():
        await scene.reach(following.job_id, lambda job: job.is_final)
        frozen = scene.job(job.job_id)
        scene.workshop.go.clear()
        await scene.jobs.resume(job.job_id, TrainingSpec)
        await scene.reach(job.job_id, lambda job: job.state is JobState.RUNNING)
        await scene.reach(job.job_id, lambda _: len(scene.workshop.tasks) == 4)
        assert (folder / CHECKPOINT_FOLDER / "state").exists()
        scene.workshop.go.set()
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert (frozen.state, frozen.progress_percent) == (JobState.SUSPENDED, 25.0)
    assert done.state is JobState.SUCCEEDED


async def test_a_suspended_job_that_is_cancelled_leaves_nothing(scene: Scene) -> None:
    """Its folder goes though nobody works on it."""
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.TRAINING)
        await scene.jobs.suspend(job.job_id, TrainingSpec)
        await scene.jobs.cancel(job.job_id, TrainingSpec)
        await until(lambda: list(scene.folder.iterdir()) == [], what="its folder to go")


async def test_an_interrupted_publication_goes_on_with_the_same_bytes(scene: Scene) -> None:
    """The version is there and the answer was lost: no second training, no second version."""
    scene.repository.missing_after_upload = True
    scene.workshop.go.set()
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        await scene.reach(job.job_id, lambda _: bool(scene.repository.versions))
    assert scene.job(job.job_id).phase is Phase.PUBLISHING
    scene.repository.missing = False
    async with scene.working():
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert (done.state, done.published_version) == (JobState.SUCCEEDED, 1)
    assert done.metrics["ratio_to_exhaustive"] == 0.9
    assert len(scene.repository.versions) == len(scene.workshop.tasks) == 1


@pytest.mark.parametrize(
    "failure", [WorkFailedError("the data are wrong"), OSError(28, "No space left on device")]
)
async def test_a_failure_is_told_in_one_sentence(scene: Scene, failure: Exception) -> None:
    """The job is FAILED and the next one is worked on."""
    scene.workshop.failure = failure
    scene.workshop.go.set()
    async with scene.working():
        job = await scene.jobs.create(TRAINING, request_id="")
        done = await scene.reach(job.job_id, lambda job: job.is_final)
        scene.workshop.failure = None
        following = await scene.jobs.create(TRAINING, request_id="")
        after = await scene.reach(following.job_id, lambda job: job.is_final)
    assert (done.state, done.failure) == (JobState.FAILED, str(failure))
    assert after.state is JobState.SUCCEEDED


async def test_pre_specialised_training_starts_from_the_shipped_model(scene: Scene) -> None:
    """Without one the job fails and says what to do; with one the child is told where."""
    scene.workshop.go.set()
    spec = replace(TRAINING, training_type=TrainingType.PRE_SPECIALISED_TRAINING)
    async with scene.working():
        without = await scene.jobs.create(spec, request_id="")
        failed = await scene.reach(without.job_id, lambda job: job.is_final)
        scene.pretrained.mkdir()
        (scene.pretrained / WEIGHTS_FILE).write_bytes(b"")
        job = await scene.jobs.create(spec, request_id="")
        await scene.reach(job.job_id, lambda job: job.is_final)
    assert failed.state is JobState.FAILED
    assert "pretrained_folder" in failed.failure
    assert scene.workshop.tasks[-1]["parent"] == str(scene.pretrained)


async def test_retraining_starts_from_the_fetched_version(scene: Scene) -> None:
    """Its weights and card are fetched into the job's folder first."""
    scene.repository.versions[4] = ("other", {WEIGHTS_FILE: b"weights"})
    retraining = replace(TRAINING, training_type=TrainingType.FINE_TUNING, source_version=4)
    async with scene.working():
        job = await scene.jobs.create(retraining, request_id="")
        await scene.reach(job.job_id, lambda job: job.phase is Phase.TRAINING)
        parent = Path(scene.workshop.tasks[-1]["parent"])
        assert (parent / WEIGHTS_FILE).read_bytes() == b"weights"
        assert scene.folder in parent.parents


async def test_retraining_from_nothing_fails(scene: Scene) -> None:
    """A source version that does not exist is the job's failure."""
    retraining = replace(TRAINING, training_type=TrainingType.RE_TRAINING, source_version=4)
    async with scene.working():
        job = await scene.jobs.create(retraining, request_id="")
        done = await scene.reach(job.job_id, lambda job: job.is_final)
    assert (done.state, done.failure) == (JobState.FAILED, "no such version")


async def test_leftovers_of_an_earlier_process_are_removed(scene: Scene) -> None:
    """Folders of jobs that are final already."""
    leftover = scene.folder / "job-of-old"
    leftover.mkdir(parents=True)
    async with scene.working():
        await until(lambda: not leftover.exists(), what="the leftovers to go")


async def test_a_watcher_sees_the_job_until_it_is_final(scene: Scene) -> None:
    """From now to the end, and then the stream ends."""
    job = await scene.jobs.create(TRAINING, request_id="")
    seen: list[Job] = []

    async def watch() -> None:
        async for state in scene.jobs.watch(job.job_id, TrainingSpec):
            seen.append(state)
            scene.workshop.go.set()

    async with scene.working(), asyncio.timeout(5):
        await watch()
    assert seen[0].state is JobState.QUEUED
    assert seen[-1].state is JobState.SUCCEEDED
    again = [state async for state in scene.jobs.watch(job.job_id, TrainingSpec)]
    assert [state.state for state in again] == [JobState.SUCCEEDED]
