"""Everything that the OAM keeps, in SQL."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from nf_runtime import inbox
from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.errors import Aborted, NotFound
from nf_runtime.events.record import Record
from oam.adaptations import Adaptation
from oam.adapters.sql_changes import (
    adaptation_of,
    last_activated,
    object_of,
    read_head,
    read_lifecycle,
    step_of,
    write_change,
)
from oam.adapters.sql_tables import ADAPTATIONS, LIFECYCLES, OBJECTS, STEPS
from oam.audit import Head
from oam.lifecycles import Change, Lifecycle
from oam.managed_objects import CLASSES, StoredObject
from oam.ports import Work
from oam.record import RecordedStep

_ATTEMPTS = 3

T = TypeVar("T")

log = structlog.get_logger(__name__)


class SqlLifecycleStore:
    """`oam.ports.LifecycleStore` in SQL.

    Several processes may work on one database: each change is one transaction, and what two of them
    do at once is done by one after the other. Steps are announced to those who wait for them in the
    process that writes them.

    Args:
        database: With the tables of `sql_tables`.
        clock: For the times of what is written.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._writing = asyncio.Lock()
        self._writes: set[asyncio.Future[Change | None]] = set()
        self._recorded = asyncio.Condition()
        self.adaptation_written = asyncio.Event()
        self._last_sequence = 0

    async def open(self) -> None:
        """Find out how far the record goes; the database is open."""
        self._last_sequence = (await self._database.transact(read_head)).sequence

    async def lifecycle(self, model_name: str) -> Lifecycle:
        """Where a model stands."""
        return await self._database.transact(
            lambda connection: read_lifecycle(connection, model_name)
        )

    async def model_names(self) -> Sequence[str]:
        """Every model ever heard of."""
        query = select(LIFECYCLES.c.model_name).order_by(LIFECYCLES.c.model_name)
        return await self._database.transact(
            lambda connection: connection.execute(query).scalars().all()
        )

    async def change(self, model_name: str, work: Work) -> Change | None:
        """Store what `work` makes of the model's lifecycle."""
        return await self._write(lambda connection: self._changed(connection, model_name, work))

    async def take_in(
        self, record: Record, model_name: str | None, work: Work | None
    ) -> Change | None:
        """The same, once for each event."""

        def transaction(connection: Connection) -> Change | None:
            if not inbox.accept(connection, record) or work is None:
                return None
            name = model_name or last_activated(connection)
            return None if name is None else self._changed(connection, name, work)

        return await self._write(transaction)

    async def adaptation(self, adaptation_id: str) -> Adaptation:
        """One adaptation."""
        query = select(ADAPTATIONS.c.content).where(ADAPTATIONS.c.adaptation_id == adaptation_id)
        content = await self._database.transact(
            lambda connection: connection.execute(query).scalar()
        )
        if content is None:
            raise NotFound(
                f"there is no adaptation {adaptation_id}; list the adaptations",
                reason="RESOURCE_NOT_FOUND",
                resource=adaptation_id,
            )
        return adaptation_of(content)

    async def adaptation_of_request(self, request_id: str) -> Adaptation | None:
        """The adaptation that a request started."""
        query = select(ADAPTATIONS.c.content).where(ADAPTATIONS.c.request_id == request_id)
        content = await self._database.transact(
            lambda connection: connection.execute(query).scalar()
        )
        return None if content is None else adaptation_of(content)

    async def adaptations(
        self, model_name: str, *, before: int, limit: int
    ) -> Sequence[tuple[int, Adaptation]]:
        """Adaptations with their positions, newest first."""
        query = select(ADAPTATIONS.c.position, ADAPTATIONS.c.content)
        if model_name:
            query = query.where(ADAPTATIONS.c.model_name == model_name)
        if before:
            query = query.where(ADAPTATIONS.c.position < before)
        query = query.order_by(ADAPTATIONS.c.position.desc()).limit(limit)
        return await self._database.transact(
            lambda connection: [
                (row.position, adaptation_of(row.content)) for row in connection.execute(query)
            ]
        )

    async def adaptations_in_progress(self) -> Sequence[Adaptation]:
        """Every adaptation that has not ended."""
        query = select(ADAPTATIONS.c.content).where(ADAPTATIONS.c.in_progress)
        return await self._database.transact(
            lambda connection: [adaptation_of(row.content) for row in connection.execute(query)]
        )

    async def steps(
        self, model_name: str, *, after_sequence: int, limit: int
    ) -> Sequence[RecordedStep]:
        """The record after a sequence, oldest first."""
        query = select(STEPS).where(STEPS.c.sequence > after_sequence)
        if model_name:
            query = query.where(STEPS.c.model_name == model_name)
        query = query.order_by(STEPS.c.sequence).limit(limit)
        return await self._database.transact(
            lambda connection: [step_of(row) for row in connection.execute(query)]
        )

    async def head(self) -> Head:
        """Where the record ends."""
        return await self._database.transact(read_head)

    @property
    def last_sequence(self) -> int:
        """Sequence of the latest step."""
        return self._last_sequence

    async def wait_for_steps(self, after_sequence: int) -> None:
        """Return once there is a step after that sequence."""
        async with self._recorded:
            await self._recorded.wait_for(lambda: self._last_sequence > after_sequence)

    async def managed_object(self, distinguished_name: str) -> StoredObject:
        """One managed object."""
        query = select(OBJECTS).where(
            OBJECTS.c.distinguished_name == distinguished_name, OBJECTS.c.object_class.in_(CLASSES)
        )
        row = await self._database.transact(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(
                f"there is no managed object {distinguished_name}; list the managed objects",
                reason="RESOURCE_NOT_FOUND",
                resource=distinguished_name,
            )
        return object_of(row)

    async def managed_objects(
        self, object_class: str, base: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, StoredObject]]:
        """Managed objects with their positions, in order of creation."""
        query = select(OBJECTS).where(
            OBJECTS.c.position > after, OBJECTS.c.object_class.in_(CLASSES)
        )
        if object_class:
            query = query.where(OBJECTS.c.object_class == object_class)
        if base:
            query = query.where(
                OBJECTS.c.distinguished_name.startswith(f"{base},", autoescape=True)
            )
        query = query.order_by(OBJECTS.c.position).limit(limit)
        return await self._database.transact(
            lambda connection: [(row.position, object_of(row)) for row in connection.execute(query)]
        )

    def _changed(self, connection: Connection, model_name: str, work: Work) -> Change | None:
        change = work(read_lifecycle(connection, model_name))
        if change is not None:
            write_change(connection, change, self._clock.now())
        return change

    async def _write(self, work: Callable[[Connection], Change | None]) -> Change | None:
        # A caller that goes away takes back neither the commit nor its announcement.
        writing = asyncio.ensure_future(self._write_and_announce(work))
        self._writes.add(writing)
        writing.add_done_callback(self._writes.discard)
        return await asyncio.shield(writing)

    async def _write_and_announce(
        self, work: Callable[[Connection], Change | None]
    ) -> Change | None:
        def transaction(connection: Connection) -> tuple[Change | None, int]:
            change = work(connection)
            written = change is not None and bool(change.steps)
            return change, read_head(connection).sequence if written else 0

        async with self._writing:
            change, last_sequence = await self._transact(transaction)
        async with self._recorded:
            self._last_sequence = max(self._last_sequence, last_sequence)
            self._recorded.notify_all()
        if change is not None and change.adaptation is not None:
            self.adaptation_written.set()
        return change

    async def _transact(self, transaction: Callable[[Connection], T]) -> T:
        # Another process may have written the same row first; then it is there when we look again.
        for _ in range(_ATTEMPTS):
            try:
                return await self._database.transact(transaction)
            except IntegrityError:
                log.warning("another process wrote the same at once; reading again")
        raise Aborted(
            "somebody else changes the same lifecycle; read it again and repeat",
            reason="ETAG_MISMATCH",
        )
