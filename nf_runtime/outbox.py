"""Events that are published if and only if their transaction commits.

::

    metadata = MetaData()
    outbox_table(metadata)                               # beside the network function's tables

    def decide(connection: Connection) -> None:
        connection.execute(insert(decisions).values(...))
        append(connection, event, key=satellite_id)
    await database.transact(decide)

    tasks.create_task(OutboxRelay(database, publisher).run(stop))

In the network function's first migration: ``create_outbox(op.get_bind())``. The relay wakes at the
commit, publishes in order and deletes after the broker's acknowledgement, and waits while broker or
database are away. A crash in between publishes an event twice; consumers drop the second by its id
(`nf_runtime.inbox`).
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
)

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.database import Database, announce
from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent, Message, encode

_SIGNAL = "outbox"
_BATCH = 200

T = TypeVar("T")

_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys


class MessagePublisher(Protocol):
    """What the relay needs of `nf_runtime.events.publisher.EventPublisher`."""

    async def publish_message(self, message: Message) -> None:
        """Return after the broker's acknowledgement."""
        ...


def outbox_table(metadata: MetaData) -> Table:
    """Add the table of unpublished messages to `metadata`."""
    return Table(
        "outbox",
        metadata,
        Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
        Column("topic", String(250), nullable=False),
        Column("key", LargeBinary, nullable=True),
        Column("headers", LargeBinary, nullable=False),
        Column("value", LargeBinary, nullable=False),
    )


_OUTBOX = outbox_table(MetaData())


def create_outbox(connection: Connection) -> None:
    """Create the table; for a network function's migration."""
    metadata = MetaData()
    outbox_table(metadata)
    metadata.create_all(connection, checkfirst=False)


def append(connection: Connection, event: CloudEvent[EventData], key: str) -> None:
    """Have `event` published after this transaction commits.

    Raises:
        ValueError: The event cannot be encoded.
    """
    message = encode(event, key=key)
    connection.execute(
        insert(_OUTBOX).values(
            topic=message.topic,
            key=message.key,
            headers=msgspec.msgpack.encode(message.headers),
            value=message.value,
        )
    )
    announce(connection, _SIGNAL)


class OutboxRelay:
    """Carries messages from the table to the broker.

    Args:
        database: The one in whose transactions `append` is called.
        publisher: Where they go.
        clock: For waiting; the machine's by default.
    """

    def __init__(
        self, database: Database, publisher: MessagePublisher, *, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = SystemClock() if clock is None else clock

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; what is left then is published at the next start."""
        appended = self._database.committed(_SIGNAL)
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                appended.clear()
                work = asyncio.ensure_future(self._publish_all(appended, stop))
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    work.cancel()
                    await asyncio.wait({work})
                if not work.cancelled():
                    work.result()
        finally:
            stopped.cancel()

    async def _publish_all(self, appended: asyncio.Event, stop: asyncio.Event) -> None:
        while not stop.is_set():
            batch = await self._transact(_oldest, stop)
            if not batch:
                await appended.wait()
                return
            # Handed over in order; the publisher keeps the order of each key.
            async with asyncio.TaskGroup() as tasks:
                for _, message in batch:
                    tasks.create_task(self._publisher.publish_message(message))
            await self._transact(partial(_delete_up_to, sequence=batch[-1][0]), stop)

    async def _transact(self, work: Callable[[Connection], T], stop: asyncio.Event) -> T | None:
        return await keep_trying(
            partial(self._database.transact, work), what="database", clock=self._clock, stop=stop
        )


def _delete_up_to(connection: Connection, sequence: int) -> None:
    connection.execute(delete(_OUTBOX).where(_OUTBOX.c.sequence <= sequence))


def _oldest(connection: Connection) -> list[tuple[int, Message]]:
    rows = connection.execute(select(_OUTBOX).order_by(_OUTBOX.c.sequence).limit(_BATCH))
    return [
        (
            row.sequence,
            Message(
                row.topic,
                row.key,
                msgspec.msgpack.decode(row.headers, type=tuple[tuple[str, bytes], ...]),
                row.value,
            ),
        )
        for row in rows
    ]
