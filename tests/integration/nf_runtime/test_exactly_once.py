"""Inbox and outbox: each event takes effect once, on both databases and over both brokers."""

import asyncio
import sqlite3
import uuid
from dataclasses import replace
from functools import partial

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData, create_engine, func, insert, select, text
from support.events import alarm_event
from support.thing_nf.tables import MIGRATIONS, metadata, things
from support.waiting import until

from nf_runtime import inbox
from nf_runtime.clock import SystemClock
from nf_runtime.config import KafkaSettings
from nf_runtime.database import Database
from nf_runtime.errors import Unavailable
from nf_runtime.events.catalogue import OAM_EVENTS
from nf_runtime.events.cloud_event import Message, decode
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.events.record import OffsetKey, RawRecord, Record
from nf_runtime.events.subscriber import EventSubscriber
from nf_runtime.outbox import OutboxRelay, append

RAW = RawRecord((), None, None)
TIMEOUT_S = 60


def record(offset: int, event_id: str | None, *, partition: int = 0, log: str = "log") -> Record:
    """A record of one topic; without an id it could not be read."""
    event = None if event_id is None else alarm_event(event_id)
    return Record(OAM_EVENTS, partition, offset, event, RAW, log)


def take_in(arrived: Record, connection: Connection, *, source: str = "/test") -> bool:
    """Store a thing for each event of `source` that has to take effect."""
    accepted = inbox.accept(connection, arrived)
    if accepted and arrived.event is not None and arrived.event.source == source:
        connection.execute(insert(things).values(name=arrived.event.id))
    return accepted


def outbox_size(connection: Connection) -> int:
    """How many messages wait."""
    return connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()


class TestInbox:
    """`accept` and `load_offsets`."""

    async def test_event_takes_effect_once(self, database: Database) -> None:
        """The same record again, or the same event elsewhere in the log, changes nothing."""
        assert await database.transact(partial(take_in, record(0, "a")))
        assert not await database.transact(partial(take_in, record(0, "a")))
        assert not await database.transact(partial(take_in, record(7, "a")))
        assert not await database.transact(partial(take_in, record(3, "a", log="another")))

    async def test_same_id_of_another_source_is_another_event(self, database: Database) -> None:
        """Ids are unique within their source only."""
        other = replace(record(1, None), event=alarm_event("a", source="/elsewhere"))
        assert await database.transact(partial(inbox.accept, record=record(0, "a")))
        assert await database.transact(partial(inbox.accept, record=other))

    async def test_offsets_say_where_to_go_on(self, database: Database) -> None:
        """Each partition of each log has its own next offset, unreadable records included."""
        arrived = [
            record(4, "a"),
            record(5, None),
            record(9, "b", partition=1),
            record(2, "c", log="new"),
        ]
        for one in arrived:
            await database.transact(partial(inbox.accept, record=one))
        assert await database.transact(inbox.load_offsets) == {
            OffsetKey("log", OAM_EVENTS, 0): 6,
            OffsetKey("log", OAM_EVENTS, 1): 10,
            OffsetKey("new", OAM_EVENTS, 0): 3,
        }

    async def test_rollback_forgets_the_event(self, database: Database) -> None:
        """If the effect fails, the event was not accepted and comes again."""

        def fail(connection: Connection) -> None:
            inbox.accept(connection, record(0, "a"))
            raise LookupError

        with pytest.raises(LookupError):
            await database.transact(fail)
        assert await database.transact(inbox.load_offsets) == {}
        assert await database.transact(partial(take_in, record(0, "a")))

    async def test_log_that_starts_again_loses_nothing(self, database: Database) -> None:
        """New events at old offsets take effect, in spite of the stored offset."""
        assert await database.transact(partial(take_in, record(100, "old")))
        assert await database.transact(partial(take_in, record(0, "new")))

    async def test_old_ids_are_forgotten(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The table of ids is bounded; the newest ids stay."""
        monkeypatch.setattr(inbox, "REMEMBERED_EVENTS", 10)
        monkeypatch.setattr(inbox, "_FORGET_EVERY", 5)

        def take_many(connection: Connection) -> None:
            for number in range(43):
                assert inbox.accept(connection, record(number, str(number)))

        await database.transact(take_many)
        size = await database.transact(
            lambda connection: connection.execute(
                text("SELECT count(*) FROM inbox_events")
            ).scalar_one()
        )
        assert 10 <= size <= 15
        assert not await database.transact(partial(take_in, record(50, "42")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from("abcdef") | st.none(), st.booleans()),
        max_size=30,
    )
)
def test_any_delivery_gives_each_event_one_effect(
    deliveries: list[tuple[int, str | None, bool]],
) -> None:
    """Whatever is repeated, reordered or rolled back, committed events count exactly once."""
    engine = create_engine("sqlite://")
    tables = MetaData()
    inbox.inbox_table(tables)
    with engine.begin() as connection:
        tables.create_all(connection)
    effects: list[str] = []
    for offset, event_id, rolled_back in deliveries:
        with engine.connect() as connection:
            accepted = inbox.accept(connection, record(offset, event_id))
            if rolled_back:
                connection.rollback()
                continue
            connection.commit()
        if accepted and event_id is not None:
            effects.append(event_id)
    engine.dispose()
    committed = [
        event_id for _, event_id, rolled_back in deliveries if event_id and not rolled_back
    ]
    assert sorted(effects) == sorted(set(committed))


class Recorder:
    """A publisher that writes down what it gets, and can refuse."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.missing = False

    async def publish_message(self, message: Message) -> None:
        """Note it, or fail as a closed publisher does."""
        if self.missing:
            raise Unavailable("no broker", reason="BROKER_UNAVAILABLE")
        self.messages.append(message)

    def ids(self) -> list[str]:
        """The event ids in the order they came."""
        return [decode(message.headers, message.value).id for message in self.messages]


class TestOutbox:
    """`append` and the relay."""

    async def test_committed_events_are_published_in_order(self, database: Database) -> None:
        """What waits at the start and what is appended later goes out, and the table empties."""
        recorder, stop = Recorder(), asyncio.Event()
        for number in range(3):
            await database.transact(partial(append, event=alarm_event(str(number)), key="k"))
        relaying = asyncio.create_task(OutboxRelay(database, recorder).run(stop))
        await until(lambda: len(recorder.messages) == 3)
        await database.transact(partial(append, event=alarm_event("3"), key="k"))
        await until(lambda: len(recorder.messages) == 4)
        assert recorder.ids() == ["0", "1", "2", "3"]
        # Deleted after the acknowledgement; the table tells nobody.
        while await database.transact(outbox_size):  # noqa: ASYNC110
            await asyncio.sleep(0)
        stop.set()
        await relaying

    async def test_rolled_back_event_is_never_published(self, database: Database) -> None:
        """An event of a transaction that failed does not exist."""
        recorder, stop = Recorder(), asyncio.Event()

        def fail(connection: Connection) -> None:
            append(connection, alarm_event("rolled back"), key="k")
            raise LookupError

        relaying = asyncio.create_task(OutboxRelay(database, recorder).run(stop))
        with pytest.raises(LookupError):
            await database.transact(fail)
        await database.transact(partial(append, event=alarm_event("kept"), key="k"))
        await until(lambda: bool(recorder.messages))
        stop.set()
        await relaying
        assert recorder.ids() == ["kept"]

    async def test_unpublished_event_waits_for_the_next_start(self, database: Database) -> None:
        """When publishing fails the relay fails, and the event is still in the table."""
        recorder, stop = Recorder(), asyncio.Event()
        recorder.missing = True
        await database.transact(partial(append, event=alarm_event("a"), key="k"))
        with pytest.raises(ExceptionGroup):
            await OutboxRelay(database, recorder).run(stop)
        recorder.missing = False
        relaying = asyncio.create_task(OutboxRelay(database, recorder).run(stop))
        await until(lambda: bool(recorder.messages))
        stop.set()
        await relaying
        assert recorder.ids() == ["a"]

    async def test_relay_outlives_a_locked_database(self, sqlite_url: str) -> None:
        """While another process holds the database the relay waits, then goes on."""
        database = Database(sqlite_url, metadata, MIGRATIONS, busy_timeout_ms=20)
        await database.open()
        recorder, stop = Recorder(), asyncio.Event()
        await database.transact(partial(append, event=alarm_event("a"), key="k"))
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with structlog.testing.capture_logs() as logs:
            relaying = asyncio.create_task(OutboxRelay(database, recorder).run(stop))
            await until(lambda: bool(logs), what="the relay to say that it waits")
        assert logs[0]["peer"] == "database"
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: recorder.ids() == ["a"])
        stop.set()
        await relaying
        await database.close()

    async def test_large_backlog_goes_out_whole(self, database: Database) -> None:
        """More events than fit one batch are all published, in order."""
        recorder, stop = Recorder(), asyncio.Event()

        def append_many(connection: Connection) -> None:
            for number in range(450):
                append(connection, alarm_event(str(number)), key="k")

        await database.transact(append_many)
        relaying = asyncio.create_task(OutboxRelay(database, recorder).run(stop))
        await until(lambda: len(recorder.messages) == 450)
        stop.set()
        await relaying
        assert recorder.ids() == [str(number) for number in range(450)]


