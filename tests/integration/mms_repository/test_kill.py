"""`kill -9` at any point of an upload: after the next start the version is there, or nothing is."""

import asyncio
import hashlib
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.mms_process import MmsProcess
from support.mms_uploads import MODEL, chunks_of, files, publish, safetensors_bytes, upload_of
from support.waiting import until

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.errors import NfError

pytestmark = pytest.mark.slow

CHUNK_BYTES = 64 * 1024
CONTENTS = files(weight_count=300_000)
KILLS = 4  # in each round and database; `make prove` makes 200 of them
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
    digests = {a.sha256 for version in versions for a in version.manifest.artifacts}
    assert repository.blobs() == digests
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


def some_contents(rng: random.Random) -> dict[str, bytes]:
    """Files that no other version has, so that each of their bytes has to arrive."""
    contents = {"model_card.json": json.dumps({"note": rng.random()}).encode()}
    for name in ("gan.safetensors", "gdm.safetensors"):
        size_bytes = rng.randint(1, 1_500_000)
        tensor = {"dtype": "I8", "shape": [size_bytes], "data_offsets": [0, size_bytes]}
        contents[name] = safetensors_bytes({"w": tensor}, rng.randbytes(size_bytes))
    return contents


async def kill_somewhere(
    repository: MmsProcess, messages: list[pb.UploadModelVersionRequest], rng: random.Random
) -> bool:
    """Kill it at a random point of an upload; whether the client had its answer by then.

    The point is a number of messages, a time, or a number of files that are in place; the last one
    lies between bytes and row, where there is little time to hit.
    """
    before = len(repository.blobs())
    kind = rng.choice(["message", "time", "bytes in place"])
    message_count = rng.randint(1, len(messages)) if kind == "message" else len(messages)
    reached = asyncio.Event()

    async def sent() -> AsyncIterator[pb.UploadModelVersionRequest]:
        for message in messages[:message_count]:
            yield message
        if kind == "message":
            reached.set()
            await asyncio.Event().wait()

    async with repository.stub() as stub:
        uploading = asyncio.ensure_future(stub.UploadModelVersion(sent()))
        if kind == "message":
            await reached.wait()
        elif kind == "time":
            await asyncio.wait({uploading}, timeout=rng.uniform(0.0, 0.3))
        else:
            in_place = before + rng.randint(1, 3)
            # No event tells of it: the disk itself is watched, as closely as can be.
            while not uploading.done() and len(repository.blobs()) < in_place:  # noqa: ASYNC110
                await asyncio.sleep(0)
        repository.kill()
        await asyncio.wait({uploading})
    acknowledged = uploading.exception() is None
    assert acknowledged or isinstance(uploading.exception(), NfError)
    return acknowledged


@pytest.mark.prove
async def test_killed_at_any_time(repository: MmsProcess, round_seed: int) -> None:
    """Wherever it dies, again and again, each version is whole or not there at all."""
    rng = random.Random(round_seed)
    count = 0
    for _ in range(KILLS):
        messages = list(upload_of(some_contents(rng), chunk_bytes=CHUNK_BYTES))
        acknowledged = await kill_somewhere(repository, messages, rng)
        repository.start()
        found = await assert_whole_or_nothing(repository)
        assert found in ({count + 1} if acknowledged else {count, count + 1})
        async with repository.stub() as stub:
            count = (await publish(stub, messages)).version
        assert count == await assert_whole_or_nothing(repository) == max(found, count)


@pytest.mark.prove
async def test_continued_after_any_kill(tmp_path: Path, database_url: str, round_seed: int) -> None:
    """An upload that may be continued goes on over every kill, and ends with one whole version.

    A kill after the row leaves the upload's folder, which is swept when its time has come.
    """
    rng = random.Random(round_seed)
    process = MmsProcess(tmp_path, database_url, upload_keep_s=3600)
    process.start()
    try:
        async with process.stub() as stub:
            model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
            await stub.CreateModel(pb.CreateModelRequest(model=model))
        contents = some_contents(rng)
        header = upload_of(contents, resumable=True)[0]
        for _ in range(KILLS // 2):
            await kill_somewhere(process, await rest_of(process, header, contents), rng)
            process.start()
        messages = await rest_of(process, header, contents)
        async with process.stub() as stub:
            assert (await publish(stub, messages)).version == 1
        process.kill()
        process = MmsProcess(tmp_path, database_url, upload_keep_s=0)
        process.start()
        assert await assert_whole_or_nothing(process) == 1
    finally:
        process.kill()


async def rest_of(
    repository: MmsProcess, header: pb.UploadModelVersionRequest, contents: dict[str, bytes]
) -> list[pb.UploadModelVersionRequest]:
    """The header and what of these files is not there yet."""
    async with repository.stub() as stub:
        progress = await stub.GetUploadProgress(
            pb.GetUploadProgressRequest(
                request_id=header.header.request_id, manifest=header.header.manifest
            )
        )
    messages = [header]
    for (name, content), received in zip(contents.items(), progress.received_bytes, strict=True):
        for message in chunks_of({name: content[received:]}, chunk_bytes=CHUNK_BYTES):
            message.chunk.offset_bytes += received
            messages.append(message)
    return messages


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
