"""The loop that works on jobs, one at a time: fetch, train or test in a child, publish."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, Unavailable
from nwdaf.mtlf.job_folder import (
    ARTIFACT_FOLDER,
    CARD_FILE,
    CHECKPOINT_FOLDER,
    GRAPH_FILE,
    PARENT_FOLDER,
    WEIGHTS_FILE,
)
from nwdaf.mtlf.jobs import Job, JobState, Phase, Spec, TestingSpec, TrainingSpec, TrainingType
from nwdaf.mtlf.ports import Repository, WorkFailedError, Workshop
from nwdaf.mtlf.procedures import Jobs

# Beside the checkpoints of a training: which training that is.
_CHECKPOINTS_OF = "checkpoints_of.json"

# A change of progress below this is not worth a row and a message.
_PROGRESS_STEP_PERCENT = 1.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Working:
    """Works on the jobs of `jobs` until it is told to stop.

    A job that fails is FAILED with one sentence. A repository that does not answer is waited for.
    A training that was worked on when the process ended, or that was suspended, goes on from its
    last checkpoint; one that was being published goes on with that, so that it publishes the same
    bytes.

    Args:
        jobs: What to work on.
        repository: Where versions come from and go to.
        workshop: Where the heavy work is done.
        clock: For times and pauses.
        folder: Every job gets a folder in it, removed when the job is final.
        pretrained: Artifact folder that PRE_SPECIALISED_TRAINING starts from.
        threads: Threads of a job.
        patience_s: How long a job waits for a repository that does not answer.
    """

    def __init__(
        self,
        jobs: Jobs,
        *,
        repository: Repository,
        workshop: Workshop,
        clock: Clock,
        folder: Path,
        pretrained: Path,
        threads: int,
        patience_s: float,
    ) -> None:
        self._jobs = jobs
        self._repository = repository
        self._workshop = workshop
        self._clock = clock
        self._folder = folder
        self._pretrained = pretrained
        self._threads = threads
        self._patience_s = patience_s

    async def run(self, stop: asyncio.Event) -> None:
        """Returns soon after `stop` is set; what was worked on is worked on again later."""
        await self._jobs.requeue_interrupted()
        while not stop.is_set():
            # First, so that whatever changes from here on is looked at in the next round.
            self._jobs.queued.clear()
            await self._tidy()
            job = await self._jobs.take_next()
            if job is None:
                async with _either(self._jobs.queued, stop) as something:
                    await something.wait()
            else:
                await self._attend(job, stop)

    async def _tidy(self) -> None:
        """Remove what final jobs have left."""
        unfinished = await self._jobs.unfinished()
        await asyncio.to_thread(_remove_all_but, self._folder, unfinished)

    async def _attend(self, job: Job, stop: asyncio.Event) -> None:
        folder = self._folder / job.job_id
        log.info("job started", job_id=job.job_id, spec=asdict(job.spec))
        interruption = self._jobs.interruption(job.job_id)
        try:
            # It may have been interrupted before there was anything to tell it.
            if (await self._jobs.get(job.job_id, type(job.spec))).state is JobState.RUNNING:
                await self._do(job, folder, interruption, stop)
        except (WorkFailedError, NfError, OSError) as error:
            log.warning("job failed", job_id=job.job_id, error=str(error))
            await self._update(job, state=JobState.FAILED, failure=str(error))
        finally:
            self._jobs.forget_interruption(job.job_id)

    async def _do(
        self, job: Job, folder: Path, interruption: asyncio.Event, stop: asyncio.Event
    ) -> None:
        artifact = folder / ARTIFACT_FOLDER
        if job.is_publishing and artifact.exists():
            await self._publish(job, artifact, job.metrics, stop)
            return
        await asyncio.to_thread(_make_ready, folder, _what_is_trained(job.spec, self._threads))
        async with _either(interruption, stop) as ended:
            task = await self._prepared(job, folder, ended)
            result = None if task is None else await self._worked(job, task, folder, ended)
        if result is None:
            return
        metrics = {name: float(value) for name, value in result["metrics"].items()}
        if isinstance(job.spec, TestingSpec):
            await self._update(
                job,
                state=JobState.SUCCEEDED,
                progress_percent=100.0,
                passed=_passes(job.spec, metrics),
                metrics=metrics,
            )
            return
        await self._publish(job, artifact, metrics, stop)

    async def _prepared(
        self, job: Job, folder: Path, ended: asyncio.Event
    ) -> dict[str, Any] | None:
        """The child's task, its files in place; None when it ended while waiting for them."""
        spec = job.spec
        task = {"job_id": job.job_id, "threads": self._threads, "spec": asdict(spec)}
        if isinstance(spec, TestingSpec):
            task["kind"] = "test"
            files = (GRAPH_FILE, CARD_FILE)
            parent = await self._fetched(spec.model_name, spec.version, files, folder, ended)
            return None if parent is None else task | {"parent": str(parent)}
        task["kind"] = "train"
        if spec.training_type.starts_from_version:
            files = (WEIGHTS_FILE, CARD_FILE)
            parent = await self._fetched(spec.model_name, spec.source_version, files, folder, ended)
            return None if parent is None else task | {"parent": str(parent)}
        if spec.training_type is TrainingType.PRE_SPECIALISED_TRAINING:
            if not (self._pretrained / WEIGHTS_FILE).exists():
                raise WorkFailedError(
                    f"there is no pretrained model in {self._pretrained}; set "
                    "worker.pretrained_folder, or ask for INITIAL_TRAINING"
                )
            task["parent"] = str(self._pretrained)
        return task

    async def _fetched(
        self,
        model_name: str,
        version: int,
        files: Sequence[str],
        folder: Path,
        ended: asyncio.Event,
    ) -> Path | None:
        parent = folder / PARENT_FOLDER
        await asyncio.to_thread(parent.mkdir)

        async def fetch() -> bool:
            await self._repository.fetch(model_name, version, files, parent)
            return True

        return parent if await self._patiently(fetch, ended) else None

    async def _worked(
        self, job: Job, task: Mapping[str, Any], folder: Path, ended: asyncio.Event
    ) -> Mapping[str, Any] | None:
        """What the child found; None when it ended first."""
        told: asyncio.Queue[tuple[float, Phase]] = asyncio.Queue()
        telling = asyncio.ensure_future(self._tell(job, told))
        try:
            return await self._workshop.work(
                task, folder, lambda fraction, phase: told.put_nowait((fraction, phase)), ended
            )
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, job: Job, told: "asyncio.Queue[tuple[float, Phase]]") -> None:
        last_percent, last_phase = -_PROGRESS_STEP_PERCENT, None
        while True:
            fraction, phase = await told.get()
            percent = 100.0 * fraction
            if phase is last_phase and percent - last_percent < _PROGRESS_STEP_PERCENT:
                continue
            last_percent, last_phase = percent, phase
            await self._update(job, progress_percent=percent, phase=phase)

    async def _publish(
        self, job: Job, artifact: Path, metrics: Mapping[str, float], stop: asyncio.Event
    ) -> None:
        if not isinstance(job.spec, TrainingSpec):
            raise TypeError(f"job {job.job_id} is no training")
        # From here on a cancellation is refused: a version may come into being at any moment.
        current = await self._update(job, phase=Phase.PUBLISHING, metrics=dict(metrics))
        if current.state is not JobState.RUNNING:
            return
        publish = partial(
            self._repository.publish, job.spec, artifact, job_id=job.job_id, kpis=metrics
        )
        version = await self._patiently(publish, stop)
        if version is None:
            return
        await self._update(
            job, state=JobState.SUCCEEDED, progress_percent=100.0, published_version=version
        )
        log.info("version published", model_name=job.spec.model_name, version=version)

    async def _patiently(
        self, action: Callable[[], Awaitable[T]], ended: asyncio.Event
    ) -> T | None:
        """What `action` returns, tried again while the repository is silent; None if it ended."""
        give_up_s = self._clock.monotonic_s() + self._patience_s

        async def attempt() -> T:
            try:
                return await action()
            except (Unavailable, DeadlineExceeded) as error:
                if self._clock.monotonic_s() < give_up_s:
                    raise
                raise WorkFailedError(
                    f"the model repository did not answer for {self._patience_s:g} s ({error}); "
                    "start it and ask again"
                ) from error

        return await keep_trying(attempt, what="mms_repository", clock=self._clock, stop=ended)

    async def _update(self, job: Job, **changes: Any) -> Job:
        def change(stored: Job) -> Job:
            # Cancelled or suspended meanwhile; what was done since then does not count.
            if stored.state is not JobState.RUNNING:
                return stored
            return replace(stored, update_time=self._clock.now(), **changes)

        return await self._jobs.change(job.job_id, change)


