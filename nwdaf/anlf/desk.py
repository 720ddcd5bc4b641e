"""What those who change subscriptions and those who report to them have in common."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import structlog

from nf_runtime.clock import Clock
from nwdaf.anlf.agenda import Agenda
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.ports import AnlfMetrics, NotificationStore, Recorded, SubscriptionStore
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Subscription, WatchedEvent

log = structlog.get_logger(__name__)


@dataclass
class Desk:
    """The stores, and in memory what is looked up at each observation.

    `turn` is held while something takes effect, so that an observation is taken in wholly before or
    wholly after a subscription is made: what is in memory then agrees with what is stored.
    """

    subscriptions: SubscriptionStore
    notifications: NotificationStore
    delivery: Delivery
    metrics: AnlfMetrics
    clock: Clock
    book: SubscriptionBook = field(default_factory=SubscriptionBook)
    agenda: Agenda = field(default_factory=Agenda)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    assessed: dict[str, Subscription] = field(default_factory=dict)  # those with `accuReq`

    async def load(self) -> None:
        """Index what is stored; before anything else."""
        for subscription in await self.subscriptions.load():
            self.enter(subscription)
        for observation, position in await self.notifications.latest():
            self.book.remember((observation,), position)
        log.info("subscriptions loaded", count=len(self.book))

    def enter(self, subscription: Subscription) -> None:
        """Index a subscription as it now stands."""
        subscription_id = subscription.subscription_id
        self.book.put(subscription)
        self.agenda.put(subscription_id, subscription.due_time)
        asks = any(watched.accu_req is not None for watched in subscription.criteria.events)
        if asks and not subscription.has_expired(self.clock.now()):
            self.assessed[subscription_id] = subscription
        else:
            self.assessed.pop(subscription_id, None)

    def strike(self, subscription_id: str) -> None:
        """Forget a subscription that is deleted or closed."""
        self.book.remove(subscription_id)
        self.agenda.put(subscription_id, None)
        self.assessed.pop(subscription_id, None)

    def tell(self, recorded: Recorded) -> None:
        """Let the streams have what was stored."""
        self.delivery.publish(recorded.notifications)
        for subscription_id in recorded.closed:
            self.strike(subscription_id)
            self.delivery.subscription_changed(subscription_id)
            log.warning("subscription ended before its time", subscription_id=subscription_id)
        for subscription_id, due_time in recorded.due_times.items():
            self.agenda.put(subscription_id, due_time)
        if recorded.notifications:
            self.metrics.notified(recorded.notifications)
        if recorded.dropped:
            self.metrics.dropped(recorded.dropped)

    def known(self, subscription: Subscription) -> list[Report]:
        """The latest observations that a subscription is about (`immRep`)."""
        return self._reports(subscription, subscription.reported_events, sampled=False)

    def sampled(self, subscription: Subscription, events: Sequence[WatchedEvent]) -> list[Report]:
        """The latest samples that some of its events are about."""
        return self._reports(subscription, events, sampled=True)

    def _reports(
        self, subscription: Subscription, events: Sequence[WatchedEvent], *, sampled: bool
    ) -> list[Report]:
        reports: list[Report] = []
        for watched in events:
            look_up = self.book.sampled if sampled else self.book.known
            found = look_up(watched, subscription.subscription_id, subscription.criteria)
            bound = watched.extra_report_req.max_object_nbr or None
            reports.extend(islice(found, bound))
        return reports