async def test_from_outbox_to_inbox_nothing_is_lost_or_doubled(
    broker: KafkaSettings, database_url: str
) -> None:
    """Events pass a real broker once, although both ends restart and repeat themselves."""
    clock = SystemClock()
    database = Database(database_url, metadata, MIGRATIONS)
    await database.open()
    source = f"/test/{uuid.uuid4().hex}"
    sent = [f"{number:03}" for number in range(60)]
    for event_id in sent:
        event = alarm_event(event_id, source=source)
        await database.transact(partial(append, event=event, key=event_id[-1]))

    async with EventPublisher(broker, clock=clock) as publisher:
        # A sender that died between acknowledgement and deletion: its first events come twice.
        for event_id in sent[:10]:
            await publisher.publish(alarm_event(event_id, source=source), key=event_id[-1])
        stop = asyncio.Event()
        relaying = asyncio.create_task(OutboxRelay(database, publisher).run(stop))

        async with asyncio.timeout(TIMEOUT_S):
            stored = 0
            while stored < len(sent):
                # A receiver that restarts every few records and goes on from its offsets.
                offsets = await database.transact(inbox.load_offsets)
                async with EventSubscriber(broker, [OAM_EVENTS], offsets, clock=clock) as reader:
                    for _ in range(25):
                        arrived = await anext(reader)
                        await database.transact(partial(take_in, arrived, source=source))
                        stored = await database.transact(
                            lambda c: c.execute(
                                select(func.count()).select_from(things)
                            ).scalar_one()
                        )
                        if stored == len(sent):
                            break
        stop.set()
        await relaying
    names = await database.transact(lambda c: sorted(c.scalars(select(things.c.name))))
    assert names == sent
    await database.close()
