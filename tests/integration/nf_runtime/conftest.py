"""An open database of each kind."""

from collections.abc import AsyncIterator

import pytest
from support.thing_nf.tables import MIGRATIONS, metadata

from nf_runtime.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The tables of `support.thing_nf.tables`, migrated to head."""
    database = Database(database_url, metadata, MIGRATIONS)
    await database.open()
    yield database
    await database.close()
