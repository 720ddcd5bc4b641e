"""Subscriptions as JSON documents in the database: those that are only kept and looked up."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
from sqlalchemy import Connection, Delete, Table, Update, delete, func, insert, select, update

from nf_runtime.database import Database
from nf_runtime.errors import NotFound, ResourceExhausted


class Document(Protocol):
    """A frozen dataclass with an id."""

    @property
    def subscription_id(self) -> str:
        """Given by the store."""
        ...


D = TypeVar("D", bound=Document)


class SqlDocuments(Generic[D]):
    """Subscriptions of one kind.

    Args:
        database: Open, with the table.
        table: Has the columns `subscription_id` and `content`.
        kind: What is kept in it.
        most: Subscriptions that are kept.
    """

    def __init__(self, database: Database, table: Table, kind: type[D], *, most: int) -> None:
        self._database = database
        self._table = table
        self._decoder = msgspec.json.Decoder(kind)
        self._most = most
        self._creating = asyncio.Lock()  # they are counted before one is written

    async def create(self, subscription: D) -> D:
        """The subscription with its id.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        made: D = replace(cast("Any", subscription), subscription_id=uuid.uuid4().hex)

        def work(connection: Connection) -> None:
            check_room(connection, self._table, self._most)
            connection.execute(
                insert(self._table).values(
                    subscription_id=made.subscription_id, content=_written(made)
                )
            )

        async with self._creating:
            await self._database.transact(work)
        return made

    async def get(self, subscription_id: str) -> D:
        """One subscription. NotFound if there is none."""
        columns = self._table.c
        query = select(columns.content).where(columns.subscription_id == subscription_id)
        content = await self._database.transact(lambda connection: connection.scalar(query))
        if content is None:
            raise not_found("subscription", subscription_id)
        return self._decoder.decode(content)

    async def replace(self, subscription: D) -> None:
        """Put the subscription in the place of the one with its id. NotFound as in `get`."""
        subscription_id = subscription.subscription_id
        change = update(self._table).values(content=_written(subscription))
        await self._change(change, subscription_id)

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription. NotFound as in `get`."""
        await self._change(delete(self._table), subscription_id)

    async def _change(self, change: Update | Delete, subscription_id: str) -> None:
        one = change.where(self._table.c.subscription_id == subscription_id)
        if not await self._database.transact(lambda connection: connection.execute(one).rowcount):
            raise not_found("subscription", subscription_id)


def check_room(connection: Connection, table: Table, most: int) -> None:
    """Returns when the table has room for one row more.

    Raises:
        ResourceExhausted: QUOTA_EXCEEDED.
    """
    count = connection.scalar(select(func.count()).select_from(table)) or 0
    if count >= most:
        raise ResourceExhausted(
            f"there are {count} {table.name.replace('_', ' ')} already; remove one first",
            reason="QUOTA_EXCEEDED",
            limit=str(most),
        )


def not_found(kind: str, identity: str) -> NotFound:
    """The error of an id that nothing has."""
    return NotFound(
        f"there is no {kind} {identity}; make one first",
        reason="RESOURCE_NOT_FOUND",
        resource=identity,
    )


def _written(subscription: Document) -> str:
    return msgspec.json.encode(subscription).decode()
