# ruff: noqa: D102 - the ports describe them
"""The AnLF's stores of subscriptions and notifications in memory, as far as delivery needs them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nf_runtime.errors import NotFound
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.subscriptions import Subscription


@dataclass
class MemoryStore:
    """Both stores; `add` does what a matching trigger does."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    stored: dict[str, list[Notification]] = field(default_factory=dict)
    reads: int = 0

    def put(self, subscription: Subscription) -> None:
        self.subscriptions[subscription.subscription_id] = subscription
        self.stored.setdefault(subscription.subscription_id, [])

    def add(self, notification: Notification) -> None:
        subscription_id = notification.subscription_id
        self.stored[subscription_id].append(notification)
        self.subscriptions[subscription_id] = replace(
            self.subscriptions[subscription_id], report_count=notification.sequence
        )

    async def get(self, subscription_id: str) -> Subscription:
        if subscription_id not in self.subscriptions:
            raise NotFound("gone", reason="RESOURCE_NOT_FOUND", resource=subscription_id)
        return self.subscriptions[subscription_id]

    async def notifications(
        self, subscription_id: str, *, after: int, size: int
    ) -> Sequence[Notification]:
        self.reads += 1
        later = [n for n in self.stored.get(subscription_id, []) if n.sequence > after]
        return later[:size]
