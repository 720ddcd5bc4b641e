"""The candidate beside the active model in the database."""

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from inference_nf.adapters.sql_tables import shadow
from inference_nf.comparison import Comparison
from inference_nf.releases import ModelKey
from nf_runtime.database import Database


class SqlShadow:
    """Keeps one comparison, or none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shadow(self) -> Comparison | None:
        """What was saved last; None at first."""
        return await self._database.transact(_read)

    async def save_shadow(self, comparison: Comparison | None) -> None:
        """Keep it in place of the one before."""
        await self._database.transact(lambda connection: _write(connection, comparison))


def _read(connection: Connection) -> Comparison | None:
    row = connection.execute(select(shadow)).mappings().one_or_none()
    if row is None:
        return None
    values = dict(row)
    key = ModelKey(values.pop("model_name"), values.pop("model_version"))
    return Comparison(key=key, **values)


def _write(connection: Connection, comparison: Comparison | None) -> None:
    connection.execute(delete(shadow))
    if comparison is None:
        return
    values = asdict(comparison)
    values |= {"model_name": comparison.key.name, "model_version": comparison.key.version}
    del values["key"]
    connection.execute(insert(shadow).values(values))
