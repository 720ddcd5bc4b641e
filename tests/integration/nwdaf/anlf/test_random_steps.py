"""A long random life: subscriptions come and go, events come, and no notification too many or few.

The use cases and the stores are the real ones, on SQLite; what each subscription should be told is
worked out by `support.anlf_model` alone.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
import structlog
from support.anlf_model import Wish
from support.anlf_scene import AnlfScene
from support.ran_events import doppler, measurement

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.subscriptions import MatchingDirection, Subscription, WatchedEvent

# `make prove` runs 25 rounds: a million steps.
STEPS, STEPS_OF_A_SAMPLE = 40_000, 800
BEAMS = ("1", "2", "3", "4")
SUBSCRIPTIONS = 25  # about as many at a time: more leave than come once there are that many
RESTARTS = 5
QUEUE_CAPACITY = 8  # of a stream: small enough that one often overflows between two readings
READ_TIMEOUT_S = 60.0  # for what never comes

log = structlog.get_logger(__name__)

Told = tuple[str, frozenset[str]]  # event id, and the beams reported
T = TypeVar("T")


class InlineDatabase(Database):
    """The same transactions, in the caller's thread: a million times to another one takes hours."""

    async def _run(self, function: Callable[[], T]) -> T:
        return function()


@dataclass
class Consumer:
    """A subscription, what it should be told, and what it was told.

    One that streams holds a stream open between its readings; the others ask for what is stored.
    """

    subscription: Subscription
    wish: Wish | None  # of crossings; None: of triggers
    beams: tuple[str, ...]
    streams: bool
    stream: AsyncGenerator[Notification, None] | None = None
    expected: list[Told] = field(default_factory=list)
    received: list[Told] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)


