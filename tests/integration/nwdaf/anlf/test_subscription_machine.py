"""Any sequence of subscriptions, triggers, restarts and readers: each notification exactly once.

The machine runs the real stores on SQLite and compares what each consumer has read with a small
model: the triggers published between the consumer's subscription and its end.
"""

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.anlf_metrics import CountingMetrics
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.ran_events import doppler, eavesdropper, record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import NotFound
from nf_runtime.events.record import Record
from nwdaf.anlf.adapters.sql_notifications import SqlNotificationStore
from nwdaf.anlf.adapters.sql_offsets import SqlOffsetStore
from nwdaf.anlf.adapters.sql_subscriptions import SqlSubscriptionStore
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.procedures import Subscribing
from nwdaf.anlf.subscriptions import Criteria, Reporting, WatchedEvent

QUEUE_CAPACITY = 2
STEP_TIMEOUT_S = 2.0
INDICES = st.integers(0, 5)


@dataclass
class Consumer:
    """A consumer, what it should get and what it has got."""

    subscription_id: str
    event: str
    beam_ids: tuple[str, ...]
    limit: int
    expected: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    stream: Any = None

    @property
    def position(self) -> int:
        """The last sequence it has dealt with."""
        return len(self.received)

    def wants(self, *, is_eavesdropper: bool, beam_id: str) -> bool:
        """Whether the next trigger of this kind and beam has to reach it."""
        return (
            (self.event == "EAVESDROPPER") == is_eavesdropper
            and (not self.beam_ids or beam_id in self.beam_ids)
            and (not self.limit or len(self.expected) < self.limit)
        )


