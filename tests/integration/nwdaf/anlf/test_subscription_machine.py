"""Any sequence of subscriptions, events, restarts and readers: each notification exactly once.

The machine runs the real use cases and stores on SQLite and compares what each consumer has read
with a small model: what was published between the consumer's subscription and its end.
"""

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.anlf_model import Wish
from support.anlf_scene import AnlfScene
from support.ran_events import doppler, eavesdropper, measurement, record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import NotFound
from nf_runtime.events.record import Record
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.subscriptions import (
    MatchingDirection,
    Muting,
    NotificationFlag,
    Reporting,
    Subscription,
    WatchedEvent,
)

QUEUE_CAPACITY = 2
HELD = 3
GROUP_S = 10.0
STEP_TIMEOUT_S = 60.0  # for what never comes; a busy machine may take seconds over one step
INDICES = st.integers(0, 5)
BEAMS = ("1", "2", "3")
SINR_DB = st.sampled_from([0.0, 1.0, 2.0, 3.0])

Told = frozenset[tuple[str, str]]  # event id and beam of each report


@dataclass
class Consumer:
    """A consumer, what it should get and what it has got: one set a notification."""

    subscription: Subscription
    wish: Wish | str  # of samples, or the token of a trigger
    beam_ids: tuple[str, ...]
    limit: int = 0
    muted: bool = False
    group_start_s: float | None = None
    grouped: bool = False
    held: list[Told] = field(default_factory=list)
    expected: list[Told] = field(default_factory=list)
    received: list[Told] = field(default_factory=list)
    stream: Any = None

    @property
    def subscription_id(self) -> str:
        """Its id."""
        return self.subscription.subscription_id

    def hear(self, told: Told, now_s: float) -> None:
        """Reports for it have come."""
        if self.limit and len(self.expected) >= self.limit:
            return
        if self.muted:
            self.held = [*self.held, told][-HELD:]
        elif self.grouped:
            self.held.append(told)
            if self.group_start_s is None:
                self.group_start_s = now_s
        else:
            self.expected.append(told)

    def hand_out(self) -> None:
        """What is held is told, as one."""
        if self.held and not (self.limit and len(self.expected) >= self.limit):
            self.expected.append(frozenset().union(*self.held))
        self.held, self.group_start_s = [], None


