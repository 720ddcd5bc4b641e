"""Each event takes effect once: its offset and its id are stored with the effect.

::

    metadata = MetaData()
    inbox_table(metadata)                                # beside the network function's tables

    offsets = await database.transact(load_offsets)
    async for record in EventSubscriber(settings.kafka, [RAN_TRIGGERS], offsets, clock=clock):
        def take_in(connection: Connection) -> None:
            if accept(connection, record):               # False: seen before, or unreadable
                connection.execute(insert(triggers).values(...))
        await database.transact(take_in)

In the network function's first migration::

    def upgrade() -> None:
        create_inbox(op.get_bind())

Offsets belong to one life of one log (`KafkaSettings.log_identity`) and only say where to go on.
Whether an event takes effect is decided by its id, whatever the offset: a log that starts again
from nothing loses no event, and an event that is published twice still counts once.
"""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from nf_runtime.events.record import OffsetKey, Record

# How many ids are remembered. A second copy of an event arrives within a few records of the first,
# after a publisher's retry; this is four orders of magnitude more.
REMEMBERED_EVENTS = 100_000
_FORGET_EVERY = 1_000

_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys


def inbox_table(metadata: MetaData) -> tuple[Table, Table]:
    """Add the tables of offsets and of event ids to `metadata`; returns both."""
    offsets = Table(
        "inbox_offsets",
        metadata,
        Column("log_identity", String(200), primary_key=True),
        Column("topic", String(250), primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("next_offset", BigInteger, nullable=False),
    )
    events = Table(
        "inbox_events",
        metadata,
        Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
        Column("source", String(500), nullable=False),
        Column("event_id", String(500), nullable=False),
        UniqueConstraint("source", "event_id", name="uq_inbox_events"),
    )
    return offsets, events


_OFFSETS, _EVENTS = inbox_table(MetaData())

# Statements of the way of each event: SQLAlchemy takes longer to build one than SQLite to run it.
_SEEN = select(_EVENTS.c.sequence).where(
    _EVENTS.c.source == bindparam("source"), _EVENTS.c.event_id == bindparam("event_id")
)
_SEE = insert(_EVENTS).returning(_EVENTS.c.sequence)
_GO_ON = (
    update(_OFFSETS)
    .where(
        _OFFSETS.c.log_identity == bindparam("of_log"),
        _OFFSETS.c.topic == bindparam("of_topic"),
        _OFFSETS.c.partition == bindparam("of_partition"),
    )
    .values(next_offset=bindparam("following"))
)


def create_inbox(connection: Connection) -> None:
    """Create both tables; for a network function's migration."""
    metadata = MetaData()
    inbox_table(metadata)
    metadata.create_all(connection, checkfirst=False)


def load_offsets(connection: Connection) -> Mapping[OffsetKey, int]:
    """The next offset to read of every (log identity, topic, partition) ever accepted."""
    rows = connection.execute(select(_OFFSETS))
    return {OffsetKey(row.log_identity, row.topic, row.partition): row.next_offset for row in rows}


def accept(connection: Connection, record: Record) -> bool:
    """Store that `record` is dealt with; True if its event has to take effect now.

    False for an event whose id was seen, and for a record that could not be read (it is in the
    dead-letter topic).
    """
    _advance(connection, record)
    if record.event is None:
        return False
    event = {"source": record.event.source, "event_id": record.event.id}
    if connection.execute(_SEEN, event).first() is not None:
        return False
    sequence = connection.execute(_SEE, event).scalar_one()
    if sequence % _FORGET_EVERY == 0:
        oldest = sequence - REMEMBERED_EVENTS
        connection.execute(delete(_EVENTS).where(_EVENTS.c.sequence <= oldest))
    return True


def _advance(connection: Connection, record: Record) -> None:
    following = record.offset + 1
    updated = connection.execute(
        _GO_ON,
        {
            "of_log": record.log_identity,
            "of_topic": record.topic,
            "of_partition": record.partition,
            "following": following,
        },
    )
    if updated.rowcount == 0:
        connection.execute(
            insert(_OFFSETS).values(
                log_identity=record.log_identity,
                topic=record.topic,
                partition=record.partition,
                next_offset=following,
            )
        )
