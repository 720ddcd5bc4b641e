"""Registrations and subscriptions of ModelMonitor in the database."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection, delete, insert, select

from nf_runtime.database import Database
from nf_runtime.errors import AlreadyExists
from nwdaf.anlf.adapters.sql_tables import MODEL_USES, MONITOR_SUBSCRIPTIONS
from nwdaf.anlf.monitor_subscriptions import ModelUse, MonitorSubscription
from nwdaf.sql_documents import SqlDocuments, check_room, not_found

_USE = MODEL_USES.c


class SqlMonitorStore(SqlDocuments[MonitorSubscription]):
    """`nwdaf.anlf.monitor_procedures.MonitorStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        most: Registrations, and subscriptions, that are kept.
    """

    def __init__(self, database: Database, *, most: int) -> None:
        super().__init__(database, MONITOR_SUBSCRIPTIONS, MonitorSubscription, most=most)

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
            check_room(connection, MODEL_USES, self._most)
            made = replace(use, registration_id=uuid.uuid4().hex)
            connection.execute(insert(MODEL_USES).values(**asdict(made)))
            return made

        async with self._creating:
            return await self._database.transact(work)

    async def deregister(self, registration_id: str) -> None:
        """Remove the registration."""
        removal = delete(MODEL_USES).where(_USE.registration_id == registration_id)
        if not await self._database.transact(
            lambda connection: connection.execute(removal).rowcount
        ):
            raise not_found("registration", registration_id)

    async def uses(self) -> Sequence[ModelUse]:
        """All registrations, oldest first."""
        return await self._database.transact(_uses)


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
