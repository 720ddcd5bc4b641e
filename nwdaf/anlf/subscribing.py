"""Subscriptions, from Subscribe to Unsubscribe."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.accuracy import AccuracyReport
from nwdaf.anlf.admission import Admission, admit
from nwdaf.anlf.assessing import Assessing
from nwdaf.anlf.desk import Desk
from nwdaf.anlf.reports import Report
from nwdaf.anlf.served_events import Offer
from nwdaf.anlf.subscriptions import Criteria, Subscription

log = structlog.get_logger(__name__)


class Subscribing:
    """The use cases of a consumer."""

    def __init__(self, desk: Desk, assessing: Assessing, *, offer: Offer) -> None:
        self._desk = desk
        self._assessing = assessing
        self._offer = offer

    async def subscribe(
        self, criteria: Criteria, *, request_id: str
    ) -> tuple[Subscription, Sequence[Report]]:
        """The accepted subscription and, if asked for, what is known already.

        The reports also say which events nobody assesses the accuracy of (`cancelAccuInd`).

        Raises:
            InvalidArgument: As `admission.admit`.
            AlreadyExists, ResourceExhausted: As `SubscriptionStore.create`.
        """
        desk, admission = self._desk, self._admit(criteria)
        async with desk.turn:
            subscription = await desk.subscriptions.create(
                criteria, admission, request_id=request_id, position=desk.book.position
            )
            desk.enter(subscription)
            subscription = await self._assessing.assess_new(subscription)
        log.info(
            "subscription created",
            subscription_id=subscription.subscription_id,
            consumer=criteria.consumer_nf_id,
            events=[watched.event for watched in subscription.criteria.events],
        )
        return subscription, self._immediate_reports(subscription, admission)

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
            desk.enter(subscription)
            desk.tell(recorded)
            subscription = await self._assessing.assess_new(subscription)
        desk.delivery.subscription_changed(subscription_id)
        return subscription, self._immediate_reports(subscription, admission)

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete the subscription; its streams end with NOT_FOUND."""
        desk = self._desk
        async with desk.turn:
            await desk.subscriptions.delete(subscription_id)
            desk.strike(subscription_id)
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

    def _immediate_reports(
        self, subscription: Subscription, admission: Admission
    ) -> Sequence[Report]:
        reports = [
            Report(event, accuracy=AccuracyReport(cancel_accu_ind=True))
            for event in admission.accuracy_cancelled
        ]
        if subscription.criteria.reporting.imm_rep:
            reports += self._desk.known(subscription)
        return reports
