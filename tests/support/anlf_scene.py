"""The AnLF's use cases over its real stores, without a broker, a server or a clock that moves."""

import asyncio
from collections.abc import Sequence

from fakes.anlf_metrics import CountingMetrics
from support.ran_events import record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.events.catalogue import Decision, EventData
from nwdaf.anlf.adapters.sql_accuracy import SqlAccuracyStore
from nwdaf.anlf.adapters.sql_notifications import SqlNotificationStore
from nwdaf.anlf.adapters.sql_offsets import SqlOffsetStore
from nwdaf.anlf.adapters.sql_subscriptions import SqlSubscriptionStore
from nwdaf.anlf.assessing import Assessing
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.desk import Desk
from nwdaf.anlf.monitoring import Monitoring
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.observing import Observing
from nwdaf.anlf.served_events import Offer
from nwdaf.anlf.subscribing import Subscribing
from nwdaf.anlf.subscriptions import Criteria, Reporting, Subscription, WatchedEvent


class AnlfScene:
    """One life of the function; another one on the same database is its restart."""

    def __init__(
        self,
        database: Database,
        *,
        clock: ManualClock | None = None,
        queue_capacity: int = 4,
        undelivered_limit: int = 10_000,
        terminate_on_overflow: bool = False,
        remembered_series: int = 10_000,
        first_offset: int = 0,
    ) -> None:
        self.clock = ManualClock() if clock is None else clock
        self.metrics = CountingMetrics()
        self.offset = first_offset
        self.subscriptions = SqlSubscriptionStore(
            database,
            clock=self.clock,
            per_consumer=100_000,
            total=100_000,
            undelivered_limit=undelivered_limit,
        )
        self.notifications = SqlNotificationStore(
            database,
            clock=self.clock,
            undelivered_limit=undelivered_limit,
            terminate_on_overflow=terminate_on_overflow,
            remembered_series=remembered_series,
        )
        self.delivery = Delivery(
            self.subscriptions,
            self.notifications,
            clock=self.clock,
            queue_capacity=queue_capacity,
            metrics=self.metrics,
        )
        self.desk = Desk(
            self.subscriptions, self.notifications, self.delivery, self.metrics, self.clock
        )
        decisions, offsets = (
            SqlAccuracyStore(database, window_decisions=200),
            SqlOffsetStore(database),
        )
        self.assessing = Assessing(self.desk, decisions)
        self.subscribing = Subscribing(self.desk, self.assessing, offer=Offer(nf_load=True))
        self.observing = Observing(self.desk, offsets)
        self.monitoring = Monitoring(decisions, offsets)
        self.last_decision: tuple[Decision, str, int]

    async def subscribe(
        self, *events: WatchedEvent, reporting: Reporting | None = None
    ) -> Subscription:
        """A new subscription."""
        criteria = Criteria(events, reporting or Reporting())
        subscription, _ = await self.subscribing.subscribe(criteria, request_id="")
        return subscription

    async def publish(self, data: EventData, event_id: str) -> None:
        """An event of the radio network is taken in."""
        made = record(data, event_id, offset=self.offset)
        self.offset += 1
        await self.observing.take_in(made)

    async def decide(self, data: Decision, event_id: str) -> None:
        """A decision of a model is reported."""
        self.last_decision = (data, event_id, self.offset)
        await self.monitoring.take_in(record(data, event_id, offset=self.offset))
        self.offset += 1
        await self.assessing.assess()

    async def pass_time(self, seconds: float) -> None:
        """Time goes on, and what has fallen due is sent."""
        await self.clock.advance(seconds)
        await self.observing.send_due()

    async def stored(self, subscription: Subscription, *, after: int = 0) -> Sequence[Notification]:
        """What waits for a consumer."""
        return await self.notifications.notifications(
            subscription.subscription_id, after=after, size=10_000
        )


async def take(
    scene: AnlfScene, subscription: Subscription, count: int, *, after: int = 0
) -> list[Notification]:
    """The next notifications of a stream."""
    taken: list[Notification] = []
    async with asyncio.timeout(10):
        async for notification in scene.delivery.watch(subscription.subscription_id, after):
            taken.append(notification)
            if len(taken) == count:
                break
    return taken


def observed(notification: Notification) -> list[tuple[str, str, float]]:
    """Event, beam and value of each report."""
    return [
        (report.event, report.observation.beam_id, report.observation.value)
        for report in notification.reports
        if report.observation is not None
    ]
