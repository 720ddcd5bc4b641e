"""What the repository forgets, and what it never does."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from fakes.file_artifacts import MemoryArtifacts
from fakes.sql_models import MemoryModels
from support.mms_uploads import MODEL, announced, bytes_of, files, publisher_on
from support.waiting import until

from mms_repository.housekeeping import Gate, Housekeeper, Retention
from mms_repository.lookups import VersionKey
from mms_repository.models import Model
from mms_repository.procedures import Author, ModelRepository
from nf_runtime.clock import ManualClock
from nf_runtime.errors import Unavailable

AUTHOR = Author("test", "because")


@pytest.fixture
def clock() -> ManualClock:
    """Time stands still."""
    return ManualClock()


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    """An empty store of bytes."""
    return MemoryArtifacts()


@pytest.fixture
async def store(clock: ManualClock) -> MemoryModels:
    """The model exists, without versions."""
    store = MemoryModels()
    await store.write(lambda writer: writer.add_model(Model(MODEL, "x", "", clock.now())))
    return store


def housekeeper_on(
    store: MemoryModels,
    artifacts: MemoryArtifacts,
    clock: ManualClock,
    *,
    archived_s: float | None = None,
) -> Housekeeper:
    """One that keeps orphans for a minute and sweeps every ten."""
    retention = Retention(orphan_s=60, upload_s=60, archived_s=archived_s, period_s=600)
    return Housekeeper(
        store=store, artifacts=artifacts, gate=Gate(), retention=retention, clock=clock
    )


async def test_failing_store_leaves_orphans_that_are_removed(
    artifacts: MemoryArtifacts, store: MemoryModels, clock: ManualClock
) -> None:
    """Bytes whose version could not be written are cleared, those of versions are kept."""

    class FailingModels(MemoryModels):
        async def write(self, work: object) -> object:  # type: ignore[override]
            raise Unavailable("gone", reason="PEER_UNAVAILABLE", peer="database")

    kept = await publisher_on(store, artifacts, clock=clock).publish(
        announced(files(note="kept")), bytes_of(files(note="kept"))
    )
    failing = FailingModels()
    failing.tables = store.tables
    with pytest.raises(Unavailable):
        await publisher_on(failing, artifacts, clock=clock).publish(
            announced(files(note="lost")), bytes_of(files(note="lost"))
        )
    assert len(artifacts.blobs) == 4
    assert await housekeeper_on(store, artifacts, clock).sweep() == 1
    assert set(artifacts.blobs) == {a.sha256 for a in kept.manifest.artifacts}


async def test_young_orphans_stay(
    artifacts: MemoryArtifacts, store: MemoryModels, clock: ManualClock
) -> None:
    """What was stored within the grace may still get its version."""
    artifacts.blobs = {"old": b"", "young": b""}
    artifacts.stored = {
        "old": clock.now() - timedelta(seconds=61),
        "young": clock.now() - timedelta(seconds=59),
    }
    assert await housekeeper_on(store, artifacts, clock).sweep() == 1
    assert list(artifacts.blobs) == ["young"]


async def test_archived_bytes_go_after_their_time(
    artifacts: MemoryArtifacts, store: MemoryModels, clock: ManualClock
) -> None:
    """The version stays known; without a time set, its bytes stay as well."""
    await publisher_on(store, artifacts, clock=clock).publish(announced(files()), bytes_of(files()))
    repository = ModelRepository(store=store, artifacts=artifacts, clock=clock)
    await repository.archive(VersionKey(MODEL, 1), AUTHOR)
    await clock.advance(100)
    assert await housekeeper_on(store, artifacts, clock).sweep() == 0
    assert await housekeeper_on(store, artifacts, clock, archived_s=100).sweep() == 0
    assert await housekeeper_on(store, artifacts, clock, archived_s=99).sweep() == 3
    assert artifacts.blobs == {}
    assert (await repository.get_version(VersionKey(MODEL, 1))).state == "ARCHIVED"


async def test_sweeps_again_and_again(
    artifacts: MemoryArtifacts, store: MemoryModels, clock: ManualClock
) -> None:
    """Every period until told to stop; a store that is away is swept the next time."""

    class AwayOnce(MemoryArtifacts):
        calls = 0

        async def digests_before(self, time: object) -> Sequence[str]:
            self.calls += 1
            if self.calls == 1:
                raise Unavailable("away", reason="PEER_UNAVAILABLE", peer="bucket")
            return list(self.blobs)

    away = AwayOnce()
    away.blobs = {"orphan": b""}
    stop = asyncio.Event()
    running = asyncio.create_task(housekeeper_on(store, away, clock).run(stop))
    for calls in (1, 2):
        await until(lambda: clock.sleeper_count == 1, what="the pause between sweeps")
        await clock.advance(600)
        assert away.calls == calls
    assert away.blobs == {}
    stop.set()
    await running


async def test_sweep_and_publication_never_overlap() -> None:
    """A sweep waits for those that pass, and who comes later waits for the sweep."""
    gate = Gate()
    seen: list[str] = []
    first_may_end = asyncio.Event()

    async def pass_through(name: str, may_end: asyncio.Event) -> None:
        async with gate.together():
            seen.append(f"{name} in")
            await may_end.wait()
            seen.append(f"{name} out")

    async def sweep() -> None:
        async with gate.alone():
            seen.append("sweep")

    free = asyncio.Event()
    free.set()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pass_through("first", first_may_end))
        await asyncio.sleep(0)
        tasks.create_task(sweep())
        for _ in range(3):
            await asyncio.sleep(0)
        tasks.create_task(pass_through("second", free))
        for _ in range(3):
            await asyncio.sleep(0)
        first_may_end.set()
    assert seen == ["first in", "first out", "sweep", "second in", "second out"]


async def test_a_sweep_that_is_given_up_opens_the_gate() -> None:
    """Cancelled while it waits, it blocks nobody."""
    gate = Gate()
    async with gate.together():
        sweep = asyncio.create_task(gate.alone().__aenter__())
        for _ in range(3):
            await asyncio.sleep(0)
        sweep.cancel()
        await asyncio.wait({sweep})
        async with gate.together():
            pass
