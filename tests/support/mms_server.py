"""The model repository in the process of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mms_repository.app import database_of, repository_on
from mms_repository.config import MmsSettings
from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.server import NfServer


@asynccontextmanager
async def opened(
    settings: MmsSettings, *, clock: Clock
) -> AsyncIterator[tuple[NfServer, Database]]:
    """The server, ready to start, and the database whose outbox it fills; closed at the end."""
    database = database_of(settings)
    try:
        await database.open()
        async with repository_on(database, settings, clock=clock) as (server, _):
            yield server, database
    finally:
        await database.close()
