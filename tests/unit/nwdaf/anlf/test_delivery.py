"""Streams of notifications: replay, live, overflow, end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import cast

import pytest
from fakes.anlf_metrics import CountingMetrics
from fakes.subscription_stores import MemoryStore

from nf_runtime.clock import ManualClock
from nf_runtime.errors import InvalidArgument, NotFound
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.notifications import Cause, Notification
from nwdaf.anlf.ports import NotificationStore, SubscriptionStore
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Criteria, Reporting, Subscription, WatchedEvent


class Scene:
    """A delivery over stores in memory."""

    def __init__(self, *, queue_capacity: int = 4) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.metrics = CountingMetrics()
        self.delivery = Delivery(
            cast("SubscriptionStore", self.store),
            cast("NotificationStore", self.store),
            clock=self.clock,
            queue_capacity=queue_capacity,
            metrics=self.metrics,
        )

    def subscribe(self, subscription_id: str = "s", reporting: Reporting | None = None) -> None:
        """Make a subscription."""
        self.store.put(
            Subscription(
                subscription_id=subscription_id,
                criteria=Criteria((WatchedEvent("DOPPLER"),), reporting or Reporting()),
                failures=(),
                revision=1,
                create_time=self.clock.now(),
            )
        )

    def report(self, *sequences: int, subscription_id: str = "s", live: bool = True) -> None:
        """Store notifications and, unless they were stored before, publish them."""
        for sequence in sequences:
            made = Notification(
                notification_id=f"n-{sequence}",
                subscription_id=subscription_id,
                sequence=sequence,
                notif_corr_id="",
                reports=(Report("DOPPLER"),),
                cause=Cause("an event"),
                create_time=self.clock.now(),
            )
            self.store.add(made)
            if live:
                self.delivery.publish([made])

    def watch(self, after: int = 0, subscription_id: str = "s") -> "Stream":
        """Open a stream."""
        return Stream(self.delivery.watch(subscription_id, after))


class Stream:
    """A stream that is read on demand."""

    def __init__(self, notifications: AsyncIterator[Notification]) -> None:
        self._notifications = notifications

    async def take(self, count: int) -> list[int]:
        """The next sequences."""
        async with asyncio.timeout(5):
            return [(await anext(self._notifications)).sequence for _ in range(count)]

    async def rest(self) -> list[int]:
        """All sequences until the stream ends."""
        async with asyncio.timeout(5):
            return [notification.sequence async for notification in self._notifications]

    async def close(self) -> None:
        """Go away."""
        async with aclosing(self._notifications):  # type: ignore[type-var]
            pass


async def test_stored_notifications_come_before_live_ones() -> None:
    """Without a gap and without a repetition at the seam."""
    scene = Scene()
    scene.subscribe()
    scene.report(1, 2, live=False)
    stream = scene.watch()
    assert await stream.take(1) == [1]
    scene.report(3)
    assert await stream.take(2) == [2, 3]
    scene.report(4)
    assert await stream.take(1) == [4]


async def test_a_stream_begins_after_the_given_sequence() -> None:
    """What the consumer has dealt with is not sent again."""
    scene = Scene()
    scene.subscribe()
    scene.report(1, 2, 3, live=False)
    assert await scene.watch(after=2).take(1) == [3]


async def test_a_waiting_stream_is_woken() -> None:
    """A notification reaches a consumer that waits for it."""
    scene = Scene()
    scene.subscribe()
    waiting = asyncio.create_task(scene.watch().take(1))
    await asyncio.sleep(0)
    scene.report(1)
    assert await waiting == [1]


async def test_a_slow_consumer_loses_nothing_when_its_queue_overflows() -> None:
    """The queue is dropped and the store read instead; the overflow is counted once."""
    scene = Scene(queue_capacity=3)
    scene.subscribe()
    scene.report(1)
    stream = scene.watch()
    assert await stream.take(1) == [1]
    scene.report(*range(2, 21))
    assert await stream.take(19) == list(range(2, 21))
    assert scene.metrics.overflows == 1
    scene.report(21)
    assert await stream.take(1) == [21]


async def test_a_slow_consumer_does_not_delay_another() -> None:
    """One that never reads does not hold up one that does."""
    scene = Scene(queue_capacity=2)
    scene.subscribe("slow")
    scene.subscribe("quick")
    scene.report(1, subscription_id="slow")
    scene.report(1, subscription_id="quick")
    slow, quick = scene.watch(subscription_id="slow"), scene.watch(subscription_id="quick")
    await slow.take(1)
    await quick.take(1)
    for sequence in range(2, 50):
        scene.report(sequence, subscription_id="slow")
        scene.report(sequence, subscription_id="quick")
        assert await quick.take(1) == [sequence]


async def test_a_long_history_is_read_in_pages() -> None:
    """More than one page comes complete and in order."""
    scene = Scene()
    scene.subscribe()
    scene.report(*range(1, 501), live=False)
    assert await scene.watch().take(500) == list(range(1, 501))
    assert scene.store.reads > 2


async def test_two_streams_of_one_subscription_see_the_same() -> None:
    """A consumer that connects twice is served twice."""
    scene = Scene()
    scene.subscribe()
    first, second = scene.watch(), scene.watch()
    scene.report(1)
    assert (await first.take(1), await second.take(1)) == ([1], [1])


async def test_the_stream_ends_with_the_last_report() -> None:
    """maxReportNbr: after the last one nothing is waited for."""
    scene = Scene()
    scene.subscribe(reporting=Reporting(max_report_nbr=2))
    waiting = asyncio.create_task(scene.watch().rest())
    await asyncio.sleep(0)
    scene.report(1)
    await asyncio.sleep(0)
    scene.report(2)
    assert await waiting == [1, 2]


async def test_the_stream_of_an_expired_subscription_replays_and_ends() -> None:
    """What is stored can still be fetched."""
    scene = Scene()
    scene.subscribe(reporting=Reporting(max_report_nbr=2))
    scene.report(1, 2, live=False)
    assert await scene.watch().rest() == [1, 2]


async def test_a_waiting_stream_ends_at_mon_dur() -> None:
    """The end of a subscription is noticed without any notification."""
    scene = Scene()
    scene.subscribe(reporting=Reporting(mon_dur=scene.clock.now() + timedelta(seconds=10)))
    stop = asyncio.Event()
    expiry = asyncio.create_task(scene.delivery.run_expiry(stop))
    waiting = asyncio.create_task(scene.watch().rest())
    await scene.clock.advance(9)
    assert not waiting.done()
    await scene.clock.advance(2)
    assert await waiting == []
    stop.set()
    await expiry


async def test_deletion_ends_a_waiting_stream_with_not_found() -> None:
    """The consumer hears it at once."""
    scene = Scene()
    scene.subscribe()
    waiting = asyncio.create_task(scene.watch().rest())
    await asyncio.sleep(0)
    del scene.store.subscriptions["s"]
    scene.delivery.subscription_changed("s")
    with pytest.raises(NotFound):
        await waiting


async def test_an_unknown_subscription_has_no_stream() -> None:
    """NOT_FOUND at once."""
    with pytest.raises(NotFound):
        await Scene().watch().take(1)


async def test_a_position_ahead_of_the_subscription_is_refused() -> None:
    """Its notifications would silently be skipped."""
    scene = Scene()
    scene.subscribe()
    scene.report(1, live=False)
    with pytest.raises(InvalidArgument) as raised:
        await scene.watch(after=2).take(1)
    assert raised.value.metadata == {"field": "after_sequence"}


async def test_streams_that_went_away_are_forgotten() -> None:
    """Nothing is queued for a consumer that is gone."""
    scene = Scene()
    scene.subscribe()
    scene.report(1)
    stream = scene.watch()
    await stream.take(1)
    assert scene.delivery.stream_count == 1
    await stream.close()
    assert scene.delivery.stream_count == 0
