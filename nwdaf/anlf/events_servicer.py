# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""EventsSubscriptionService: messages in, messages out; decisions are taken elsewhere."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2_grpc as pb_grpc
from nf_runtime.clock import Clock
from nwdaf.anlf.criteria_messages import criteria_of
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.events_messages import NotificationResponses, subscription_message
from nwdaf.anlf.subscribing import Subscribing
from nwdaf.message_fields import (
    checked_id,
    invalid_field,
    page_size_of,
    position_of,
    token_of,
)

SERVICE = "aimlnf.nwdaf.v1.EventsSubscriptionService"


def add_events_subscription_service(
    servicer: "EventsSubscriptionServicer", server: grpc.aio.Server
) -> None:
    """Register the service, whose stream is serialised by the servicer itself."""
    pb_grpc.add_EventsSubscriptionServiceServicer_to_server(servicer, server)
    watch: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(
        servicer.WatchNotifications,
        request_deserializer=pb.WatchNotificationsRequest.FromString,
    )
    server.add_registered_method_handlers(SERVICE, {"WatchNotifications": watch})


class EventsSubscriptionServicer(pb_grpc.EventsSubscriptionServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/events_subscription_service.proto`."""

    def __init__(self, subscribing: Subscribing, delivery: Delivery, *, clock: Clock) -> None:
        self._subscribing = subscribing
        self._delivery = delivery
        self._clock = clock
        self._responses = NotificationResponses()

    async def CreateEventsSubscription(
        self, request: pb.CreateEventsSubscriptionRequest, context: Any
    ) -> pb.CreateEventsSubscriptionResponse:
        """Nnwdaf_EventsSubscription_Subscribe."""
        subscription, reports = await self._subscribing.subscribe(
            criteria_of(request.subscription),
            request_id=checked_id(request.request_id, "request_id"),
        )
        return pb.CreateEventsSubscriptionResponse(
            subscription=subscription_message(
                subscription,
                expired=subscription.has_expired(self._clock.now()),
                immediate_reports=reports,
            )
        )

    async def UpdateEventsSubscription(
        self, request: pb.UpdateEventsSubscriptionRequest, context: Any
    ) -> pb.UpdateEventsSubscriptionResponse:
        """Modify."""
        subscription, reports = await self._subscribing.modify(
            request.subscription.subscription_id,
            criteria_of(request.subscription),
            etag=request.subscription.etag,
        )
        return pb.UpdateEventsSubscriptionResponse(
            subscription=subscription_message(
                subscription,
                expired=subscription.has_expired(self._clock.now()),
                immediate_reports=reports,
            )
        )

    async def DeleteEventsSubscription(
        self, request: pb.DeleteEventsSubscriptionRequest, context: Any
    ) -> pb.DeleteEventsSubscriptionResponse:
        """Nnwdaf_EventsSubscription_Unsubscribe."""
        await self._subscribing.unsubscribe(request.subscription_id)
        return pb.DeleteEventsSubscriptionResponse()

    async def GetEventsSubscription(
        self, request: pb.GetEventsSubscriptionRequest, context: Any
    ) -> pb.GetEventsSubscriptionResponse:
        """One subscription."""
        subscription = await self._subscribing.subscription(request.subscription_id)
        return pb.GetEventsSubscriptionResponse(
            subscription=subscription_message(
                subscription, expired=subscription.has_expired(self._clock.now())
            )
        )

    async def ListEventsSubscriptions(
        self, request: pb.ListEventsSubscriptionsRequest, context: Any
    ) -> pb.ListEventsSubscriptionsResponse:
        """All subscriptions in order of creation."""
        page, following = await self._subscribing.page(
            after=position_of(request.page_token) or 0, size=page_size_of(request.page_size)
        )
        now = self._clock.now()
        return pb.ListEventsSubscriptionsResponse(
            subscriptions=[
                subscription_message(subscription, expired=subscription.has_expired(now))
                for subscription in page
            ],
            next_page_token=token_of(following),
        )

    async def WatchNotifications(
        self, request: pb.WatchNotificationsRequest, context: Any
    ) -> AsyncIterator[Any]:
        """Nnwdaf_EventsSubscription_Notify: what is stored, then what is new; as bytes."""
        if request.after_sequence < 0:
            raise invalid_field("is negative; 0 starts at the beginning", "after_sequence")
        async for notification in self._delivery.watch(
            request.subscription_id, request.after_sequence
        ):
            yield self._responses.response(notification)

    async def AcknowledgeNotifications(
        self, request: pb.AcknowledgeNotificationsRequest, context: Any
    ) -> pb.AcknowledgeNotificationsResponse:
        """Forget what the consumer has dealt with."""
        await self._subscribing.acknowledge(request.subscription_id, request.sequence)
        return pb.AcknowledgeNotificationsResponse()
