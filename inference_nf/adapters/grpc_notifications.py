"""The NWDAF's event subscriptions over gRPC."""

from collections.abc import AsyncGenerator, Sequence

import grpc
import structlog

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as service_pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2_grpc
from inference_nf.answers import Notification
from inference_nf.ports import EventFilter

log = structlog.get_logger(__name__)


class GrpcNotifications:
    """Subscribes, watches and acknowledges."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = events_subscription_service_pb2_grpc.EventsSubscriptionServiceStub(channel)

    async def subscribe(
        self, *, request_id: str, consumer_id: str, filters: Sequence[EventFilter]
    ) -> str:
        """The id of the subscription, the same one for the same `request_id`."""
        response = await self._stub.CreateEventsSubscription(
            service_pb.CreateEventsSubscriptionRequest(
                request_id=request_id, subscription=_message(consumer_id, filters)
            )
        )
        _say_failures(response.subscription)
        return response.subscription.subscription_id

    async def modify(
        self, subscription_id: str, *, consumer_id: str, filters: Sequence[EventFilter]
    ) -> None:
        """Replace what the subscription asks for.

        Raises:
            NotFound: It does not exist.
        """
        message = _message(consumer_id, filters)
        message.subscription_id = subscription_id
        response = await self._stub.UpdateEventsSubscription(
            service_pb.UpdateEventsSubscriptionRequest(subscription=message)
        )
        _say_failures(response.subscription)

    async def watch(
        self, subscription_id: str, *, after_sequence: int
    ) -> AsyncGenerator[Notification, None]:
        """Stored notifications after `after_sequence`, then each new one.

        Raises:
            NotFound: The subscription does not exist.
            Unavailable: The stream broke; watch again.
        """
        request = service_pb.WatchNotificationsRequest(
            subscription_id=subscription_id, after_sequence=after_sequence
        )
        call = self._stub.WatchNotifications(request)
        try:
            async for response in call:
                yield _notification(response.notification)
        finally:
            call.cancel()

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Everything up to `sequence` has been dealt with, durably."""
        await self._stub.AcknowledgeNotifications(
            service_pb.AcknowledgeNotificationsRequest(
                subscription_id=subscription_id, sequence=sequence
            )
        )


def _message(consumer_id: str, filters: Sequence[EventFilter]) -> pb.EventsSubscription:
    return pb.EventsSubscription(
        event_subscriptions=[
            pb.EventSubscription(
                event=wanted.event,
                notification_method=pb.NOTIFICATION_METHOD_THRESHOLD,
                beam_ids=wanted.beam_ids,
                satellite_ids=wanted.satellite_ids,
                threshold=wanted.threshold,
            )
            for wanted in filters
        ],
        notif_corr_id=consumer_id,
        consumer_nf_id=consumer_id,
    )


def _say_failures(subscription: pb.EventsSubscription) -> None:
    for failure in subscription.fail_event_reports:
        log.warning(
            "event cannot be subscribed", event_token=failure.event, code=failure.failure_code
        )


def _notification(message: pb.Notification) -> Notification:
    # Several events of one subscription may match a trigger; it is still one trigger.
    event = message.event_notifications[0] if message.event_notifications else None
    return Notification(
        notification_id=message.notification_id,
        subscription_id=message.subscription_id,
        sequence=message.sequence,
        trigger_id=event.trigger_id if event else "",
        trigger_type=event.trigger_type if event else "",
        published_at_ns=message.publish_time.ToNanoseconds(),
        notified_at_ns=message.create_time.ToNanoseconds(),
        traceparent=message.traceparent or None,
    )