class Life:
    """A function on a database, and everybody who has subscribed."""

    def __init__(self, database: Database, seed: int) -> None:
        self.rng = random.Random(seed)
        self.database = database
        self.scene = AnlfScene(database, clock=ManualClock(), queue_capacity=QUEUE_CAPACITY)
        self.consumers: list[Consumer] = []
        self.told_count = 0  # notifications read by all, also by those who have left
        self.sinr_db = dict.fromkeys(BEAMS, 10.0)

    async def step(self, number: int) -> None:
        """Something happens."""
        draw = self.rng.random()
        if draw < 0.02 or not self.consumers:
            await self.subscribe()
        elif draw < 0.05 and len(self.consumers) > SUBSCRIPTIONS:
            consumer = self.consumers.pop(self.rng.randrange(len(self.consumers)))
            await self.read(consumer)
            await self.leave(consumer)
            await self.scene.subscribing.unsubscribe(consumer.subscription.subscription_id)
        elif draw < 0.08:
            await self.read(self.rng.choice(self.consumers))
        elif draw < 0.3:
            await self.trigger(f"t-{number}")
        else:
            await self.measure(f"m-{number}")

    async def subscribe(self) -> None:
        """A consumer of triggers or of crossings."""
        beams = tuple(self.rng.sample(BEAMS, self.rng.choice((0, 1, 1, 2))))
        if self.rng.random() < 0.3:
            watched, wish = WatchedEvent("DOPPLER", beam_ids=beams), None
        else:
            direction = self.rng.choice(list(MatchingDirection))
            threshold_db = float(self.rng.randrange(0, 20))
            wish = Wish(threshold_db, direction.value, beams)
            watched = WatchedEvent(
                "QOS_SUSTAINABILITY",
                threshold=threshold_db,
                matching_dir=direction,
                beam_ids=beams,
            )
        made = await self.scene.subscribe(watched)
        self.consumers.append(Consumer(made, wish, beams, streams=self.rng.random() < 0.5))

    async def trigger(self, event_id: str) -> None:
        """A trigger of one beam."""
        beam = self.rng.choice(BEAMS)
        await self.publish(doppler(beam_id=int(beam)), event_id)
        for consumer in self.consumers:
            if consumer.wish is None and (not consumer.beams or beam in consumer.beams):
                consumer.expected.append((event_id, frozenset({beam})))

    async def measure(self, event_id: str) -> None:
        """A measurement of all beams, whose SINR has moved by whole decibels."""
        for beam in BEAMS:
            moved = self.sinr_db[beam] + self.rng.choice((-2, -1, 0, 0, 1, 2))
            self.sinr_db[beam] = min(max(moved, 0.0), 20.0)
        await self.publish(measurement(sinr_db=tuple(self.sinr_db.values())), event_id)
        for consumer in self.consumers:
            if consumer.wish is not None:
                crossed = consumer.wish.sample(self.sinr_db)
                if crossed:
                    consumer.expected.append((event_id, crossed))

    async def publish(self, data: EventData, event_id: str) -> None:
        """An event is taken in; now and then it comes twice."""
        for _ in range(2 if self.rng.random() < 0.05 else 1):
            await self.scene.publish(data, event_id)

    async def read(self, consumer: Consumer) -> None:
        """The consumer reads all there is, and acknowledges it."""
        position = len(consumer.received)
        if consumer.streams:
            notifications = await self.streamed(consumer)
        else:
            notifications = await self.scene.stored(consumer.subscription, after=position)
        for notification in notifications:
            position += 1
            assert notification.sequence == position
            assert notification.notification_id not in consumer.identities
            consumer.identities.add(notification.notification_id)
            beams = defaultdict(set)
            for report in notification.reports:
                assert report.observation is not None
                beams[report.observation.event_id].add(report.observation.beam_id)
            ((event_id, told),) = beams.items()
            consumer.received.append((event_id, frozenset(told)))
        assert consumer.received == consumer.expected
        self.told_count += len(notifications)
        subscription_id = consumer.subscription.subscription_id
        await self.scene.subscribing.acknowledge(subscription_id, position)

    async def streamed(self, consumer: Consumer) -> list[Notification]:
        """As many notifications of its stream as there should be; one too many is the next."""
        position = len(consumer.received)
        if consumer.stream is None:
            consumer.stream = self.scene.delivery.watch(
                consumer.subscription.subscription_id, position
            )
        async with asyncio.timeout(READ_TIMEOUT_S):
            return [await anext(consumer.stream) for _ in consumer.expected[position:]]

    async def leave(self, consumer: Consumer) -> None:
        """Its stream ends, and no more is stored for it than it has read."""
        if consumer.stream is not None:
            await consumer.stream.aclose()
            consumer.stream = None
        subscription = consumer.subscription
        stored = await self.scene.subscriptions.get(subscription.subscription_id)
        assert stored.report_count == len(consumer.expected)

    async def restart(self) -> None:
        """The function begins again with what is stored; all streams break."""
        for consumer in self.consumers:
            await self.leave(consumer)
        self.scene = AnlfScene(
            self.database,
            clock=self.scene.clock,
            queue_capacity=QUEUE_CAPACITY,
            first_offset=self.scene.offset,
        )
        await self.scene.desk.load()


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """A line for each of a million steps is nothing to keep."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_random_life_misses_and_doubles_no_notification(
    request: pytest.FixtureRequest, round_seed: int, tmp_path: Path
) -> None:
    """Every subscription is told exactly what the model says, in order, restarts included."""
    steps = STEPS_OF_A_SAMPLE if request.config.getoption("rounds") == 1 else STEPS
    database = InlineDatabase(f"sqlite:///{tmp_path / 'anlf.db'}", METADATA, MIGRATIONS)
    await database.open()
    try:
        life = Life(database, round_seed)
        for number in range(steps):
            await life.step(number)
            if number % (steps // RESTARTS) == 0:
                await life.restart()
        for consumer in life.consumers:
            await life.read(consumer)
            await life.leave(consumer)
        log.warning("random life", steps=steps, notifications=life.told_count)
        assert life.told_count > steps // 10
    finally:
        await database.close()
