"""Subscriptions to models in the database."""

import asyncio
import uuid
from dataclasses import replace

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from nf_runtime.database import Database
from nf_runtime.errors import NotFound, ResourceExhausted
from nwdaf.mtlf.adapters.sql_tables import PROVISION_SUBSCRIPTIONS
from nwdaf.mtlf.provision_subscriptions import ProvisionSubscription

_COLUMNS = PROVISION_SUBSCRIPTIONS.c


class SqlProvisionSubscriptionStore:
    """`nwdaf.mtlf.provision_procedures.ProvisionSubscriptionStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        most: Subscriptions that are kept.
    """

    def __init__(self, database: Database, *, most: int) -> None:
        self._database = database
        self._most = most
        self._creating = asyncio.Lock()  # they are counted before one is written

    async def create(self, subscription: ProvisionSubscription) -> ProvisionSubscription:
        """The subscription with its id."""
        made = replace(subscription, subscription_id=uuid.uuid4().hex)

        def work(connection: Connection) -> None:
            count = connection.scalar(select(func.count()).select_from(PROVISION_SUBSCRIPTIONS))
            if (count or 0) >= self._most:
                raise ResourceExhausted(
                    f"there are {count} subscriptions to models already; delete one first",
                    reason="QUOTA_EXCEEDED",
                    limit=str(self._most),
                )
            connection.execute(
                insert(PROVISION_SUBSCRIPTIONS).values(
                    subscription_id=made.subscription_id, content=_written(made)
                )
            )

        async with self._creating:
            await self._database.transact(work)
        return made

    async def get(self, subscription_id: str) -> ProvisionSubscription:
        """One subscription."""
        query = select(_COLUMNS.content).where(_COLUMNS.subscription_id == subscription_id)
        content = await self._database.transact(lambda connection: connection.scalar(query))
        if content is None:
            raise _not_found(subscription_id)
        return msgspec.json.decode(content, type=ProvisionSubscription)

    async def replace(self, subscription: ProvisionSubscription) -> None:
        """Put the subscription in the place of the one with its id."""
        change = (
            update(PROVISION_SUBSCRIPTIONS)
            .where(_COLUMNS.subscription_id == subscription.subscription_id)
            .values(content=_written(subscription))
        )
        changed = await self._database.transact(
            lambda connection: connection.execute(change).rowcount
        )
        if not changed:
            raise _not_found(subscription.subscription_id)

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription."""
        removal = delete(PROVISION_SUBSCRIPTIONS).where(_COLUMNS.subscription_id == subscription_id)
        removed = await self._database.transact(
            lambda connection: connection.execute(removal).rowcount
        )
        if not removed:
            raise _not_found(subscription_id)


def _written(subscription: ProvisionSubscription) -> str:
    return msgspec.json.encode(subscription).decode()


def _not_found(subscription_id: str) -> NotFound:
    return NotFound(
        f"there is no subscription {subscription_id}; subscribe first",
        reason="RESOURCE_NOT_FOUND",
        resource=subscription_id,
    )
