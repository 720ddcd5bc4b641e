"""Recent measurements in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, or_, select

from nf_runtime.database import Database
from nf_runtime.events.catalogue import BeamMeasurement, Measurement
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept
from nwdaf.anlf.adapters.sql_tables import MEASUREMENTS
from nwdaf.anlf.analytics import BeamSample

_FORGET_EVERY = 100

_LATEST_RUN = select(MEASUREMENTS.c.run_id).order_by(MEASUREMENTS.c.position.desc()).limit(1)


class SqlMeasurementStore:
    """`nwdaf.anlf.ports.MeasurementStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        retained: How many measurements are kept; older ones are forgotten.
        retention: How long they are kept, in simulated time of their run.
    """

    def __init__(self, database: Database, *, retained: int, retention: timedelta) -> None:
        self._database = database
        self._retained = retained
        self._retention = retention

    async def record_measurement(self, record: Record) -> None:
        """Keep the measurement of the record."""

        def work(connection: Connection) -> None:
            if accept(connection, record):
                self.keep(connection, record)

        await self._database.transact(work)

    def keep(self, connection: Connection, record: Record) -> None:
        """The same in the caller's transaction, of a record that is new; nothing for others."""
        if record.event is None or not isinstance(record.event.data, Measurement):
            return
        data = record.event.data
        position: int = connection.execute(
            insert(MEASUREMENTS)
            .values(
                run_id=data.run_id,
                time=record.event.time,
                elevation_deg=data.elevation_deg,
                doppler_hz=data.doppler_hz,
                beams=msgspec.json.encode(data.beams).decode(),
                satellite_id=data.satellite_id,
                range_km=data.range_km,
            )
            .returning(MEASUREMENTS.c.position)
        ).scalar_one()
        if position % _FORGET_EVERY == 0:
            self._forget(connection, position, data.run_id, record.event.time)

    async def latest_time(self) -> datetime | None:
        """Simulated time of the latest measurement of the latest run; None without any."""
        latest = select(func.max(MEASUREMENTS.c.time)).where(
            MEASUREMENTS.c.run_id == _LATEST_RUN.scalar_subquery()
        )
        return await self._database.transact(lambda connection: connection.scalar(latest))

    async def samples(self, start: datetime, end: datetime) -> Sequence[BeamSample]:
        """Samples of the latest run from `start` to `end`, both included, in order of time."""
        columns = MEASUREMENTS.c
        query = (
            select(MEASUREMENTS)
            .where(
                columns.run_id == _LATEST_RUN.scalar_subquery(),
                columns.time.between(start, end),
                columns.range_km.is_not(None),
            )
            .order_by(columns.time)
        )
        rows = await self._database.transact(lambda connection: connection.execute(query).all())
        return [
            BeamSample(
                time=row.time,
                beam_id=str(beam.beam_id),
                sinr_db=beam.sinr_db,
                rain_db=beam.rain_db,
                doppler_hz=row.doppler_hz,
                elevation_deg=row.elevation_deg,
                range_km=row.range_km,
                satellite_id=row.satellite_id,
            )
            for row in rows
            for beam in msgspec.json.decode(row.beams, type=list[BeamMeasurement])
        ]

    def _forget(self, connection: Connection, position: int, run_id: str, now: datetime) -> None:
        columns = MEASUREMENTS.c
        too_many = columns.position <= position - self._retained
        too_old = and_(columns.run_id == run_id, columns.time < now - self._retention)
        connection.execute(delete(MEASUREMENTS).where(or_(too_many, too_old)))
