"""Subscriptions: what the AnLF does with them and with the triggers that concern them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.record import Record
from nwdaf.anlf.admission import Admission, admit
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.ports import (
    AnlfMetrics,
    NotificationStore,
    OffsetStore,
    SubscriptionStore,
)
from nwdaf.anlf.subscriptions import Criteria, Subscription, WatchedEvent
from nwdaf.anlf.triggers import Trigger

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ImmediateReport:
    """A trigger that was known when the subscription was made, for one of its events."""

    event: str
    trigger: Trigger


class Subscribing:
    """Subscriptions, from Subscribe to Unsubscribe, and the triggers that concern them."""

    def __init__(
        self,
        store: SubscriptionStore,
        notifications: NotificationStore,
        offsets: OffsetStore,
        delivery: Delivery,
        *,
        clock: Clock,
        metrics: AnlfMetrics,
    ) -> None:
        self._store = store
        self._notifications = notifications
        self._offsets = offsets
        self._delivery = delivery
        self._clock = clock
        self._metrics = metrics
        self._book = SubscriptionBook()

    async def load(self) -> None:
        """Index the stored subscriptions; before anything else."""
        for subscription in await self._store.load():
            self._book.put(subscription.subscription_id, subscription.criteria.events)
        log.info("subscriptions loaded", count=len(self._book))

    async def subscribe(
        self, criteria: Criteria, *, request_id: str
    ) -> tuple[Subscription, Sequence[ImmediateReport]]:
        """The accepted subscription and, if asked for, what is known already.

        Raises:
            InvalidArgument: As `subscriptions.admit`.
            AlreadyExists, ResourceExhausted: As `SubscriptionStore.create`.
        """
        admission = self._admit(criteria)
        subscription = await self._store.create(criteria, admission, request_id=request_id)
        self._book.put(subscription.subscription_id, subscription.criteria.events)
        log.info(
            "subscription created",
            subscription_id=subscription.subscription_id,
            consumer=criteria.consumer_nf_id,
            events=[watched.event for watched in subscription.criteria.events],
        )
        return subscription, await self._immediate_reports(subscription.criteria)

    async def modify(
        self, subscription_id: str, criteria: Criteria, *, etag: str
    ) -> tuple[Subscription, Sequence[ImmediateReport]]:
        """The subscription with new content; its consumer stays.

        Raises:
            InvalidArgument: As `subscriptions.admit`, or for another consumer.
            NotFound, Aborted: As `SubscriptionStore.replace`.
        """
        current = await self._store.get(subscription_id)
        consumer_nf_id = current.criteria.consumer_nf_id
        if criteria.consumer_nf_id not in ("", consumer_nf_id):
            raise InvalidArgument(
                "consumer_nf_id of a subscription cannot change; make a new subscription",
                reason="INVALID_FIELD",
                field="consumer_nf_id",
            )
        admission = self._admit(replace(criteria, consumer_nf_id=consumer_nf_id))
        subscription = await self._store.replace(subscription_id, admission, etag=etag)
        self._book.put(subscription_id, subscription.criteria.events)
        self._delivery.subscription_changed(subscription_id)
        return subscription, await self._immediate_reports(subscription.criteria)

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete the subscription; its streams end with NOT_FOUND."""
        await self._store.delete(subscription_id)
        self._book.remove(subscription_id)
        self._delivery.subscription_changed(subscription_id)
        log.info("subscription deleted", subscription_id=subscription_id)

    async def subscription(self, subscription_id: str) -> Subscription:
        """One subscription. NotFound if there is none."""
        return await self._store.get(subscription_id)

    async def page(self, *, after: int, size: int) -> tuple[Sequence[Subscription], int | None]:
        """At most `size` subscriptions behind a position, and the position of the next page."""
        return await self._store.page(after=after, size=size)

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Forget what the consumer has dealt with. As `NotificationStore.acknowledge`."""
        await self._notifications.acknowledge(subscription_id, sequence)

    async def take_in(self, record: Record) -> None:
        """Let the trigger of a record take effect: notifications, stored and then streamed."""
        trigger = None if record.event is None else Trigger.from_event(record.event)
        if trigger is None:
            await self._offsets.skip(record)
            return
        notifications = await self._notifications.record_trigger(
            record, trigger, self._book.matching(trigger)
        )
        self._delivery.publish(notifications)
        self._metrics.notified(notifications)
        log.info(
            "trigger taken in",
            trigger_id=trigger.event.id,
            kind=trigger.kind.value,
            beam_id=trigger.beam_id,
            notifications=len(notifications),
        )

    def _admit(self, criteria: Criteria) -> Admission:
        admission = admit(criteria, now=self._clock.now())
        for failure in admission.failures:
            log.warning(
                "event not served",
                event_token=failure.event,
                failure_code=failure.failure_code.value,
                explanation=failure.explanation,
                consumer=criteria.consumer_nf_id,
            )
        return admission

    async def _immediate_reports(self, criteria: Criteria) -> Sequence[ImmediateReport]:
        """The latest known trigger of each event and beam (`immRep`)."""
        if not criteria.reporting.imm_rep:
            return ()
        latest: dict[tuple[WatchedEvent, str], ImmediateReport] = {}
        for trigger in await self._notifications.latest_triggers():
            for watched in criteria.events:
                if watched.matches(trigger):
                    report = ImmediateReport(watched.event, trigger)
                    latest.setdefault((watched, trigger.beam_id), report)
        return tuple(latest.values())
