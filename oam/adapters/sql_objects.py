"""The tree of managed objects in SQL."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, delete, insert, or_, select, true, update

from nf_runtime import inbox, outbox
from nf_runtime.clock import Clock
from nf_runtime.database import Database, announce
from nf_runtime.events.catalogue import EventData, ManagedObjectChanged
from nf_runtime.events.cloud_event import CloudEvent
from nf_runtime.events.record import Record
from nf_runtime.tracing import current_traceparent
from oam.adapters.sql_tables import OBJECTS
from oam.nrm.classes import Role
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import INFERENCE, WORK, Moi, Tree
from oam.nrm.registry import CLASSES
from oam.nrm.work_objects import is_closed

EVENT_SOURCE = "/oam"

T = TypeVar("T")


class SqlTree:
    """`oam.nrm.objects.Tree` within the transaction of `connection`."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now

    def find(self, name: Name | str) -> Moi | None:
        """One object."""
        query = select(OBJECTS).where(OBJECTS.c.distinguished_name == str(name))
        row = self._connection.execute(query).first()
        return None if row is None else moi_of(row)

    def below(self, base: Name, first: int, last: int | None) -> Sequence[Moi]:
        """Objects from `first` to `last` levels below `base`, parents first."""
        column = OBJECTS.c.distinguished_name
        inside = column.startswith(f"{base},", autoescape=True)
        query = select(OBJECTS).where(
            or_(column == str(base), inside), OBJECTS.c.level >= base.level + first
        )
        if last is not None:
            query = query.where(OBJECTS.c.level <= base.level + last)
        return self._mois(query.order_by(OBJECTS.c.level, OBJECTS.c.position))

    def of_class(self, *object_classes: str) -> Sequence[Moi]:
        """Every object of these classes, oldest first."""
        query = select(OBJECTS).where(OBJECTS.c.object_class.in_(object_classes))
        return self._mois(query.order_by(OBJECTS.c.position))

    def open_work(self) -> Sequence[Moi]:
        """Requests and processes that have not ended, oldest first."""
        query = select(OBJECTS).where(OBJECTS.c.is_open == true())
        return self._mois(query.order_by(OBJECTS.c.position))

    def referring_to(self, name: Name) -> Sequence[Moi]:
        """Objects that have this name as a value somewhere."""
        query = select(OBJECTS).where(OBJECTS.c.attributes.contains(f'"{name}"', autoescape=True))
        return self._mois(query.order_by(OBJECTS.c.position))

    def of_request(self, request_id: str) -> Moi | None:
        """The object that this consumer's call created."""
        query = select(OBJECTS).where(OBJECTS.c.request_id == request_id)
        row = self._connection.execute(query).first()
        return None if row is None else moi_of(row)

    def put(
        self,
        name: Name,
        changes: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
        *,
        request_id: str = "",
    ) -> Moi:
        """Create the object or change these attributes and notes of it."""
        kind = CLASSES[name.object_class]
        given = {key: value for key, value in changes.items() if value is not None}
        accepted = dict.fromkeys(changes) | kind.accepted(given)
        before = self.find(name)
        if before is None:
            return self._insert(name, _without_none(accepted), notes or {}, request_id)
        attributes = _without_none({**before.attributes, **accepted})
        told = {
            key: value for key, value in accepted.items() if before.attributes.get(key) != value
        }
        kept = _without_none({**before.notes, **(notes or {})})
        if not told and kept == before.notes:
            return before
        revision = before.revision + bool(told)
        update_time = self.now if told else before.update_time
        self._connection.execute(
            update(OBJECTS)
            .where(OBJECTS.c.distinguished_name == str(name))
            .values(
                attributes=_json(attributes),
                notes=_json(kept),
                revision=revision,
                is_open=not is_closed(name.object_class, attributes),
                update_time=update_time,
            )
        )
        after = Moi(name, attributes, kept, revision, before.create_time, update_time)
        if told:
            self._tell(after, "notifyMOIAttributeValueChanges", told)
        self._announce(after)
        return after

    def remove(self, name: Name) -> None:
        """Delete an object that is there."""
        moi = self.find(name)
        if moi is not None:
            query = delete(OBJECTS).where(OBJECTS.c.distinguished_name == str(name))
            self._connection.execute(query)
            self._tell(moi, "notifyMOIDeletion", {})
            self._announce(moi)

    def publish(self, data: EventData, *, event_id: str, subject: str) -> None:
        """Tell an event once the transaction is committed."""
        event = CloudEvent(
            id=event_id,
            source=EVENT_SOURCE,
            time=self.now,
            subject=subject,
            data=data,
            traceparent=current_traceparent(),
        )
        outbox.append(self._connection, event, key=subject.removeprefix("model/"))

    def _insert(
        self, name: Name, attributes: dict[str, Any], notes: Mapping[str, Any], request_id: str
    ) -> Moi:
        moi = Moi(name, attributes, _without_none(notes), 1, self.now, self.now)
        self._connection.execute(
            insert(OBJECTS).values(
                distinguished_name=str(name),
                object_class=name.object_class,
                level=name.level,
                attributes=_json(attributes),
                notes=_json(moi.notes),
                revision=moi.revision,
                is_open=not is_closed(name.object_class, attributes),
                request_id=request_id or None,
                create_time=self.now,
                update_time=self.now,
            )
        )
        self._tell(moi, "notifyMOICreation", attributes)
        self._announce(moi)
        return moi

    def _tell(self, moi: Moi, notification_type: Any, attributes: Mapping[str, Any]) -> None:
        data = ManagedObjectChanged(
            notification_type=notification_type,
            object_instance=str(moi.name),
            object_class=moi.name.object_class,
            revision=moi.revision,
            attributes=dict(attributes),
        )
        # The time tells apart two lives of one name.
        event_id = f"{notification_type}/{moi.name}/{moi.revision}/{moi.create_time.isoformat()}"
        self.publish(data, event_id=event_id, subject=str(moi.name))

    def _announce(self, moi: Moi) -> None:
        """Wake who has to act on a change of the object; an adaptation acts on its own itself."""
        role = CLASSES[moi.name.object_class].role
        if role in (Role.REQUEST, Role.PROCESS) and not moi.notes.get("adaptation"):
            announce(self._connection, _signal(WORK))
        if moi.name.object_class == "AIMLInferenceFunction":
            announce(self._connection, _signal(INFERENCE))

    def _mois(self, query: Any) -> list[Moi]:
        return [moi_of(row) for row in self._connection.execute(query)]


