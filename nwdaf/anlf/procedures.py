"""What the AnLF does: take in events, keep subscriptions, answer about analytics and accuracy."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.catalogue import Decision, Measurement
from nf_runtime.events.record import Record
from nwdaf.anlf.accuracy import ModelAccuracy
from nwdaf.anlf.admission import Admission, admit
from nwdaf.anlf.analytics import Analytics, analyse, checked_window, quantities_of
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.ports import (
    AccuracyStore,
    AnlfMetrics,
    MeasurementStore,
    NotificationStore,
    OffsetStore,
    SubscriptionStore,
)
from nwdaf.anlf.subscriptions import Criteria, Subscription, WatchedEvent
from nwdaf.anlf.triggers import Trigger
from nwdaf.changes import Changes

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


class Analysing:
    """Measurements in, statistics out."""

    def __init__(self, store: MeasurementStore, offsets: OffsetStore) -> None:
        self._store = store
        self._offsets = offsets

    async def take_in(self, record: Record) -> None:
        """Keep the measurement of a record."""
        if record.event is not None and isinstance(record.event.data, Measurement):
            await self._store.record_measurement(record)
        else:
            await self._offsets.skip(record)

    async def analytics(
        self, event: str, *, beam_ids: Collection[str], window: timedelta | None
    ) -> Analytics:
        """Statistics of an event's quantities over the window that ends at the latest sample.

        Raises:
            InvalidArgument: An event without statistics, or a window out of range.
            NotFound: UNAVAILABLE_DATA.
        """
        quantities = quantities_of(event)
        samples = await self._store.samples(checked_window(window))
        return analyse(samples, quantities=quantities, beam_ids=beam_ids)


class Monitoring:
    """Inference reports in, accuracy of the deciding model out."""

    def __init__(self, store: AccuracyStore, offsets: OffsetStore) -> None:
        self._store = store
        self._offsets = offsets
        self._changes: Changes[tuple[str, int], ModelAccuracy] = Changes()

    async def take_in(self, record: Record) -> None:
        """Let a reported decision count; what the fallback decided says nothing of a model."""
        data = None if record.event is None else record.event.data
        if not isinstance(data, Decision) or data.source != "model":
            await self._offsets.skip(record)
            return
        accuracy = await self._store.record_decision(record)
        if accuracy is not None:
            self._changes.publish((accuracy.model_name, accuracy.version), accuracy)

    async def accuracy(self, model_name: str, version: int) -> ModelAccuracy:
        """The accuracy of a version; 0: of the one that decided last. NotFound without reports."""
        return await self._store.accuracy(model_name, version)

    async def watch(self, model_name: str) -> AsyncIterator[ModelAccuracy]:
        """The accuracy of the deciding version after each decision; empty name: all models.

        A slow reader is given the newest accuracy of each version, not every one.
        """
        with self._changes.reader(lambda key: not model_name or key[0] == model_name) as reader:
            async for accuracy in reader:
                yield accuracy
