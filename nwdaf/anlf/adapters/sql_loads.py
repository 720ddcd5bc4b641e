"""Recent loads of network functions in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from nf_runtime.database import Database
from nwdaf.anlf.adapters.sql_tables import LOADS
from nwdaf.anlf.analytics import LoadSample


class SqlLoadStore:
    """`nwdaf.anlf.ports.LoadStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        retention: How long samples are kept.
    """

    def __init__(self, database: Database, *, retention: timedelta) -> None:
        self._database = database
        self._retention = retention

    async def record(self, samples: Sequence[LoadSample]) -> None:
        """Keep the samples, and forget what is too old."""
        if not samples:
            return
        oldest = max(sample.time for sample in samples) - self._retention
        rows = [
            {
                "nf_instance_id": sample.nf_instance_id,
                "time": sample.time,
                "cpu_usage_percent": sample.cpu_usage_percent,
                "memory_usage_percent": sample.memory_usage_percent,
            }
            for sample in samples
        ]

        def work(connection: Connection) -> None:
            connection.execute(insert(LOADS), rows)
            connection.execute(delete(LOADS).where(LOADS.c.time < oldest))

        await self._database.transact(work)

    async def latest_time(self) -> datetime | None:
        """Wall-clock time of the latest sample; None without any."""
        query = select(func.max(LOADS.c.time))
        return await self._database.transact(lambda connection: connection.scalar(query))

    async def samples(self, start: datetime, end: datetime) -> Sequence[LoadSample]:
        """Samples from `start` to `end`, both included, in order of time."""
        query = select(LOADS).where(LOADS.c.time.between(start, end)).order_by(LOADS.c.time)
        rows = await self._database.transact(lambda connection: connection.execute(query).all())
        return [
            LoadSample(
                time=row.time,
                nf_instance_id=row.nf_instance_id,
                cpu_usage_percent=row.cpu_usage_percent,
                memory_usage_percent=row.memory_usage_percent,
            )
            for row in rows
        ]