def _passes(spec: TestingSpec, metrics: Mapping[str, float]) -> bool:
    return metrics["ratio_to_exhaustive"] >= spec.required_ratio and metrics["violations"] == 0


def _what_is_trained(spec: Spec, threads: int) -> str:
    """Everything that the checkpoints of a training depend on."""
    task = {**asdict(spec), "threads": threads, "notif_corre_id": "", "max_res_time_s": None}
    return json.dumps(task, sort_keys=True)


def _make_ready(folder: Path, what_is_trained: str) -> None:
    """Empty the folder, but for checkpoints of the same training."""
    note = folder / _CHECKPOINTS_OF
    if not (note.is_file() and note.read_text(encoding="utf-8") == what_is_trained):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != CHECKPOINT_FOLDER:
            shutil.rmtree(entry)
        elif entry.is_file():
            entry.unlink()
    note.write_text(what_is_trained, encoding="utf-8")


def _remove_all_but(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.name not in names:
            shutil.rmtree(entry, ignore_errors=True)


@asynccontextmanager
async def _either(first: asyncio.Event, second: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """An event that is set as soon as one of the two is, as long as the block lasts."""
    either = asyncio.Event()

    async def follow(event: asyncio.Event) -> None:
        await event.wait()
        either.set()

    followers = [asyncio.ensure_future(follow(event)) for event in (first, second)]
    try:
        yield either
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
