"""Registrations and subscriptions of ModelMonitor in the database."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from nf_runtime.database import Database
from nf_runtime.errors import AlreadyExists, NotFound, ResourceExhausted
from nwdaf.anlf.adapters.sql_tables import MODEL_USES, MONITOR_SUBSCRIPTIONS
from nwdaf.anlf.monitor_subscriptions import ModelUse, MonitorSubscription

_USE = MODEL_USES.c
_SUBSCRIPTION = MONITOR_SUBSCRIPTIONS.c


class SqlMonitorStore:
    """`nwdaf.anlf.monitor_procedures.MonitorStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        most: Registrations, and subscriptions, that are kept.
    """

    def __init__(self, database: Database, *, most: int) -> None:
        self._database = database
        self._most = most
        self._creating = asyncio.Lock()  # what is there is read before something is written

    async def register(self, use: ModelUse) -> ModelUse:
        """The registration with its id; the same one for the same use."""

        def work(connection: Connection) -> ModelUse:
            for known in _uses(connection):
                if replace(known, registration_id="") == replace(use, registration_id=""):
                    return known
                same_id = known.model_unique_id == use.model_unique_id
                same_version = (known.model_name, known.version) == (use.model_name, use.version)
                if same_id != same_version:
                    raise AlreadyExists(
                        f"model {known.model_unique_id} is version {known.version} of "
                        f"{known.model_name}; ask the model repository for the right id",
                        reason="RESOURCE_EXISTS",
                        resource=str(known.model_unique_id),
                    )
            self._check_room(connection, MODEL_USES)
            made = replace(use, registration_id=uuid.uuid4().hex)
            connection.execute(insert(MODEL_USES).values(**asdict(made)))
            return made

        async with self._creating:
            return await self._database.transact(work)

    async def deregister(self, registration_id: str) -> None:
        """Remove the registration."""
        removal = delete(MODEL_USES).where(_USE.registration_id == registration_id)
        await self._changed(removal, "registration", registration_id)

    async def uses(self) -> Sequence[ModelUse]:
        """All registrations, oldest first."""
        return await self._database.transact(_uses)

    async def create(self, subscription: MonitorSubscription) -> MonitorSubscription:
        """The subscription with its id."""
        made = replace(subscription, subscription_id=uuid.uuid4().hex)

        def work(connection: Connection) -> None:
            self._check_room(connection, MONITOR_SUBSCRIPTIONS)
            connection.execute(
                insert(MONITOR_SUBSCRIPTIONS).values(
                    subscription_id=made.subscription_id, content=_written(made)
                )
            )

        async with self._creating:
            await self._database.transact(work)
        return made

    async def get(self, subscription_id: str) -> MonitorSubscription:
        """One subscription."""
        query = select(_SUBSCRIPTION.content).where(
            _SUBSCRIPTION.subscription_id == subscription_id
        )
        content = await self._database.transact(lambda connection: connection.scalar(query))
        if content is None:
            raise _not_found("subscription", subscription_id)
        return msgspec.json.decode(content, type=MonitorSubscription)

    async def replace(self, subscription: MonitorSubscription) -> None:
        """Put the subscription in the place of the one with its id."""
        change = (
            update(MONITOR_SUBSCRIPTIONS)
            .where(_SUBSCRIPTION.subscription_id == subscription.subscription_id)
            .values(content=_written(subscription))
        )
        await self._changed(change, "subscription", subscription.subscription_id)

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription."""
        removal = delete(MONITOR_SUBSCRIPTIONS).where(
            _SUBSCRIPTION.subscription_id == subscription_id
        )
        await self._changed(removal, "subscription", subscription_id)

    async def _changed(self, statement: Any, kind: str, identity: str) -> None:
        count = await self._database.transact(
            lambda connection: connection.execute(statement).rowcount
        )
        if not count:
            raise _not_found(kind, identity)

    def _check_room(self, connection: Connection, table: Table) -> None:
        count = connection.scalar(select(func.count()).select_from(table)) or 0
        if count >= self._most:
            raise ResourceExhausted(
                f"there are {count} {table.name.replace('_', ' ')} already; remove one first",
                reason="QUOTA_EXCEEDED",
                limit=str(self._most),
            )


def _uses(connection: Connection) -> Sequence[ModelUse]:
    rows = connection.execute(select(MODEL_USES).order_by(_USE.position))
    return [
        ModelUse(
            model_unique_id=row.model_unique_id,
            model_name=row.model_name,
            version=row.version,
            consumer_nf_id=row.consumer_nf_id,
            registration_id=row.registration_id,
        )
        for row in rows
    ]


def _written(subscription: MonitorSubscription) -> str:
    return msgspec.json.encode(subscription).decode()


def _not_found(kind: str, identity: str) -> NotFound:
    return NotFound(
        f"there is no {kind} {identity}; make one first",
        reason="RESOURCE_NOT_FOUND",
        resource=identity,
    )
