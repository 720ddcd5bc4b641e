"""What consumers ask of the MTLF about its jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Unavailable
from nwdaf.changes import Changes
from nwdaf.mtlf.jobs import (
    Job,
    Spec,
    TestingSpec,
    TrainingSpec,
    amended,
    cancelled,
    check_spec,
    resumed,
    suspended,
)
from nwdaf.mtlf.ports import JobStore, Repository

log = structlog.get_logger(__name__)


class Jobs:
    """Creates, shows, watches, changes, suspends, resumes and cancels jobs.

    Args:
        store: Where they are kept.
        repository: Knows which versions there are to test.
        clock: For times.
    """

    def __init__(self, store: JobStore, repository: Repository, *, clock: Clock) -> None:
        self._store = store
        self._repository = repository
        self._clock = clock
        self._changes = Changes[str, Job]()
        self._interruptions: dict[str, asyncio.Event] = {}
        self.queued = asyncio.Event()

    async def create(self, spec: Spec, *, request_id: str) -> Job:
        """A new job, or the one that the same request made before.

        Raises:
            InvalidArgument: INVALID_FIELD.
            NotFound: RESOURCE_NOT_FOUND, the version to be tested.
            AlreadyExists: REQUEST_ID_REUSED.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        check_spec(spec)
        if isinstance(spec, TestingSpec):
            # While the repository does not answer the job is taken, and waits for it.
            with suppress(Unavailable, DeadlineExceeded):
                await self._repository.check_exists(spec.model_name, spec.version)
        job = await self._store.create(spec, request_id=request_id)
        self.queued.set()
        return job

    async def get(self, job_id: str, kind: type[Spec]) -> Job:
        """One job of that kind.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
        """
        return await self._store.get(job_id, kind)

    async def page(
        self, kind: type[Spec], *, size: int, before: int | None
    ) -> tuple[Sequence[Job], int | None]:
        """Jobs of that kind, newest first, and the position to go on from."""
        return await self._store.page(kind, size=size, before=before)

    async def cancel(self, job_id: str, kind: type[Spec]) -> Job:
        """The job, cancelled: its process is ended and nothing is published.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            FailedPrecondition: STATE_FORBIDS.
        """
        return await self._interrupted(job_id, kind, cancelled)

    async def suspend(self, job_id: str, kind: type[Spec]) -> Job:
        """The job, suspended: its process is ended, its checkpoints stay, others may run.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            FailedPrecondition: STATE_FORBIDS.
        """
        return await self._interrupted(job_id, kind, suspended)

    async def resume(self, job_id: str, kind: type[Spec]) -> Job:
        """The suspended job, waiting for its turn to go on from its last checkpoint.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            FailedPrecondition: STATE_FORBIDS.
        """
        await self._store.get(job_id, kind)
        job = await self.change(job_id, partial(resumed, now=self._clock.now()))
        self.queued.set()
        return job

    async def amend(self, job_id: str, changes: Mapping[str, Any]) -> Job:
        """The training with other values of some fields of its spec.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            InvalidArgument: INVALID_FIELD.
            FailedPrecondition: STATE_FORBIDS.
        """
        await self._store.get(job_id, TrainingSpec)
        return await self.change(job_id, partial(amended, now=self._clock.now(), changes=changes))

    async def watch(self, job_id: str, kind: type[Spec]) -> AsyncIterator[Job]:
        """The job now and at each change, until it is final; a slow reader skips changes.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
        """
        with self._changes.reader(lambda key: key == job_id) as reader:
            job = await self._store.get(job_id, kind)
            yield job
            if job.is_final:
                return
            async for job in reader:
                yield job
                if job.is_final:
                    return

    def interruption(self, job_id: str) -> asyncio.Event:
        """Set when somebody cancels or suspends the job that is worked on."""
        return self._interruptions.setdefault(job_id, asyncio.Event())

    def forget_interruption(self, job_id: str) -> None:
        """The job is not worked on any more."""
        self._interruptions.pop(job_id, None)

    async def unfinished(self) -> Sequence[str]:
        """Ids of the jobs that are not final."""
        return await self._store.unfinished()

    async def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """The job after `change`, stored and told to those who watch."""
        job = await self._store.change(job_id, change)
        self._changes.publish(job_id, job)
        return job

    async def take_next(self) -> Job | None:
        """The oldest queued job, now running."""
        job = await self._store.take_next()
        if job is not None:
            self._changes.publish(job.job_id, job)
        return job

    async def requeue_interrupted(self) -> Sequence[str]:
        """Ids of the jobs that ran when the process ended; they run again."""
        interrupted = await self._store.requeue_interrupted()
        if interrupted:
            log.warning("interrupted jobs run again", job_ids=list(interrupted))
        return interrupted

    async def _interrupted(
        self, job_id: str, kind: type[Spec], change: Callable[[Job, datetime], Job]
    ) -> Job:
        await self._store.get(job_id, kind)
        job = await self.change(job_id, lambda stored: change(stored, self._clock.now()))
        if job_id in self._interruptions:
            self._interruptions[job_id].set()
        self.queued.set()  # the folder of a job that was cancelled while it waited goes
        return job
