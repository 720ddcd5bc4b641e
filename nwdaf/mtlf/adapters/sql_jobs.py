"""Jobs in the database."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, func, insert, select, update

from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.errors import AlreadyExists, NotFound, ResourceExhausted
from nwdaf.mtlf.adapters.sql_tables import JOBS
from nwdaf.mtlf.jobs import FINAL_STATES, Job, JobState, Phase, Spec, TestingSpec, TrainingSpec

_KINDS: dict[type[Spec], str] = {TrainingSpec: "training", TestingSpec: "testing"}
_SPECS: dict[str, type[Spec]] = {name: kind for kind, name in _KINDS.items()}


class SqlJobStore:
    """`nwdaf.mtlf.ports.JobStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        clock: For times.
        most_queued: Jobs that may wait.
    """

    def __init__(self, database: Database, *, clock: Clock, most_queued: int) -> None:
        self._database = database
        self._clock = clock
        self._most_queued = most_queued
        # Request ids and the length of the queue are read before a job is written.
        self._creating = asyncio.Lock()

    async def create(self, spec: Spec, *, request_id: str) -> Job:
        """A new queued job, or the one that the same request made before."""
        now = self._clock.now()
        job = Job(uuid.uuid4().hex, spec, JobState.QUEUED, create_time=now, update_time=now)

        def work(connection: Connection) -> Job:
            earlier = connection.execute(
                select(JOBS).where(JOBS.c.request_id == request_id)
            ).first()
            if request_id and earlier is not None:
                return _repeated(earlier, spec)
            self._check_room(connection)
            connection.execute(
                insert(JOBS).values(
                    job_id=job.job_id,
                    request_id=request_id or None,
                    kind=_KINDS[type(spec)],
                    requested=_json(spec),
                    create_time=now,
                    **_changing(job),
                )
            )
            return job

        async with self._creating:
            return await self._database.transact(work)

    async def get(self, job_id: str, kind: type[Spec]) -> Job:
        """One job of that kind."""
        query = select(JOBS).where(JOBS.c.job_id == job_id, JOBS.c.kind == _KINDS[kind])
        row = await self._database.transact(lambda connection: connection.execute(query).first())
        if row is None:
            raise _not_found(job_id)
        return _job(row)

    async def page(
        self, kind: type[Spec], *, size: int, before: int | None
    ) -> tuple[Sequence[Job], int | None]:
        """Jobs of that kind, newest first, and the position to go on from; None at the end."""
        query = select(JOBS).where(JOBS.c.kind == _KINDS[kind]).order_by(JOBS.c.position.desc())
        if before is not None:
            query = query.where(JOBS.c.position < before)
        rows = await self._database.transact(
            lambda connection: connection.execute(query.limit(size + 1)).all()
        )
        more = len(rows) > size
        return [_job(row) for row in rows[:size]], rows[size - 1].position if more else None

    async def take_next(self) -> Job | None:
        """The oldest queued job, now RUNNING; None when nothing waits."""
        oldest = (
            select(JOBS.c.job_id)
            .where(JOBS.c.state == JobState.QUEUED)
            .order_by(JOBS.c.position)
            .limit(1)
        )
        taken = (
            update(JOBS)
            .where(JOBS.c.job_id == oldest.scalar_subquery())
            .values(state=JobState.RUNNING, update_time=self._clock.now())
            .returning(JOBS)
        )
        row = await self._database.transact(lambda connection: connection.execute(taken).first())
        return None if row is None else _job(row)

    async def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """The job after `change`, in one transaction."""

        def work(connection: Connection) -> Job:
            row = connection.execute(
                select(JOBS).where(JOBS.c.job_id == job_id).with_for_update()
            ).first()
            if row is None:
                raise _not_found(job_id)
            job = change(_job(row))
            connection.execute(update(JOBS).where(JOBS.c.job_id == job_id).values(**_changing(job)))
            return job

        return await self._database.transact(work)

    async def requeue_interrupted(self) -> Sequence[str]:
        """Ids of the jobs that were RUNNING when the process ended; they are QUEUED again."""
        publishing = func.coalesce(JOBS.c.phase, "") == Phase.PUBLISHING
        requeue = (
            update(JOBS)
            .where(JOBS.c.state == JobState.RUNNING)
            .values(
                state=JobState.QUEUED,
                progress_percent=case((publishing, JOBS.c.progress_percent), else_=0.0),
                phase=case((publishing, JOBS.c.phase), else_=None),
                update_time=self._clock.now(),
            )
            .returning(JOBS.c.job_id)
        )
        return await self._database.transact(
            lambda connection: connection.execute(requeue).scalars().all()
        )

    async def unfinished(self) -> Sequence[str]:
        """Ids of the jobs that are not final."""
        query = select(JOBS.c.job_id).where(JOBS.c.state.not_in(FINAL_STATES))
        return await self._database.transact(
            lambda connection: connection.execute(query).scalars().all()
        )

    def _check_room(self, connection: Connection) -> None:
        waiting = connection.execute(
            select(func.count()).select_from(JOBS).where(JOBS.c.state == JobState.QUEUED)
        ).scalar_one()
        if waiting >= self._most_queued:
            raise ResourceExhausted(
                f"{waiting} jobs wait already; try again when one has ended",
                reason="QUOTA_EXCEEDED",
                limit=str(self._most_queued),
            )


def _changing(job: Job) -> dict[str, Any]:
    return {
        "spec": _json(job.spec),
        "state": job.state,
        "progress_percent": job.progress_percent,
        "phase": job.phase,
        "metrics": _json(job.metrics),
        "published_version": job.published_version,
        "passed": job.passed,
        "failure": job.failure,
        "update_time": job.update_time,
    }


def _job(row: Row[Any]) -> Job:
    return Job(
        job_id=row.job_id,
        spec=msgspec.json.decode(row.spec, type=_SPECS[row.kind]),
        state=JobState(row.state),
        create_time=row.create_time,
        update_time=row.update_time,
        progress_percent=row.progress_percent,
        phase=None if row.phase is None else Phase(row.phase),
        metrics=msgspec.json.decode(row.metrics, type=dict[str, float]),
        published_version=row.published_version,
        passed=row.passed,
        failure=row.failure,
    )


def _repeated(earlier: Row[Any], spec: Spec) -> Job:
    """The job of a request that comes again: for what was asked then, not what is done since."""
    requested = msgspec.json.decode(earlier.requested or earlier.spec, type=_SPECS[earlier.kind])
    if requested != spec:
        raise AlreadyExists(
            f"request {earlier.request_id} asked for another job before; use a new request_id",
            reason="REQUEST_ID_REUSED",
            request_id=earlier.request_id,
        )
    return _job(earlier)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _not_found(job_id: str) -> NotFound:
    return NotFound(
        f"there is no job {job_id}; list the jobs first",
        reason="RESOURCE_NOT_FOUND",
        resource=job_id,
    )
