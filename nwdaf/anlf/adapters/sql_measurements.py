"""Recent measurements in the database."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from nf_runtime.database import Database
from nf_runtime.events.catalogue import BeamMeasurement, Measurement
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept
from nwdaf.anlf.adapters.sql_tables import MEASUREMENTS
from nwdaf.anlf.analytics import BeamSample

_FORGET_EVERY = 100


class SqlMeasurementStore:
    """`nwdaf.anlf.ports.MeasurementStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        retained: How many measurements are kept; older ones are forgotten.
    """

    def __init__(self, database: Database, *, retained: int) -> None:
        self._database = database
        self._retained = retained

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
            )
            .returning(MEASUREMENTS.c.position)
        ).scalar_one()
        if position % _FORGET_EVERY == 0:
            connection.execute(
                delete(MEASUREMENTS).where(MEASUREMENTS.c.position <= position - self._retained)
            )

    async def samples(self, window: timedelta) -> Sequence[BeamSample]:
        """Samples of the latest run within `window` of its latest one, in order of time."""
        columns = MEASUREMENTS.c

        def work(connection: Connection) -> Sequence[BeamSample]:
            run_id = connection.execute(
                select(columns.run_id).order_by(columns.position.desc()).limit(1)
            ).scalar()
            if run_id is None:
                return ()
            latest = connection.execute(
                select(func.max(columns.time)).where(columns.run_id == run_id)
            ).scalar_one()
            rows = connection.execute(
                select(MEASUREMENTS)
                .where(columns.run_id == run_id, columns.time >= latest - window)
                .order_by(columns.time)
            )
            return [
                BeamSample(
                    time=row.time,
                    beam_id=str(beam.beam_id),
                    sinr_db=beam.sinr_db,
                    rain_db=beam.rain_db,
                    doppler_hz=row.doppler_hz,
                    elevation_deg=row.elevation_deg,
                )
                for row in rows
                for beam in msgspec.json.decode(row.beams, type=list[BeamMeasurement])
            ]

        return await self._database.transact(work)
