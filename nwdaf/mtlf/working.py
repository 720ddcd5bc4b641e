"""The loop that works on jobs, one at a time: fetch, train or test in a child, publish."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import NfError
from nwdaf.mtlf.job_folder import (
    ARTIFACT_FOLDER,
    CARD_FILE,
    GRAPH_FILE,
    PARENT_FOLDER,
    WEIGHTS_FILE,
)
from nwdaf.mtlf.jobs import Job, JobState, Phase, TestingSpec, TrainingSpec, TrainingType
from nwdaf.mtlf.ports import Repository, WorkFailedError, Workshop
from nwdaf.mtlf.procedures import Jobs, is_cancelled

# A change of progress below this is not worth a row and a message.
_PROGRESS_STEP_PERCENT = 1.0

log = structlog.get_logger(__name__)


class Working:
    """Works on the jobs of `jobs` until it is told to stop.

    A job that fails is FAILED with one sentence. A peer that does not answer is waited for. A job
    that is worked on when the process ends runs again from its start at the next one.

    Args:
        jobs: What to work on.
        repository: Where versions come from and go to.
        workshop: Where the heavy work is done.
        clock: For times and pauses.
        folder: Every job gets a folder in it, removed when the job is done.
        pretrained: Artifact folder that PRE_SPECIALISED_TRAINING starts from.
        threads: Threads of a job.
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
    ) -> None:
        self._jobs = jobs
        self._repository = repository
        self._workshop = workshop
        self._clock = clock
        self._folder = folder
        self._pretrained = pretrained
        self._threads = threads

    async def run(self, stop: asyncio.Event) -> None:
        """Returns soon after `stop` is set; what was worked on is worked on again later."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        await self._jobs.requeue_interrupted()
        while not stop.is_set():
            self._jobs.queued.clear()
            job = await self._jobs.take_next()
            if job is None:
                await _either(self._jobs.queued, stop)
                continue
            await self._attend(job, stop)

    async def _attend(self, job: Job, stop: asyncio.Event) -> None:
        folder = self._folder / job.job_id
        folder.mkdir(parents=True, exist_ok=True)
        cancel = self._jobs.cancellation(job.job_id)
        log.info("job started", job_id=job.job_id, spec=asdict(job.spec))
        try:
            await self._do(job, folder, cancel, stop)
        except (WorkFailedError, NfError) as error:
            log.warning("job failed", job_id=job.job_id, error=str(error))
            await self._update(job, state=JobState.FAILED, failure=str(error))
        finally:
            self._jobs.forget_cancellation(job.job_id)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _do(self, job: Job, folder: Path, cancel: asyncio.Event, stop: asyncio.Event) -> None:
        spec = job.spec
        task = await self._prepared(job, folder, stop)
        if task is None:
            return
        result = await self._worked(job, task, folder, cancel, stop)
        if result is None:
            return
        metrics = {name: float(value) for name, value in result["metrics"].items()}
        if isinstance(spec, TestingSpec):
            await self._update(
                job,
                state=JobState.SUCCEEDED,
                progress_percent=100.0,
                passed=_passes(spec, metrics),
                metrics=metrics,
            )
            return
        await self._publish(job, spec, folder, metrics, stop)

    async def _prepared(self, job: Job, folder: Path, stop: asyncio.Event) -> dict[str, Any] | None:
        """The child's task, its files in place; None when told to stop while waiting."""
        spec = job.spec
        task = {"job_id": job.job_id, "threads": self._threads, "spec": asdict(spec)}
        parent = folder / PARENT_FOLDER
        if isinstance(spec, TestingSpec):
            wanted = (spec.model_name, spec.version, (GRAPH_FILE, CARD_FILE))
            return await self._with_files(task | {"kind": "test"}, wanted, parent, stop)
        task["kind"] = "train"
        if spec.training_type.starts_from_version:
            wanted = (spec.model_name, spec.source_version, (WEIGHTS_FILE, CARD_FILE))
            return await self._with_files(task, wanted, parent, stop)
        if spec.training_type is TrainingType.PRE_SPECIALISED_TRAINING:
            if not (self._pretrained / WEIGHTS_FILE).exists():
                raise WorkFailedError(
                    f"there is no pretrained model in {self._pretrained}; set "
                    "worker.pretrained_folder, or ask for INITIAL_TRAINING"
                )
            task["parent"] = str(self._pretrained)
        return task

    async def _with_files(
        self,
        task: dict[str, Any],
        wanted: tuple[str, int, tuple[str, ...]],
        parent: Path,
        stop: asyncio.Event,
    ) -> dict[str, Any] | None:
        name, version, files = wanted
        await asyncio.to_thread(parent.mkdir)

        async def fetch() -> bool:
            await self._repository.fetch(name, version, files, parent)
            return True

        fetched = await keep_trying(fetch, what="mms_repository", clock=self._clock, stop=stop)
        return None if fetched is None else task | {"parent": str(parent)}

    async def _worked(
        self,
        job: Job,
        task: Mapping[str, Any],
        folder: Path,
        cancel: asyncio.Event,
        stop: asyncio.Event,
    ) -> Mapping[str, Any] | None:
        """What the child found; None when the job was cancelled or the process is to stop."""
        told: asyncio.Queue[tuple[float, Phase]] = asyncio.Queue()
        ended = asyncio.Event()
        beside = (
            asyncio.ensure_future(_set_by_either(ended, cancel, stop)),
            asyncio.ensure_future(self._tell(job, told)),
        )
        try:
            return await self._workshop.work(
                task, folder, lambda fraction, phase: told.put_nowait((fraction, phase)), ended
            )
        finally:
            for one in beside:
                one.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

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
        self,
        job: Job,
        spec: TrainingSpec,
        folder: Path,
        metrics: Mapping[str, float],
        stop: asyncio.Event,
    ) -> None:
        # From here on a cancellation is refused: a version may come into being at any moment.
        current = await self._update(job, phase=Phase.PUBLISHING, metrics=dict(metrics))
        if is_cancelled(current):
            return
        publish = partial(
            self._repository.publish,
            spec,
            folder / ARTIFACT_FOLDER,
            job_id=job.job_id,
            kpis=metrics,
        )
        version = await keep_trying(publish, what="mms_repository", clock=self._clock, stop=stop)
        if version is None:
            return
        await self._update(
            job, state=JobState.SUCCEEDED, progress_percent=100.0, published_version=version
        )
        log.info("version published", model_name=spec.model_name, version=version)

    async def _update(self, job: Job, **changes: Any) -> Job:
        def change(stored: Job) -> Job:
            if stored.is_final:  # cancelled meanwhile
                return stored
            return replace(stored, update_time=self._clock.now(), **changes)

        return await self._jobs.change(job.job_id, partial(change))


def _passes(spec: TestingSpec, metrics: Mapping[str, float]) -> bool:
    return metrics["ratio_to_exhaustive"] >= spec.required_ratio and metrics["violations"] == 0


async def _set_by_either(event: asyncio.Event, first: asyncio.Event, second: asyncio.Event) -> None:
    await _either(first, second)
    event.set()


async def _either(first: asyncio.Event, second: asyncio.Event) -> None:
    waits = {asyncio.ensure_future(first.wait()), asyncio.ensure_future(second.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
