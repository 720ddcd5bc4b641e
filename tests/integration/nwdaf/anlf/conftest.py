"""The AnLF's database."""

from collections.abc import AsyncIterator

import pytest

from nf_runtime.database import Database
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.app import MIGRATIONS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open and empty, SQLite and PostgreSQL."""
    made = Database(database_url, METADATA, MIGRATIONS)
    await made.open()
    yield made
    await made.close()
