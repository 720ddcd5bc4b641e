"""At its start the OAM takes over from the repository which versions are in use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.oam_samples import MODEL, NOW, POLICY, reference

from nf_runtime.clock import SystemClock
from nf_runtime.database import Database
from oam.adapters.sql_store import SqlLifecycleStore
from oam.adapters.sql_tables import METADATA
from oam.app import MIGRATIONS
from oam.lifecycles import synchronised
from oam.ports import PublishedVersion, VersionState
from oam.procedures import LifecycleProcedures


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlLifecycleStore]:
    """A store in which version 2 decides and version 1 did before."""
    database = Database(f"sqlite:///{tmp_path / 'oam.db'}", METADATA, MIGRATIONS)
    await database.open()
    store = SqlLifecycleStore(database, clock=SystemClock())
    await store.open()
    await put_in_use(store, active=2, previous=1, day=1)
    yield store
    await database.close()


async def put_in_use(store: SqlLifecycleStore, *, active: int, previous: int, day: int) -> None:
    """Which version decides, and since which day."""
    await store.change(
        MODEL,
        partial(
            synchronised,
            active=reference(active),
            previous=reference(previous),
            policy=POLICY,
            now=NOW.replace(day=day),
        ),
    )


class Repository:
    """The aliases of one model, and what happens while they are on their way."""

    def __init__(
        self, aliases: Mapping[str, int], meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._aliases = aliases
        self._meanwhile = meanwhile

    async def aliases(self, model_name: str) -> Mapping[str, int]:
        """The aliases as they were before what happens meanwhile."""
        if self._meanwhile is not None:
            await self._meanwhile()
        return self._aliases

    async def version(self, model_name: str, version: int) -> PublishedVersion:
        """Any version."""
        return PublishedVersion(model=reference(version), state=VersionState.APPROVED)


async def synchronise(store: SqlLifecycleStore, repository: Any) -> int:
    """Version that decides after the OAM has asked the repository."""
    procedures = LifecycleProcedures(
        store=store, repository=repository, policy=POLICY, clock=SystemClock(), new_id=lambda: "a1"
    )
    await procedures.synchronise(asyncio.Event())
    return (await store.lifecycle(MODEL)).active.version


async def test_what_others_changed_is_taken_over(store: SqlLifecycleStore) -> None:
    """The repository is right about what was done while the OAM was away."""
    assert await synchronise(store, Repository({"champion": 3, "previous": 2})) == 3


async def test_an_answer_older_than_a_rollback_is_left(store: SqlLifecycleStore) -> None:
    """A rollback that ended while the answer was on its way is not undone by it."""
    rollback = partial(put_in_use, store, active=1, previous=2, day=2)
    assert await synchronise(store, Repository({"champion": 2, "previous": 1}, rollback)) == 1
