"""`kill -9` at any point of an upload: after the next start the version is there, or nothing is."""

import asyncio
import hashlib
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.mms_process import MmsProcess
from support.mms_uploads import MODEL, files, publish, upload_of
from support.waiting import until

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.errors import NfError

pytestmark = pytest.mark.slow

CHUNK_BYTES = 64 * 1024
CONTENTS = files(weight_count=300_000)
DIGESTS = {hashlib.sha256(content).hexdigest() for content in CONTENTS.values()}


@pytest.fixture
async def repository(tmp_path: Path, database_url: str) -> AsyncIterator[MmsProcess]:
    """A running repository in which the model exists."""
    process = MmsProcess(tmp_path, database_url)
    process.start()
    async with process.stub() as stub:
        model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
        await stub.CreateModel(pb.CreateModelRequest(model=model))
    yield process
    process.kill()


@asynccontextmanager
async def unfinished_upload(
    repository: MmsProcess, messages: list[pb.UploadModelVersionRequest]
) -> AsyncIterator[Any]:
    """An upload that has sent these messages and neither ended nor given up."""
    async with repository.stub() as stub:
        call = stub.UploadModelVersion()
        for message in messages:
            await call.write(message)
        yield call
        call.cancel()


async def versions_of(stub: Any) -> list[model_pb2.ModelVersion]:
    """All versions of the model."""
    response = await stub.ListModelVersions(pb.ListModelVersionsRequest(model_name=MODEL))
    return list(response.model_versions)


async def assert_whole_or_nothing(repository: MmsProcess) -> int:
    """How many versions there are, all of them whole; nothing lies around that is not theirs."""
    async with repository.stub() as stub:
        versions = await versions_of(stub)
        for version in versions:
            for artifact in version.manifest.artifacts:
                request = pb.DownloadArtifactRequest(
                    model_name=MODEL, version=version.version, file_name=artifact.file_name
                )
                pieces = [piece.data async for piece in stub.DownloadArtifact(request)]
                assert hashlib.sha256(b"".join(pieces)).hexdigest() == artifact.sha256
        history = await stub.ListVersionHistory(pb.ListVersionHistoryRequest(model_name=MODEL))
    assert len(history.entries) == len(versions)
    assert repository.incoming() == []
    assert repository.blobs() == (DIGESTS if versions else set())
    return len(versions)


async def assert_retry_succeeds(
    repository: MmsProcess, messages: list[pb.UploadModelVersionRequest]
) -> None:
    """The same upload, sent again, ends with the one version that there is."""
    async with repository.stub() as stub:
        version = await publish(stub, messages)
        assert version.version == 1
        assert [v.version for v in await versions_of(stub)] == [1]
    assert await assert_whole_or_nothing(repository) == 1


# Only the header; one chunk; the middle of the first file; its end; the last chunk but one.
@pytest.mark.parametrize("sent", [1, 2, 10, 20, -1])
async def test_killed_while_bytes_arrive(repository: MmsProcess, sent: int) -> None:
    """However many chunks had come, nothing of the upload is left and the next one succeeds."""
    messages = list(upload_of(CONTENTS, chunk_bytes=CHUNK_BYTES))
    received = messages[:sent]
    received_bytes = sum(len(message.chunk.data) for message in received)

    def arrived() -> bool:
        sizes = [path.stat().st_size for path in repository.incoming() if path.is_file()]
        return bool(repository.incoming()) and sum(sizes) == received_bytes

    async with unfinished_upload(repository, received):
        await until(arrived, what="the bytes to be written")
        repository.kill()
    repository.start()
    assert await assert_whole_or_nothing(repository) == 0
    await assert_retry_succeeds(repository, messages)


async def test_killed_between_bytes_and_row(repository: MmsProcess, database_url: str) -> None:
    """Bytes in place whose version was never written down are cleared at the next start."""
    messages = list(upload_of(CONTENTS, chunk_bytes=CHUNK_BYTES))
    async with unfinished_upload(repository, messages[:2]) as call:
        await until(lambda: len(repository.incoming()) == 2, what="the first bytes")
        with locked(database_url):
            for message in messages[2:]:
                await call.write(message)
            await call.done_writing()
            await until(lambda: repository.blobs() == DIGESTS, what="the bytes to be in place")
            repository.kill()
    repository.start()
    assert await assert_whole_or_nothing(repository) == 0
    await assert_retry_succeeds(repository, messages)


async def test_killed_after_the_row(repository: MmsProcess, database_url: str) -> None:
    """A version that was written down stays, and the client that missed the answer gets it."""
    messages = list(upload_of(CONTENTS, chunk_bytes=CHUNK_BYTES))
    async with unfinished_upload(repository, messages) as call:
        await call.done_writing()
        await until(lambda: version_rows(database_url) == 1, what="the version to be stored")
        repository.kill()
    repository.start()
    assert await assert_whole_or_nothing(repository) == 1
    await assert_retry_succeeds(repository, messages)


@pytest.mark.prove
async def test_killed_at_any_time(repository: MmsProcess, round_seed: int) -> None:
    """Whenever it dies during an upload, and more than once, the outcome is one of the two."""
    rng = random.Random(round_seed)
    messages = list(upload_of(CONTENTS, chunk_bytes=CHUNK_BYTES))
    for _ in range(3):
        async with repository.stub() as stub:
            uploading = asyncio.ensure_future(publish(stub, messages))
            await asyncio.wait({uploading}, timeout=rng.uniform(0.0, 0.06))
            repository.kill()
            await asyncio.wait({uploading})
        acknowledged = uploading.exception() is None
        assert acknowledged or isinstance(uploading.exception(), NfError)
        repository.start()
        count = await assert_whole_or_nothing(repository)
        assert count in ({1} if acknowledged else {0, 1})
    await assert_retry_succeeds(repository, messages)


def locked(database_url: str) -> AbstractContextManager[None]:
    """Hold the lock that every writer takes, so that none gets past it."""
    return _sqlite_lock(database_url) if "sqlite" in database_url else _postgres_lock(database_url)


def version_rows(database_url: str) -> int:
    """How many versions are written down, seen from outside."""
    count = "SELECT count(*) FROM versions"
    if "sqlite" in database_url:
        with _sqlite(database_url) as connection:
            return int(connection.execute(count).fetchone()[0])
    with psycopg.connect(_conninfo(database_url)) as connection:
        row = connection.execute(count).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def _sqlite(database_url: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _sqlite_lock(database_url: str) -> Iterator[None]:
    with _sqlite(database_url) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _postgres_lock(database_url: str) -> Iterator[None]:
    with psycopg.connect(_conninfo(database_url)) as connection:
        connection.execute("SELECT * FROM repository FOR UPDATE")
        yield
        connection.rollback()


def _conninfo(database_url: str) -> str:
    return database_url.replace("postgresql+psycopg://", "postgresql://")
