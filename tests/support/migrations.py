"""Checks that the tables in the code and the migrations' head are the same."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

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
