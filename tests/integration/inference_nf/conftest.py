"""Databases of the inference function."""

from collections.abc import AsyncIterator

import pytest

from inference_nf.adapters.sql_tables import metadata
from inference_nf.app import MIGRATIONS
from nf_runtime.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, of either kind."""
    database = Database(database_url, metadata, MIGRATIONS)
    await database.open()
    yield database
    await database.close()
