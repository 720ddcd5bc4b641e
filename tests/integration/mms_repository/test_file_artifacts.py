"""Artifacts on a disk."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest
from support.mms_uploads import manifest_of

from mms_repository.adapters.blobs import blob_name
from mms_repository.adapters.disk_errors import disk_errors_are_told
from mms_repository.adapters.file_artifacts import FileArtifacts
from mms_repository.manifests import Artifact
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import DataLoss, ResourceExhausted, Unavailable

CONTENT = bytes(range(256)) * 5000


def artifact_of(content: bytes, file_name: str = "w.safetensors") -> Artifact:
    """The artifact with that content."""
    return manifest_of({file_name: content}).artifacts[0]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FileArtifacts]:
    """An empty store."""
    store = FileArtifacts(tmp_path)
    await store.open()
    yield store
    await store.close()


async def keep(store: FileArtifacts, content: bytes) -> Artifact:
    """Store one artifact."""
    artifact = artifact_of(content)
    async with store.staging() as staging:
        await staging.append(artifact, content)
        await staging.seal(artifact)
        await staging.keep()
    return artifact


async def read(store: FileArtifacts, artifact: Artifact, offset_bytes: int = 0) -> bytes:
    """What the store holds."""
    return b"".join([piece async for piece in store.read(artifact, offset_bytes=offset_bytes)])


async def test_kept_bytes_stand_under_their_digest(store: FileArtifacts, tmp_path: Path) -> None:
    """In `sha256/ab/cdef…`, and nothing is left where they came in."""
    artifact = await keep(store, CONTENT)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "sha256" / sha256[:2] / sha256[2:]).read_bytes() == CONTENT
    assert list((tmp_path / "incoming").iterdir()) == []
    assert await read(store, artifact) == CONTENT
    assert await read(store, artifact, 1_000_000) == CONTENT[1_000_000:]


async def test_staged_bytes_are_hashed_as_they_came(store: FileArtifacts) -> None:
    """`seal` tells the digest of what was appended, whatever was announced."""
    artifact = artifact_of(b"announced")
    async with store.staging() as staging:
        await staging.append(artifact, b"something ")
        await staging.append(artifact, b"else")
        assert await staging.seal(artifact) == hashlib.sha256(b"something else").hexdigest()
        assert staging.path(artifact).read_bytes() == b"something else"


async def test_two_names_of_one_content(store: FileArtifacts, tmp_path: Path) -> None:
    """The same bytes twice in one upload are one file."""
    names = artifact_of(CONTENT, "a.json"), artifact_of(CONTENT, "b.json")
    async with store.staging() as staging:
        for artifact in names:
            await staging.append(artifact, CONTENT)
            await staging.seal(artifact)
        await staging.keep()
    assert len(list((tmp_path / "sha256").glob("*/*"))) == 1
    assert await read(store, names[1]) == CONTENT


async def test_what_is_not_kept_is_gone(store: FileArtifacts, tmp_path: Path) -> None:
    """Leaving the staging area without `keep`, by an error too, removes everything."""

    async def fail() -> None:
        async with store.staging() as staging:
            await staging.append(artifact_of(CONTENT), CONTENT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert list((tmp_path / "incoming").iterdir()) == []
    assert list((tmp_path / "sha256").iterdir()) == []


async def test_cancelled_twice_still_clears_up(store: FileArtifacts, tmp_path: Path) -> None:
    """A second cancellation, while the first one is being cleaned up after, leaves nothing."""
    for _ in range(20):
        appended = asyncio.Event()

        async def upload(appended: asyncio.Event) -> None:
            async with store.staging() as staging:
                await staging.append(artifact_of(CONTENT), CONTENT)
                appended.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(upload(appended))
        await appended.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
    await store.close()
    assert list((tmp_path / "incoming").iterdir()) == []


@pytest.mark.parametrize("damage", ["gone", "cut", "longer", "changed"])
async def test_damaged_bytes(store: FileArtifacts, tmp_path: Path, damage: str) -> None:
    """Whatever happened to the file, a reader hears of it."""
    artifact = await keep(store, CONTENT)
    path = tmp_path / "sha256" / blob_name(artifact.sha256)
    damaged = {
        "cut": CONTENT[:-1],
        "longer": CONTENT + b"x",
        "changed": b"x" + CONTENT[1:],
        "gone": None,
    }[damage]
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    with pytest.raises(DataLoss) as caught:
        await read(store, artifact)
    assert caught.value.reason == "DIGEST_MISMATCH"


async def test_old_files_are_listed_and_removed(store: FileArtifacts, tmp_path: Path) -> None:
    """Only what was stored before the time; removing what is gone already is no error."""
    old, young = await keep(store, b"old"), await keep(store, b"young")
    os.utime(tmp_path / "sha256" / blob_name(old.sha256), (1000.0, 1000.0))
    assert await store.digests_before(datetime.fromtimestamp(1001, UTC)) == [old.sha256]
    await store.remove([old.sha256, old.sha256])
    with pytest.raises(DataLoss):
        await read(store, old)
    assert await read(store, young) == b"young"


async def test_opening_clears_unfinished_uploads(tmp_path: Path) -> None:
    """What a killed process left where uploads come in is gone after the next start."""
    (tmp_path / "incoming" / "abc").mkdir(parents=True)
    (tmp_path / "incoming" / "abc" / "0").write_bytes(b"half")
    store = FileArtifacts(tmp_path)
    await store.open()
    assert list((tmp_path / "incoming").iterdir()) == []
    await store.close()


async def test_one_owner(store: FileArtifacts, tmp_path: Path) -> None:
    """While a store is open nobody else opens its folder; afterwards somebody may."""
    second = FileArtifacts(tmp_path)
    with pytest.raises(ConfigurationError, match="in use"):
        await second.open()
    await store.close()
    await second.close()
    third = FileArtifacts(tmp_path)
    await third.open()
    await third.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk(number: int) -> None:
    """No room is told as a quota; try again later."""
    with pytest.raises(ResourceExhausted) as caught, disk_errors_are_told():
        raise OSError(number, os.strerror(number))
    assert caught.value.reason == "QUOTA_EXCEEDED"
    with pytest.raises(FileNotFoundError), disk_errors_are_told():
        raise FileNotFoundError(errno.ENOENT, "gone")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO])
def test_disk_that_cannot_be_used(number: int) -> None:
    """What an operator has to mend is told as an outage of the store, with its cause."""
    with pytest.raises(Unavailable, match=os.strerror(number)) as caught, disk_errors_are_told():
        raise OSError(number, os.strerror(number))
    assert caught.value.metadata["peer"] == "artifact store"


@contextmanager
def nobody() -> Iterator[None]:
    """Within it this process may write nothing: root may write everywhere, so it is not root."""
    former = os.geteuid()
    if former == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if former == 0:
            os.seteuid(former)


async def test_store_that_became_read_only(store: FileArtifacts, tmp_path: Path) -> None:
    """An upload is told so and leaves nothing; once it can be written again, it succeeds."""
    (tmp_path / "incoming").chmod(0o555)
    with nobody(), pytest.raises(Unavailable, match="cannot be used"):
        await keep(store, CONTENT)
    (tmp_path / "incoming").chmod(0o755)
    assert list((tmp_path / "incoming").iterdir()) == []
    assert await read(store, await keep(store, CONTENT)) == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
async def test_full_disk_during_an_upload(store: FileArtifacts, tmp_path: Path) -> None:
    """A real write to a device that is full ends the upload so."""
    artifact = artifact_of(CONTENT)
    async with store.staging() as staging:
        (folder,) = (tmp_path / "incoming").iterdir()
        await staging.append(artifact, b"x")
        await staging.seal(artifact)
        (folder / "full").symlink_to("/dev/full")
        staging._files[artifact.file_name].file.close()
        staging._files[artifact.file_name].file = (folder / "full").open("wb", buffering=0)
        await staging.append(artifact, CONTENT)
        with pytest.raises(ResourceExhausted):
            await staging.seal(artifact)


def full_device() -> IO[bytes]:
    """Where no byte has room."""
    return Path("/dev/full").open("wb", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
async def test_nothing_is_written_after_what_could_not_be(store: FileArtifacts) -> None:
    """Chunks that were on their way do not close the gap: what is continued has none."""
    artifact = artifact_of(CONTENT)
    async with store.staging("upload-1") as staging:
        await staging.append(artifact, CONTENT[:100])
        await staging._settle()
        incoming = staging._files[artifact.file_name]
        whole = incoming.file
        with full_device() as incoming.file:
            await staging.append(artifact, CONTENT[100:200])
            await asyncio.wait(staging._working)
        incoming.file = whole
        await staging.append(artifact, CONTENT[200:300])
        with pytest.raises(ResourceExhausted):
            await staging.seal(artifact)
    async with store.staging("upload-1") as staging:
        assert await staging.resume([artifact]) == [100]
        await staging.append(artifact, CONTENT[100:])
        assert await staging.seal(artifact) == artifact.sha256