class SubscriptionMachine(RuleBasedStateMachine):
    """Steps that consumers, the radio network, time and fate can take."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.offset = 0
        self.now_s = 0.0
        self.log: list[Record] = []
        self.alive: list[Consumer] = []
        self.start()
        self.subscribe_to_triggers("DOPPLER", (), 0, grouped=False)

    def start(self) -> None:
        """Start the function on whatever the database holds."""
        self.database = Database(
            f"sqlite:///{Path(self.folder.name) / 'anlf.db'}", METADATA, MIGRATIONS
        )
        self.run(self.database.open())
        self.scene = AnlfScene(self.database, clock=self.clock, queue_capacity=QUEUE_CAPACITY)
        self.run(self.scene.desk.load())

    @rule(
        token=st.sampled_from(["DOPPLER", "ABNORMAL_BEHAVIOUR", "EAVESDROPPER"]),
        beam_ids=st.sampled_from([(), ("1",), ("1", "2")]),
        limit=st.sampled_from([0, 0, 0, 1, 3]),
        grouped=st.booleans(),
    )
    def subscribe_to_triggers(
        self, token: str, beam_ids: tuple[str, ...], limit: int, *, grouped: bool
    ) -> None:
        """A new consumer of triggers, with or without a bound on its reports and a group time."""
        reporting = Reporting(
            max_report_nbr=limit,
            grp_rep_time=timedelta(seconds=GROUP_S) if grouped else None,
        )
        made = self.run(
            self.scene.subscribe(WatchedEvent(token, beam_ids=beam_ids), reporting=reporting)
        )
        self.alive.append(Consumer(made, token, beam_ids, limit, grouped=grouped))

    @rule(
        threshold_db=SINR_DB,
        direction=st.sampled_from(["ASCENDING", "DESCENDING", "CROSSED"]),
        beams=st.sampled_from([(), ("1",), ("2", "3")]),
    )
    def subscribe_to_crossings(
        self, threshold_db: float, direction: str, beams: tuple[str, ...]
    ) -> None:
        """A new consumer of crossings between two measurements."""
        watched = WatchedEvent(
            "QOS_SUSTAINABILITY",
            threshold=threshold_db,
            matching_dir=MatchingDirection(direction),
            beam_ids=beams,
        )
        made = self.run(self.scene.subscribe(watched))
        self.alive.append(Consumer(made, Wish(threshold_db, direction, beams), beams))

    @rule(which=INDICES, flag=st.sampled_from(NotificationFlag))
    def modify(self, which: int, flag: NotificationFlag) -> None:
        """A consumer mutes its subscription, asks for what is held, or ends that."""
        consumer = self.consumer(which)
        criteria = consumer.subscription.criteria
        muting = Muting(flag, max_no_of_notif=HELD)
        changed = replace(criteria, reporting=replace(criteria.reporting, muting=muting))
        self.run(self.scene.subscribing.modify(consumer.subscription_id, changed, etag=""))
        if consumer.limit and len(consumer.expected) >= consumer.limit:
            return
        consumer.muted = flag is not NotificationFlag.ACTIVATE
        if flag is NotificationFlag.DEACTIVATE:
            consumer.group_start_s = None
        else:
            consumer.hand_out()

    @precondition(lambda self: len(self.alive) > 1)
    @rule(which=INDICES)
    def unsubscribe(self, which: int) -> None:
        """A consumer leaves; its stream ends with NOT_FOUND."""
        consumer = self.consumer(which)
        self.run(self.scene.subscribing.unsubscribe(consumer.subscription_id))
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
            event_id = self.publish(kind(beam_id=beam_id))
            for consumer in self.alive:
                if (
                    isinstance(consumer.wish, str)
                    and (consumer.wish == "EAVESDROPPER") == (kind is eavesdropper)
                    and (not consumer.beam_ids or str(beam_id) in consumer.beam_ids)
                ):
                    consumer.hear(frozenset({(event_id, str(beam_id))}), self.now_s)

    @rule(sinr_db=st.lists(st.tuples(SINR_DB, SINR_DB, SINR_DB), min_size=1, max_size=4))
    def measure(self, sinr_db: list[tuple[float, float, float]]) -> None:
        """The radio network publishes a few measurements."""
        for values in sinr_db:
            event_id = self.publish(measurement(sinr_db=values))
            for consumer in self.alive:
                if isinstance(consumer.wish, Wish):
                    crossed = consumer.wish.sample(dict(zip(BEAMS, values, strict=True)))
                    if crossed:
                        told = frozenset((event_id, beam) for beam in crossed)
                        consumer.hear(told, self.now_s)

    def publish(self, data: Any) -> str:
        """A new event is taken in."""
        event_id = f"e-{len(self.log)}"
        made = record(data, event_id, offset=self.offset)
        self.offset += 1
        self.log.append(made)
        self.run(self.scene.observing.take_in(made))
        return event_id

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
        self.run(self.scene.observing.take_in(earlier))

    @rule()
    def unreadable_record(self) -> None:
        """A record that is no event takes an offset and nothing else."""
        self.run(self.scene.observing.take_in(record(None, offset=self.offset)))
        self.offset += 1

    @rule(seconds=st.sampled_from([1.0, GROUP_S / 2, GROUP_S]))
    def pass_time(self, seconds: float) -> None:
        """Groups become complete."""
        self.now_s += seconds
        self.run(self.scene.pass_time(seconds))
        for consumer in self.alive:
            start_s = consumer.group_start_s
            if start_s is not None and start_s + GROUP_S <= self.now_s:
                consumer.hand_out()

    @rule(which=INDICES, count=st.integers(1, 4))
    def read(self, which: int, count: int) -> None:
        """A consumer reads some of what there is for it, over the stream it has or a new one."""
        self.read_of(self.consumer(which), count)

    def read_of(self, consumer: Consumer, count: int) -> None:
        """The consumer reads at most `count` notifications."""
        for _ in range(min(count, len(consumer.expected) - len(consumer.received))):
            if consumer.stream is None:
                consumer.stream = self.scene.delivery.watch(
                    consumer.subscription_id, len(consumer.received)
                )
            notification = self.run(anext(consumer.stream))
            assert notification.sequence == len(consumer.received) + 1
            consumer.received.append(told_by(notification))

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
        position = len(consumer.received)
        self.run(self.scene.subscribing.acknowledge(consumer.subscription_id, position))

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
            assert consumer.received == consumer.expected[: len(consumer.received)]

    def teardown(self) -> None:
        """Everybody reads to the end, and there is no more."""
        try:
            for consumer in self.alive:
                self.read_of(consumer, len(consumer.expected))
                assert consumer.received == consumer.expected
                stored = self.run(self.scene.subscriptions.get(consumer.subscription_id))
                assert stored.report_count == len(consumer.expected)
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


def told_by(notification: Notification) -> Told:
    """Event id and beam of each report."""
    return frozenset(
        (report.observation.event_id, report.observation.beam_id)
        for report in notification.reports
        if report.observation is not None
    )


SubscriptionMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSubscriptions = pytest.mark.timeout(1200)(SubscriptionMachine.TestCase)
