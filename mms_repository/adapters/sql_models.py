"""Models, versions, aliases and history in a database: SQLite or PostgreSQL."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, text

from mms_repository.adapters.known_versions import KnownVersions
from mms_repository.adapters.sql_reader import SqlReader
from mms_repository.adapters.sql_writer import SqlWriter
from mms_repository.completion import run_to_completion
from mms_repository.ports import ModelReader, ModelWriter
from nf_runtime.database import Database
from nf_runtime.tracing import current_traceparent

MIGRATIONS = "mms_repository.adapters.migrations"

T = TypeVar("T")


class SqlModels:
    """The tables of `tables`, behind the port `ModelStore`.

    Args:
        database: Opened and closed by the caller.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Condition()
        self._last_position = 0
        self._known = KnownVersions()

    async def open(self) -> None:
        """Learn where the history ends; call it once the database is open."""
        self._last_position = await self.read(lambda reader: reader.last_position())

    async def read(self, work: Callable[[ModelReader], T]) -> T:
        """What `work` returns."""
        return await self._database.transact(partial(_read, work, self._known))

    async def write(self, work: Callable[[ModelWriter], T]) -> T:
        """What `work` returns, once its changes are committed."""
        return await run_to_completion(self._write(work))

    async def wait_for_change(self, after: int) -> int:
        """The position of the last change, as soon as it is beyond `after`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._last_position > after)
            return self._last_position

    async def _write(self, work: Callable[[ModelWriter], T]) -> T:
        # The trace belongs to this task; the transaction runs in another thread.
        result, position = await self._database.transact(
            partial(_write, work, current_traceparent())
        )
        async with self._changed:
            self._last_position = max(self._last_position, position)
            self._changed.notify_all()
        return result


def _read(work: Callable[[ModelReader], T], known: KnownVersions, connection: Connection) -> T:
    if connection.dialect.name == "postgresql":
        # A version and its figures come from several queries, which must see the same moment.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    return work(SqlReader(connection, known))


def _write(
    work: Callable[[ModelWriter], T], traceparent: str | None, connection: Connection
) -> tuple[T, int]:
    writer = SqlWriter(connection, traceparent)
    result = work(writer)
    writer.finish()
    return result, writer.last_position()
