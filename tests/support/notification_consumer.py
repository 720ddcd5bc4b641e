"""A consumer of the AnLF's notifications that outlives the function."""

import asyncio

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from aimlnf.nwdaf.v1.events_subscription_service_pb2_grpc import EventsSubscriptionServiceStub
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings
from nf_runtime.errors import NfError


class NotificationConsumer:
    """Watches one subscription, resuming after what it has seen, wherever the function is."""

    def __init__(self, subscription_id: str, address: str) -> None:
        self.subscription_id = subscription_id
        self.address = address
        self.seen: list[sub.Notification] = []

    async def run(self, wanted: int | None = None) -> None:
        """Return when that many notifications were received; without a number, only cancelled."""
        while wanted is None or len(self.seen) < wanted:
            try:
                await self._watch(wanted)
            except NfError:
                await asyncio.sleep(0.02)

    def assert_each_once(self, trigger_ids: list[str]) -> None:
        """Nothing was missed, nothing came twice, and the sequence has no gap."""
        assert [one.sequence for one in self.seen] == list(range(1, len(trigger_ids) + 1))
        assert len({one.notification_id for one in self.seen}) == len(trigger_ids)
        told = [one.event_notifications[0].trigger_id for one in self.seen]
        assert sorted(told) == sorted(trigger_ids)

    async def _watch(self, wanted: int | None) -> None:
        async with open_channel(self.address, settings=ClientSettings(attempts=1)) as channel:
            stub = EventsSubscriptionServiceStub(channel)
            position = self.seen[-1].sequence if self.seen else 0
            async for response in stub.WatchNotifications(
                pb.WatchNotificationsRequest(
                    subscription_id=self.subscription_id, after_sequence=position
                )
            ):
                self.seen.append(response.notification)
                if len(self.seen) == wanted:
                    return


async def subscribed(address: str, watched: sub.EventSubscription) -> NotificationConsumer:
    """The consumer of a new subscription to one event."""
    async with open_channel(address, settings=ClientSettings()) as channel:
        response = await EventsSubscriptionServiceStub(channel).CreateEventsSubscription(
            pb.CreateEventsSubscriptionRequest(
                subscription=sub.EventsSubscription(
                    event_subscriptions=[watched], consumer_nf_id="test"
                )
            )
        )
    return NotificationConsumer(response.subscription.subscription_id, address)
