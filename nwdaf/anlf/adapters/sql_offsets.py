"""Offsets of records that have no effect."""

from functools import partial

from nf_runtime.database import Database
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept


class SqlOffsetStore:
    """`nwdaf.anlf.ports.OffsetStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def skip(self, record: Record) -> None:
        """Store that the record is dealt with."""
        await self._database.transact(partial(accept, record=record))
