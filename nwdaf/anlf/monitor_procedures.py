"""Registrations and subscriptions of ModelMonitor, from Register over Notify to Unsubscribe."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nf_runtime.errors import NotFound
from nwdaf.anlf.accuracy import ModelAccuracy
from nwdaf.anlf.monitor_subscriptions import (
    ModelUse,
    MonitorSubscription,
    ReportFilter,
    check_subscription,
    check_use,
)
from nwdaf.anlf.monitoring import DecisionReport, Monitoring


class MonitorStore(Protocol):
    """Keeps registrations and subscriptions.

    What names one of them raises NotFound (RESOURCE_NOT_FOUND) where there is none.
    """

    async def register(self, use: ModelUse) -> ModelUse:
        """The registration with its id; the same one for the same use.

        Raises:
            AlreadyExists: RESOURCE_EXISTS when the id stands for another version.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        ...

    async def deregister(self, registration_id: str) -> None:
        """Remove the registration."""
        ...

    async def uses(self) -> Sequence[ModelUse]:
        """All registrations, oldest first."""
        ...

    async def create(self, subscription: MonitorSubscription) -> MonitorSubscription:
        """The subscription with its id.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        ...

    async def get(self, subscription_id: str) -> MonitorSubscription:
        """One subscription."""
        ...

    async def replace(self, subscription: MonitorSubscription) -> None:
        """Put the subscription in the place of the one with its id."""
        ...

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription."""
        ...


@dataclass(frozen=True)
class MonitorNotification:
    """`MLModelMonitorNotify` about one model; `report` is None for what was known before."""

    subscription: MonitorSubscription
    model_id: int
    accuracy: ModelAccuracy
    report: DecisionReport | None


class ModelMonitoring:
    """Nnwdaf_MLModelMonitor.

    Args:
        store: Keeps registrations and subscriptions.
        monitoring: Tells of decisions.
    """

    def __init__(self, store: MonitorStore, monitoring: Monitoring) -> None:
        self._store = store
        self._monitoring = monitoring
        self._changed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def register(self, use: ModelUse) -> ModelUse:
        """The registration. Raises as `check_use` and `MonitorStore.register`."""
        check_use(use)
        return await self._store.register(use)

    async def deregister(self, registration_id: str) -> None:
        """The consumer does not use the model any more. NotFound."""
        await self._store.deregister(registration_id)

    async def uses(self) -> Sequence[ModelUse]:
        """All registrations, oldest first."""
        return await self._store.uses()

    async def subscribe(self, subscription: MonitorSubscription) -> MonitorSubscription:
        """The subscription.

        Raises:
            NotFound: RESOURCE_NOT_FOUND for a model that nobody registered.
            InvalidArgument, Unimplemented: As `check_subscription`.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        await self._check(subscription)
        return await self._store.create(subscription)

    async def modify(self, subscription: MonitorSubscription) -> MonitorSubscription:
        """The subscription with new content; its streams begin anew. Raises as `subscribe`."""
        await self._store.get(subscription.subscription_id)
        await self._check(subscription)
        await self._store.replace(subscription)
        self._tell_streams(subscription.subscription_id)
        return subscription

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete the subscription; its streams end with NOT_FOUND."""
        await self._store.delete(subscription_id)
        self._tell_streams(subscription_id)

    async def watch(self, subscription_id: str) -> AsyncIterator[MonitorNotification]:
        """What is known, if asked for, then each report that is due.

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

    async def _until(
        self, subscription: MonitorSubscription, changed: asyncio.Event
    ) -> AsyncIterator[MonitorNotification]:
        due = ReportFilter(subscription)
        reports = self._monitoring.reports()
        ending: asyncio.Future[Any] = asyncio.ensure_future(changed.wait())
        following: asyncio.Future[Any] = asyncio.ensure_future(anext(reports))
        try:
            if subscription.imm_reports:
                async for known in self._known(subscription, due):
                    yield known
            while True:
                await asyncio.wait({following, ending}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    return
                report = following.result()
                following = asyncio.ensure_future(anext(reports))
                accuracy = report.accuracy
                model_id = await self._id_of(accuracy.model_name, accuracy.version)
                if model_id is not None and due.is_due(
                    model_id, accuracy.deviation_percent, accuracy.update_time
                ):
                    yield MonitorNotification(subscription, model_id, accuracy, report)
        finally:
            for future in (ending, following):
                future.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _known(
        self, subscription: MonitorSubscription, due: ReportFilter
    ) -> AsyncIterator[MonitorNotification]:
        for use in await self._store.uses():
            try:
                accuracy = await self._monitoring.accuracy(use.model_name, use.version)
            except NotFound:
                continue
            if due.is_due(use.model_unique_id, accuracy.deviation_percent, accuracy.update_time):
                yield MonitorNotification(subscription, use.model_unique_id, accuracy, None)

    async def _check(self, subscription: MonitorSubscription) -> None:
        check_subscription(subscription)
        known = {use.model_unique_id for use in await self._store.uses()}
        for model_id in subscription.model_ids:
            if model_id not in known:
                raise NotFound(
                    f"nobody has registered model {model_id}; register its use first",
                    reason="RESOURCE_NOT_FOUND",
                    resource=str(model_id),
                )

    async def _id_of(self, model_name: str, version: int) -> int | None:
        for use in await self._store.uses():
            if (use.model_name, use.version) == (model_name, version):
                return use.model_unique_id
        return None

    def _tell_streams(self, subscription_id: str) -> None:
        changed = self._changed.pop(subscription_id, None)
        if changed is not None:
            changed.set()
