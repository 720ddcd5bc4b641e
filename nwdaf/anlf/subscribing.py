"""Subscriptions, from Subscribe to Unsubscribe."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.admission import Admission, admit
from nwdaf.anlf.agenda import Agenda
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.ports import AnlfMetrics, NotificationStore, Recorded, SubscriptionStore
from nwdaf.anlf.reports import Report
from nwdaf.anlf.served_events import Offer
from nwdaf.anlf.subscriptions import Criteria, Subscription, WatchedEvent

log = structlog.get_logger(__name__)


@dataclass
class Desk:
    """What those who change subscriptions and those who report to them have in common.

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

    async def load(self) -> None:
        """Index what is stored; before anything else."""
        for subscription in await self.subscriptions.load():
            self.book.put(subscription)
            self.agenda.put(subscription.subscription_id, subscription.due_time)
        for observation, position in await self.notifications.latest():
            self.book.remember((observation,), position)
        log.info("subscriptions loaded", count=len(self.book))

    def tell(self, recorded: Recorded) -> None:
        """Let the streams have what was stored."""
        self.delivery.publish(recorded.notifications)
        for subscription_id in recorded.closed:
            self.book.remove(subscription_id)
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
        return self._reports(subscription, subscription.criteria.events, sampled=False)

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


class Subscribing:
    """The use cases of a consumer."""

    def __init__(self, desk: Desk, *, offer: Offer) -> None:
        self._desk = desk
        self._offer = offer

    async def subscribe(
        self, criteria: Criteria, *, request_id: str
    ) -> tuple[Subscription, Sequence[Report]]:
        """The accepted subscription and, if asked for, what is known already.

        Raises:
            InvalidArgument: As `admission.admit`.
            AlreadyExists, ResourceExhausted: As `SubscriptionStore.create`.
        """
        desk, admission = self._desk, self._admit(criteria)
        async with desk.turn:
            subscription = await desk.subscriptions.create(
                criteria, admission, request_id=request_id, position=desk.book.position
            )
            self._enter(subscription)
        log.info(
            "subscription created",
            subscription_id=subscription.subscription_id,
            consumer=criteria.consumer_nf_id,
            events=[watched.event for watched in subscription.criteria.events],
        )
        return subscription, self._immediate_reports(subscription)

    async def modify(
        self, subscription_id: str, criteria: Criteria, *, etag: str
    ) -> tuple[Subscription, Sequence[Report]]:
        """The subscription with new content; its consumer stays.

        Raises:
            InvalidArgument: As `admission.admit`, or for another consumer.
            NotFound, Aborted: As `SubscriptionStore.replace`.
        """
        desk = self._desk
        current = await desk.subscriptions.get(subscription_id)
        consumer_nf_id = current.criteria.consumer_nf_id
        if criteria.consumer_nf_id not in ("", consumer_nf_id):
            raise InvalidArgument(
                "consumer_nf_id of a subscription cannot change; make a new subscription",
                reason="INVALID_FIELD",
                field="consumer_nf_id",
            )
        admission = self._admit(replace(criteria, consumer_nf_id=consumer_nf_id))
        async with desk.turn:
            subscription, recorded = await desk.subscriptions.replace(
                subscription_id, admission, etag=etag, position=desk.book.position
            )
            self._enter(subscription)
            desk.tell(recorded)
        desk.delivery.subscription_changed(subscription_id)
        return subscription, self._immediate_reports(subscription)

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete the subscription; its streams end with NOT_FOUND."""
        desk = self._desk
        async with desk.turn:
            await desk.subscriptions.delete(subscription_id)
            desk.book.remove(subscription_id)
            desk.agenda.put(subscription_id, None)
        desk.delivery.subscription_changed(subscription_id)
        log.info("subscription deleted", subscription_id=subscription_id)

    async def subscription(self, subscription_id: str) -> Subscription:
        """One subscription. NotFound if there is none."""
        return await self._desk.subscriptions.get(subscription_id)

    async def page(self, *, after: int, size: int) -> tuple[Sequence[Subscription], int | None]:
        """At most `size` subscriptions behind a position, and the position of the next page."""
        return await self._desk.subscriptions.page(after=after, size=size)

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Forget what the consumer has dealt with. As `NotificationStore.acknowledge`."""
        await self._desk.notifications.acknowledge(subscription_id, sequence)

    def _enter(self, subscription: Subscription) -> None:
        self._desk.book.put(subscription)
        self._desk.agenda.put(subscription.subscription_id, subscription.due_time)

    def _admit(self, criteria: Criteria) -> Admission:
        admission = admit(criteria, now=self._desk.clock.now(), offer=self._offer)
        for failure in admission.failures:
            log.warning(
                "event not served",
                event_token=failure.event,
                failure_code=failure.failure_code.value,
                explanation=failure.explanation,
                consumer=criteria.consumer_nf_id,
            )
        return admission

    def _immediate_reports(self, subscription: Subscription) -> Sequence[Report]:
        if not subscription.criteria.reporting.imm_rep:
            return ()
        return self._desk.known(subscription)
