"""Checks that the tables in the code and the migrations' head are the same."""

import importlib
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from nf_runtime.database import Database


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


def migrate(connection: Connection, migrations: str, revision: str) -> None:
    """Bring an empty database to a revision before the head, as an older program left it."""
    package = importlib.import_module(migrations)
    script = ScriptDirectory(str(Path(next(iter(package.__path__)))))
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for step in reversed(list(script.walk_revisions("base", revision))):
            step.module.upgrade()
    context._ensure_version_table()
    connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:revision)"), {"revision": revision}
    )
