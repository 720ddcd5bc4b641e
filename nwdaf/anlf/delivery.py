"""From the store to the consumers: one resumable stream of notifications for each of them.

A stream first reads what is stored, then what is published while it is open. Its queue is bounded:
when it is full the queue is dropped and the stream reads from the store again, so that nothing is
lost and no consumer waits for another.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from nf_runtime.client import wait_or_stop
from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.ports import AnlfMetrics, NotificationStore, SubscriptionStore
from nwdaf.anlf.subscriptions import Subscription

_PAGE_SIZE = 200
_EXPIRY_CHECK_S = 1.0


class Feed:
    """The queue of one stream. It is stale once it does not tell the whole story any more."""

    def __init__(self, capacity: int) -> None:
        self.expire_time: datetime | None = None
        self._capacity = capacity
        self._queue: deque[Notification] = deque()
        self._stale = False
        self._reader: asyncio.Future[None] | None = None  # while it waits

    def offer(self, notification: Notification) -> bool:
        """Queue the notification; False if the queue has just overflowed."""
        if self._stale:
            return True
        if len(self._queue) >= self._capacity:
            self.invalidate()
            return False
        self._queue.append(notification)
        if self._reader is not None:
            self._wake(self._reader)
        return True

    def invalidate(self) -> None:
        """Drop the queue and send the reader back to the store."""
        self._queue.clear()
        self._stale = True
        if self._reader is not None:
            self._wake(self._reader)

    def refresh(self) -> None:
        """Start anew, before the store is read."""
        self._queue.clear()
        self._stale = False

    @property
    def is_stale(self) -> bool:
        """Whether the store has to be read again."""
        return self._stale

    def take(self) -> Notification | None:
        """The next one in the queue; None if it is empty."""
        return self._queue.popleft() if self._queue else None

    def changed(self) -> "asyncio.Future[None]":
        """Done once there is something to take or the feed is stale; of an empty, fresh feed."""
        self._reader = asyncio.get_running_loop().create_future()
        return self._reader

    def _wake(self, reader: "asyncio.Future[None]") -> None:
        self._reader = None
        if not reader.done():  # it may have been cancelled
            reader.set_result(None)


class Delivery:
    """The open streams.

    Args:
        subscriptions: Whether there still is what a stream watches.
        notifications: Where notifications are stored before they are published here.
        clock: For the end of subscriptions.
        queue_capacity: Notifications that may wait for one stream.
        metrics: Counts overflows.
    """

    def __init__(
        self,
        subscriptions: SubscriptionStore,
        notifications: NotificationStore,
        *,
        clock: Clock,
        queue_capacity: int,
        metrics: AnlfMetrics,
    ) -> None:
        self._subscriptions = subscriptions
        self._notifications = notifications
        self._clock = clock
        self._queue_capacity = queue_capacity
        self._metrics = metrics
        self._feeds: dict[str, set[Feed]] = {}

    @property
    def stream_count(self) -> int:
        """How many streams are open."""
        return sum(len(feeds) for feeds in self._feeds.values())

    def publish(self, notifications: Iterable[Notification]) -> None:
        """Offer stored notifications, in order of sequence, to the streams they concern."""
        for notification in notifications:
            for feed in self._feeds.get(notification.subscription_id, ()):
                if not feed.offer(notification):
                    self._metrics.fell_behind()

    def subscription_changed(self, subscription_id: str) -> None:
        """Let the streams of a subscription read it again: it was modified or deleted."""
        for feed in self._feeds.get(subscription_id, ()):
            feed.invalidate()

    async def watch(self, subscription_id: str, after_sequence: int) -> AsyncIterator[Notification]:
        """The notifications after a sequence: the stored ones, then each new one.

        Ends when the subscription has expired and everything stored was yielded.

        Raises:
            NotFound: The subscription does not exist, or is deleted while the stream is open.
            InvalidArgument: INVALID_FIELD for a sequence that no notification has had.
        """
        position = after_sequence
        with self._open(subscription_id) as feed:
            while True:
                feed.refresh()
                # In this order: nothing is reported after `now` if the subscription has expired
                # by then, and what is reported after the reading of the store is in the feed.
                now = self._clock.now()
                subscription = await self._subscriptions.get(subscription_id)
                _check_position(position, subscription)
                feed.expire_time = subscription.criteria.expire_time
                async for notification in self._stored(subscription_id, position):
                    yield notification
                    position = notification.sequence
                if subscription.has_expired(now):
                    return
                last = subscription.criteria.report_limit
                while not feed.is_stale and position != last:
                    live = feed.take()
                    if live is None:
                        await feed.changed()
                    elif live.sequence > position:  # the store may have been quicker than the feed
                        yield live
                        position = live.sequence

    async def run_expiry(self, stop: asyncio.Event) -> None:
        """Wake the streams whose subscription reaches its end time, until `stop` is set."""
        while not await wait_or_stop(_EXPIRY_CHECK_S, clock=self._clock, stop=stop):
            now = self._clock.now()
            for feeds in self._feeds.values():
                for feed in feeds:
                    if feed.expire_time is not None and now >= feed.expire_time:
                        feed.expire_time = None
                        feed.invalidate()

    @contextmanager
    def _open(self, subscription_id: str) -> Iterator[Feed]:
        feed = Feed(self._queue_capacity)
        feeds = self._feeds.setdefault(subscription_id, set())
        feeds.add(feed)
        try:
            yield feed
        finally:
            feeds.discard(feed)
            if not feeds:
                self._feeds.pop(subscription_id, None)

    async def _stored(self, subscription_id: str, after: int) -> AsyncIterator[Notification]:
        while True:
            page = await self._notifications.notifications(
                subscription_id, after=after, size=_PAGE_SIZE
            )
            for notification in page:
                yield notification
            if len(page) < _PAGE_SIZE:
                return
            after = page[-1].sequence


def _check_position(position: int, subscription: Subscription) -> None:
    if position > subscription.report_count:
        raise InvalidArgument(
            f"after_sequence {position} is ahead of the last notification, "
            f"{subscription.report_count}; watch from the last sequence that you have dealt with",
            reason="INVALID_FIELD",
            field="after_sequence",
        )
