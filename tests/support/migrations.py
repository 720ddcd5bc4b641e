"""Migrations: their head against the tables in the code, and databases of earlier releases."""

import importlib
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from nf_runtime.database import Database


def upgrade_to(connection: Connection, migrations: str, revision: str) -> None:
    """Bring an empty database to an earlier revision, as an earlier release left it."""
    script = ScriptDirectory(str(Path(str(importlib.import_module(migrations).__file__)).parent))

    def revisions(current: Any, _context: Any) -> Any:
        return script._upgrade_revs(revision, current)

    with EnvironmentContext(Config(), script, fn=revisions) as environment:
        environment.configure(connection=connection, render_as_batch=True)
        environment.run_migrations()


async def assert_migrations_match(url: str, metadata: MetaData, migrations: str) -> None:
    """Fail with the differences unless an empty database, migrated to head, has `metadata`.

    Args:
        url: Of an empty database, e.g. the fixture ``database_url``.
        metadata: The tables as the adapters use them.
        migrations: Package that holds ``versions/``, e.g. ``mms_repository.adapters.migrations``.
    """
    database = Database(url, metadata, migrations)
    await database.open()
    try:
        differences = await database.transact(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), metadata
            )
        )
    finally:
        await database.close()
    assert differences == [], "the migrations' head differs from the tables in the code"