class SubscriptionMachine(RuleBasedStateMachine):
    """Steps that consumers, the radio network and fate can take."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.offset = 0
        self.log: list[Record] = []
        self.alive: list[Consumer] = []
        self.start()
        self.subscribe("DOPPLER", (), 0)

    def start(self) -> None:
        """Start the function on whatever the database holds."""
        self.database = Database(
            f"sqlite:///{Path(self.folder.name) / 'anlf.db'}", METADATA, MIGRATIONS
        )
        self.run(self.database.open())
        subscriptions = SqlSubscriptionStore(
            self.database, clock=self.clock, per_consumer=1_000, total=1_000
        )
        notifications = SqlNotificationStore(self.database, clock=self.clock, remembered_triggers=5)
        metrics = CountingMetrics()
        self.delivery = Delivery(
            subscriptions,
            notifications,
            clock=self.clock,
            queue_capacity=QUEUE_CAPACITY,
            metrics=metrics,
        )
        self.subscribing = Subscribing(
            subscriptions,
            notifications,
            SqlOffsetStore(self.database),
            self.delivery,
            clock=self.clock,
            metrics=metrics,
        )
        self.run(self.subscribing.load())

    @rule(
        token=st.sampled_from(["DOPPLER", "ABNORMAL_BEHAVIOUR", "EAVESDROPPER"]),
        beam_ids=st.sampled_from([(), ("1",), ("1", "2")]),
        limit=st.sampled_from([0, 0, 0, 1, 3]),
    )
    def subscribe(self, token: str, beam_ids: tuple[str, ...], limit: int) -> None:
        """A new consumer, with or without a bound on its reports."""
        subscription, _ = self.run(
            self.subscribing.subscribe(
                Criteria(
                    events=(WatchedEvent(token, beam_ids=beam_ids),),
                    reporting=Reporting(max_report_nbr=limit),
                ),
                request_id="",
            )
        )
        self.alive.append(Consumer(subscription.subscription_id, token, beam_ids, limit))

    @precondition(lambda self: len(self.alive) > 1)
    @rule(which=INDICES)
    def unsubscribe(self, which: int) -> None:
        """A consumer leaves; its stream ends with NOT_FOUND."""
        consumer = self.consumer(which)
        self.run(self.subscribing.unsubscribe(consumer.subscription_id))
        self.alive.remove(consumer)
        if consumer.stream is not None:
            with suppress(NotFound, StopAsyncIteration):
                for _ in range(QUEUE_CAPACITY + len(consumer.expected) + 1):
                    self.run(anext(consumer.stream))
                raise AssertionError("the stream of a deleted subscription went on")

    @rule(
        kind=st.sampled_from([doppler, eavesdropper]),
        beam_id=st.integers(1, 3),
        count=st.integers(1, 2 * QUEUE_CAPACITY),
    )
    def trigger(self, kind: Any, beam_id: int, count: int) -> None:
        """The radio network publishes a burst of triggers."""
        for _ in range(count):
            event_id = f"t-{len(self.log)}"
            made = record(kind(beam_id=beam_id), event_id, offset=self.offset)
            self.offset += 1
            self.log.append(made)
            self.run(self.subscribing.take_in(made))
            for consumer in self.alive:
                if consumer.wants(is_eavesdropper=kind is eavesdropper, beam_id=str(beam_id)):
                    consumer.expected.append(event_id)

    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        """The broker delivers a record again, or the publisher published an event again."""
        if not self.log:
            return
        earlier = data.draw(st.sampled_from(self.log))
        if data.draw(st.booleans()):
            assert earlier.event is not None
            earlier = record(earlier.event.data, earlier.event.id, offset=self.offset)
            self.offset += 1
        self.run(self.subscribing.take_in(earlier))

    @rule()
    def unreadable_record(self) -> None:
        """A record that is no event takes an offset and nothing else."""
        self.run(self.subscribing.take_in(record(None, offset=self.offset)))
        self.offset += 1

    @rule(which=INDICES, count=st.integers(1, 4))
    def read(self, which: int, count: int) -> None:
        """A consumer reads some of what there is for it, over the stream it has or a new one."""
        self.read_of(self.consumer(which), count)

    def read_of(self, consumer: Consumer, count: int) -> None:
        """The consumer reads at most `count` notifications."""
        count = min(count, len(consumer.expected) - consumer.position)
        for _ in range(count):
            if consumer.stream is None:
                consumer.stream = self.delivery.watch(consumer.subscription_id, consumer.position)
            notification = self.run(anext(consumer.stream))
            assert notification.sequence == consumer.position + 1
            consumer.received.append(notification.trigger.event.id)

    @rule(which=INDICES)
    def disconnect(self, which: int) -> None:
        """A consumer's connection breaks; it will come again."""
        self.break_stream(self.consumer(which))

    def break_stream(self, consumer: Consumer) -> None:
        """The stream ends; what was queued in it is lost."""
        if consumer.stream is not None:
            self.run(consumer.stream.aclose())
            consumer.stream = None

    @rule(which=INDICES)
    def acknowledge(self, which: int) -> None:
        """A consumer has dealt with all it has read."""
        consumer = self.consumer(which)
        self.run(self.subscribing.acknowledge(consumer.subscription_id, consumer.position))

    @rule()
    def restart(self) -> None:
        """The function is killed and started again; all streams break."""
        for consumer in self.alive:
            self.break_stream(consumer)
        self.run(self.database.close())
        self.start()

    @invariant()
    def nothing_is_missed_or_doubled(self) -> None:
        """What was read is the beginning of what was to be read."""
        for consumer in self.alive:
            assert consumer.received == consumer.expected[: consumer.position]

    def teardown(self) -> None:
        """Everybody reads to the end."""
        try:
            for consumer in self.alive:
                self.read_of(consumer, len(consumer.expected))
                assert consumer.received == consumer.expected
        finally:
            for consumer in self.alive:
                self.break_stream(consumer)
            self.run(self.database.close())
            self.loop.close()
            self.folder.cleanup()

    def consumer(self, which: int) -> Consumer:
        """One of those that are there."""
        return self.alive[which % len(self.alive)]

    def run(self, awaitable: Any) -> Any:
        """Run one step to its end."""

        async def step() -> Any:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                return await awaitable

        return self.loop.run_until_complete(step())


TestSubscriptions = SubscriptionMachine.TestCase
TestSubscriptions.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
