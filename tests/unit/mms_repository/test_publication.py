"""A version comes into being whole or not at all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakes.file_artifacts import MemoryArtifacts
from fakes.sql_models import MemoryModels
from support.mms_uploads import MODEL, AcceptAll, announced, bytes_of, files, publisher_on
from support.waiting import until

from mms_repository.models import Model
from mms_repository.publication import Publisher
from mms_repository.uploads import Chunk
from mms_repository.versions import StateChange, VersionState
from nf_runtime.clock import ManualClock
from nf_runtime.errors import (
    AlreadyExists,
    DataLoss,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
async def store(clock: ManualClock) -> MemoryModels:
    """Tables in which the model exists."""
    store = MemoryModels()
    await store.write(lambda writer: writer.add_model(Model(MODEL, "x", "", clock.now())))
    return store


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    """No bytes."""
    return MemoryArtifacts()


@pytest.fixture
def publisher(store: MemoryModels, artifacts: MemoryArtifacts, clock: ManualClock) -> Publisher:
    """A publisher that takes every format."""
    return publisher_on(store, artifacts, clock=clock)


def nothing_exists(store: MemoryModels, artifacts: MemoryArtifacts) -> bool:
    """Whether there is neither version, history, byte nor open upload."""
    tables = store.tables
    return not (tables.published or tables.entries or artifacts.blobs or artifacts.staged)


async def test_good_upload(
    publisher: Publisher, store: MemoryModels, artifacts: MemoryArtifacts
) -> None:
    """Version, bytes and one entry of history are there."""
    version = await publisher.publish(announced(files()), bytes_of(files(), chunk_bytes=10))
    assert version.version == 1
    assert set(artifacts.blobs.values()) == set(files().values())
    (positioned,) = store.tables.entries
    assert positioned.entry.change == StateChange(None, VersionState.REGISTERED)
    assert (positioned.entry.actor, positioned.entry.reason) == ("nwdaf.mtlf", "initial training")


async def test_wrong_digest(
    publisher: Publisher, store: MemoryModels, artifacts: MemoryArtifacts
) -> None:
    """Other bytes than announced leave nothing."""
    damaged = {name: bytes(len(content)) for name, content in files().items()}
    with pytest.raises(DataLoss):
        await publisher.publish(announced(files()), bytes_of(damaged))
    assert nothing_exists(store, artifacts)


async def test_refused_format(
    store: MemoryModels, artifacts: MemoryArtifacts, clock: ManualClock
) -> None:
    """The last of three files being refused leaves nothing of the other two."""
    checker = AcceptAll("model_card.json")
    publisher = publisher_on(store, artifacts, clock=clock, formats=checker)
    with pytest.raises(InvalidArgument) as caught:
        await publisher.publish(announced(files()), bytes_of(files()))
    assert caught.value.reason == "ARTIFACT_REFUSED"
    assert nothing_exists(store, artifacts)


async def test_cancelled_in_the_middle(
    publisher: Publisher, store: MemoryModels, artifacts: MemoryArtifacts
) -> None:
    """A client that goes away leaves nothing."""
    waiting = asyncio.Event()

    async def stalled() -> AsyncIterator[Chunk]:
        async for chunk in bytes_of(files(), chunk_bytes=100):
            yield chunk
            waiting.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(publisher.publish(announced(files()), stalled()))
    await waiting.wait()
    assert len(artifacts.staged) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert nothing_exists(store, artifacts)


async def test_repeated_request_takes_no_bytes(publisher: Publisher) -> None:
    """A repeated upload is answered before its first chunk is read."""
    upload = announced(files())
    first = await publisher.publish(upload, bytes_of(files()))

    async def unread() -> AsyncIterator[Chunk]:
        raise AssertionError("a chunk was asked for")
        yield

    assert await publisher.publish(upload, unread()) == first


async def test_reused_request(publisher: Publisher) -> None:
    """A request id belongs to one manifest."""
    await publisher.publish(announced(files(), request_id="r"), bytes_of(files()))
    other = files(note="other")
    with pytest.raises(AlreadyExists) as caught:
        await publisher.publish(announced(other, request_id="r"), bytes_of(other))
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_unknown_model(publisher: Publisher) -> None:
    """A version needs its model."""
    with pytest.raises(NotFound):
        await publisher.publish(announced(files(), model_name="unknown"), bytes_of(files()))


async def test_places_are_given_back(publisher: Publisher, artifacts: MemoryArtifacts) -> None:
    """Uploads at once are bounded; a finished or failed one makes room."""
    go_on = asyncio.Event()

    async def held(note: str) -> AsyncIterator[Chunk]:
        await go_on.wait()
        async for chunk in bytes_of(files(note=note)):
            yield chunk

    tasks = [
        asyncio.create_task(publisher.publish(announced(files(note=note)), held(note)))
        for note in ("a", "b")
    ]
    await until(lambda: len(artifacts.staged) == 2, what="two uploads in progress")
    with pytest.raises(ResourceExhausted) as caught:
        await publisher.publish(announced(files()), bytes_of(files()))
    assert caught.value.reason == "QUOTA_EXCEEDED"
    go_on.set()
    await asyncio.gather(*tasks)
    for _ in range(3):
        with pytest.raises(DataLoss):
            await publisher.publish(announced({"a.json": b"1"}), bytes_of({"a.json": b"2"}))
    assert (await publisher.publish(announced(files()), bytes_of(files()))).version == 3
