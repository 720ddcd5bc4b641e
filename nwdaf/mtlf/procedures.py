"""What consumers ask of the MTLF about its jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Unavailable
from nwdaf.changes import Changes
from nwdaf.mtlf.jobs import Job, Spec, TestingSpec, cancelled, check_spec
from nwdaf.mtlf.ports import JobStore, Repository

log = structlog.get_logger(__name__)


class Jobs:
    """Creates, shows, watches and cancels jobs.

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
        self._cancellations: dict[str, asyncio.Event] = {}
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
        await self._store.get(job_id, kind)
        job = await self.change(job_id, partial(cancelled, now=self._clock.now()))
        if job_id in self._cancellations:
            self._cancellations[job_id].set()
        return job

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

    def cancellation(self, job_id: str) -> asyncio.Event:
        """Set when somebody cancels the job that is worked on."""
        return self._cancellations.setdefault(job_id, asyncio.Event())

    def forget_cancellation(self, job_id: str) -> None:
        """The job is not worked on any more."""
        self._cancellations.pop(job_id, None)

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