class SqlObjectStore:
    """`oam.nrm.objects.ObjectStore` in SQL.

    Args:
        database: With the tables of `sql_tables`.
        clock: For the times of what is written.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def transact(self, work: Callable[[Tree], T]) -> T:
        """What `work` returns, once everything it did is committed."""
        return await self._database.transact(
            lambda connection: work(SqlTree(connection, self._clock.now()))
        )

    async def take_in(self, record: Record, work: Callable[[Tree], T]) -> T | None:
        """The same, once for each event; None: it has been dealt with before."""

        def transaction(connection: Connection) -> T | None:
            if not inbox.accept(connection, record):
                return None
            return work(SqlTree(connection, self._clock.now()))

        return await self._database.transact(transaction)

    def changed(self, reader: str) -> asyncio.Event:
        """Set after each change that `reader` has to act on."""
        return self._database.committed(_signal(reader))


def moi_of(row: Row[Any]) -> Moi:
    """The object of a row."""
    return Moi(
        parse_name(row.distinguished_name),
        msgspec.json.decode(row.attributes),
        msgspec.json.decode(row.notes),
        row.revision,
        utc(row.create_time),
        utc(row.update_time),
    )


def utc(time: datetime) -> datetime:
    """The time with its zone, which SQLite does not keep; all times are written in UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _signal(reader: str) -> str:
    return f"objects/{reader}"


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _json(document: Mapping[str, Any]) -> str:
    return msgspec.json.encode(document).decode()
