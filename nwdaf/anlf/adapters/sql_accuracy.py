"""The recent decisions of each model version in the database."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from nf_runtime.database import Database
from nf_runtime.errors import NotFound
from nf_runtime.events.catalogue import Decision
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept
from nwdaf.anlf.accuracy import (
    DecisionOutcome,
    DecisionWindow,
    ModelAccuracy,
    accuracy_of,
)
from nwdaf.anlf.adapters.sql_tables import DECISIONS


class SqlAccuracyStore:
    """`nwdaf.anlf.ports.AccuracyStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        window_decisions: How many decisions of a version count; older ones are forgotten.
    """

    def __init__(self, database: Database, *, window_decisions: int) -> None:
        self._database = database
        self._window_decisions = window_decisions

    async def record_decision(self, record: Record) -> ModelAccuracy | None:
        """The accuracy of the version after its decision; None for a decision that is not new."""

        def work(connection: Connection) -> ModelAccuracy | None:
            if not accept(connection, record) or record.event is None:
                return None
            report = record.event.data
            if not isinstance(report, Decision):
                raise TypeError(f"{record.event.type} is no decision")
            outcome = DecisionOutcome.from_report(report)
            connection.execute(
                insert(DECISIONS).values(
                    model_name=report.model_name,
                    model_version=report.model_version,
                    predicted_bps_hz=outcome.predicted_bps_hz,
                    achieved_bps_hz=outcome.achieved_bps_hz,
                    gain_bps_hz=outcome.gain_bps_hz,
                    reliability=outcome.reliability,
                    applied_time=outcome.applied_time,
                )
            )
            self._forget(connection, report.model_name, report.model_version)
            return _accuracy(connection, report.model_name, report.model_version)

        return await self._database.transact(work)

    async def accuracy(self, model_name: str, version: int) -> ModelAccuracy:
        """The accuracy of a version; 0: of the one that decided last."""

        def work(connection: Connection) -> ModelAccuracy:
            latest = connection.execute(
                select(DECISIONS.c.model_version)
                .where(DECISIONS.c.model_name == model_name)
                .order_by(DECISIONS.c.position.desc())
                .limit(1)
            ).scalar()
            accuracy = _accuracy(connection, model_name, version or latest or 0)
            if accuracy is None:
                which = f"version {version} of model" if version else "model"
                raise NotFound(
                    f"no decision of {which} {model_name} was reported yet",
                    reason="UNAVAILABLE_DATA",
                    model_name=model_name,
                    version=str(version),
                )
            return accuracy

        return await self._database.transact(work)

    async def latest_window(self) -> DecisionWindow | None:
        """The kept outcomes of the version that decided last; None without any."""
        columns = DECISIONS.c
        latest = (
            select(columns.model_name, columns.model_version, columns.position)
            .order_by(columns.position.desc())
            .limit(1)
        )

        def work(connection: Connection) -> DecisionWindow | None:
            row = connection.execute(latest).first()
            if row is None:
                return None
            window = _window(connection, row.model_name, row.model_version)
            return DecisionWindow(row.model_name, row.model_version, row.position, window)

        return await self._database.transact(work)

    def _forget(self, connection: Connection, model_name: str, version: int) -> None:
        too_old = (
            select(DECISIONS.c.position)
            .where(DECISIONS.c.model_name == model_name, DECISIONS.c.model_version == version)
            .order_by(DECISIONS.c.position.desc())
            .limit(1)
            .offset(self._window_decisions)
        )
        last_forgotten = connection.execute(too_old).scalar()
        if last_forgotten is not None:
            connection.execute(
                delete(DECISIONS).where(
                    DECISIONS.c.model_name == model_name,
                    DECISIONS.c.model_version == version,
                    DECISIONS.c.position <= last_forgotten,
                )
            )


def _accuracy(connection: Connection, model_name: str, version: int) -> ModelAccuracy | None:
    window = _window(connection, model_name, version)
    return accuracy_of(model_name, version, window) if window else None


def _window(connection: Connection, model_name: str, version: int) -> Sequence[DecisionOutcome]:
    rows = connection.execute(
        select(DECISIONS)
        .where(DECISIONS.c.model_name == model_name, DECISIONS.c.model_version == version)
        .order_by(DECISIONS.c.position)
    )
    return [
        DecisionOutcome(
            predicted_bps_hz=row.predicted_bps_hz,
            achieved_bps_hz=row.achieved_bps_hz,
            gain_bps_hz=row.gain_bps_hz,
            reliability=row.reliability,
            applied_time=row.applied_time,
        )
        for row in rows
    ]
