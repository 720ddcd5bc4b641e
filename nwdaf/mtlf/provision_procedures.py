"""Subscriptions to models, from Subscribe over Notify to Unsubscribe."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from nf_runtime.clock import Clock
from nf_runtime.errors import NotFound
from nwdaf.mtlf.ports import ProvisionedModel, Repository
from nwdaf.mtlf.provision import Provision
from nwdaf.mtlf.provision_subscriptions import ProvisionSubscription, WantedModel, admitted


class ProvisionSubscriptionStore(Protocol):
    """Keeps subscriptions.

    All but `create` raise NotFound (RESOURCE_NOT_FOUND) for an unknown one.
    """

    async def create(self, subscription: ProvisionSubscription) -> ProvisionSubscription:
        """The subscription with its id.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        ...

    async def get(self, subscription_id: str) -> ProvisionSubscription:
        """One subscription."""
        ...

    async def replace(self, subscription: ProvisionSubscription) -> None:
        """Put the subscription in the place of the one with its id."""
        ...

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription."""
        ...


@dataclass(frozen=True)
class ProvisionNotification:
    """`NwdafMLModelProvNotif`: one version, for every entry that it concerns."""

    subscription: ProvisionSubscription
    wanted: tuple[WantedModel, ...]
    model: ProvisionedModel


class ProvisionSubscribing:
    """Subscriptions that are stored, and the streams that serve them.

    A consumer that was away is told the version to use now when it comes back, not those between.

    Args:
        store: Keeps subscriptions.
        repository: Knows which models there are.
        provision: Knows which version to use, and when that changes.
        clock: For expiry.
    """

    def __init__(
        self,
        store: ProvisionSubscriptionStore,
        repository: Repository,
        provision: Provision,
        *,
        clock: Clock,
    ) -> None:
        self._store = store
        self._repository = repository
        self._provision = provision
        self._clock = clock
        self._changed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def subscribe(self, requested: ProvisionSubscription) -> ProvisionSubscription:
        """The subscription, with what of it is accepted.

        Raises:
            InvalidArgument, Unimplemented, FailedPrecondition: As `admitted`.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        return await self._store.create(await self._admitted(requested))

    async def modify(self, requested: ProvisionSubscription) -> ProvisionSubscription:
        """The subscription with new content; its streams begin anew.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            InvalidArgument, Unimplemented, FailedPrecondition: As `admitted`.
        """
        await self._store.get(requested.subscription_id)
        accepted = await self._admitted(requested)
        await self._store.replace(accepted)
        self._tell_streams(accepted.subscription_id)
        return accepted

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete the subscription; its streams end with NOT_FOUND."""
        await self._store.delete(subscription_id)
        self._tell_streams(subscription_id)

    async def watch(self, subscription_id: str) -> AsyncIterator[ProvisionNotification]:
        """The versions to use now, then each that takes a place, until all entries have expired.

        Raises:
            NotFound: RESOURCE_NOT_FOUND, also when the subscription is deleted meanwhile.
        """
        while True:
            changed = self._changed[subscription_id]
            try:
                subscription = await self._store.get(subscription_id)
            except NotFound:
                self._changed.pop(subscription_id, None)
                raise
            async for notification in self._until(subscription, changed):
                yield notification
            if not changed.is_set():
                return

    async def _until(
        self, subscription: ProvisionSubscription, changed: asyncio.Event
    ) -> AsyncIterator[ProvisionNotification]:
        """Notifications until the subscription has changed or expired."""
        models = self._provision.watch("")
        ends: set[asyncio.Future[Any]] = {asyncio.ensure_future(_ended(changed))}
        if subscription.end_time is not None:
            left_s = (subscription.end_time - self._clock.now()).total_seconds()
            ends.add(asyncio.ensure_future(self._clock.sleep(left_s)))
        told: defaultdict[WantedModel, set[str]] = defaultdict(set)
        try:
            while True:
                following = asyncio.ensure_future(anext(models))
                try:
                    await asyncio.wait(ends | {following}, return_when=asyncio.FIRST_COMPLETED)
                    if not following.done():
                        return
                    model = following.result()
                finally:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
                wanted = tuple(
                    each
                    for each in subscription.wanted
                    if each.wants(model, now=self._clock.now())
                    and _has_room(told[each], each.num_models, model.model_name)
                )
                for each in wanted:
                    told[each].add(model.model_name)
                if wanted:
                    yield ProvisionNotification(subscription, wanted, model)
        finally:
            for end in ends:
                end.cancel()

    async def _admitted(self, requested: ProvisionSubscription) -> ProvisionSubscription:
        models = await self._repository.models()
        return admitted(replace(requested, failures=()), models, now=self._clock.now())

    def _tell_streams(self, subscription_id: str) -> None:
        changed = self._changed.pop(subscription_id, None)
        if changed is not None:
            changed.set()


async def _ended(changed: asyncio.Event) -> None:
    await changed.wait()


def _has_room(told: set[str], num_models: int, model_name: str) -> bool:
    return not num_models or model_name in told or len(told) < num_models
