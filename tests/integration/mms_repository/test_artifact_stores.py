"""The port `ArtifactStore` on a file system and on S3: one behaviour."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.mms_uploads import manifest_of

from mms_repository.app import artifact_store
from mms_repository.config import ArtifactSettings
from mms_repository.manifests import Artifact
from mms_repository.ports import ArtifactStore
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import DataLoss, ResourceExhausted

CONTENT = bytes(range(256)) * 10_000
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["file", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactSettings:
    """Where the store is."""
    url = request.getfixturevalue("s3_url") if request.param == "s3" else ""
    return ArtifactSettings(url=url, folder=tmp_path / "artifacts")


@pytest.fixture
async def store(settings: ArtifactSettings) -> AsyncIterator[ArtifactStore]:
    """An empty store."""
    store = artifact_store(settings)
    await store.open()
    yield store
    await store.close()


def artifact_of(content: bytes, file_name: str = "w.safetensors") -> Artifact:
    """The artifact with that content."""
    return manifest_of({file_name: content}).artifacts[0]


async def keep(store: ArtifactStore, content: bytes) -> Artifact:
    """Store one artifact."""
    artifact = artifact_of(content)
    async with store.staging() as staging:
        await staging.append(artifact, content)
        await staging.seal(artifact)
        await staging.keep()
    return artifact


async def read(store: ArtifactStore, artifact: Artifact, offset_bytes: int = 0) -> bytes:
    """What the store holds, in pieces of at most 1 MiB."""
    pieces = [piece async for piece in store.read(artifact, offset_bytes=offset_bytes)]
    assert all(len(piece) <= 1024 * 1024 for piece in pieces)
    return b"".join(pieces)


def tomorrow() -> datetime:
    """After whatever is stored now."""
    return datetime.fromtimestamp(0, UTC) + timedelta(days=365 * 200)


@pytest.mark.parametrize("offset_bytes", [0, 1, 1024 * 1024, len(CONTENT) - 1, len(CONTENT)])
async def test_what_is_kept_comes_back(store: ArtifactStore, offset_bytes: int) -> None:
    """From any byte on, the end included."""
    artifact = await keep(store, CONTENT)
    assert await read(store, artifact, offset_bytes) == CONTENT[offset_bytes:]


async def test_what_is_not_kept_is_not_there(store: ArtifactStore) -> None:
    """Staged bytes are no stored ones."""
    artifact = artifact_of(CONTENT)
    async with store.staging() as staging:
        await staging.append(artifact, CONTENT)
        await staging.seal(artifact)
    with pytest.raises(DataLoss) as caught:
        await read(store, artifact)
    assert caught.value.reason == "DIGEST_MISMATCH"
    assert await store.digests_before(tomorrow()) == []


async def test_same_content_is_stored_once(store: ArtifactStore) -> None:
    """However often it is kept."""
    artifact = await keep(store, CONTENT)
    await keep(store, CONTENT)
    assert await store.digests_before(tomorrow()) == [artifact.sha256]


async def test_other_length_is_damage(store: ArtifactStore) -> None:
    """What is stored under a digest but longer or shorter than announced is never handed out."""
    kept = await keep(store, CONTENT)
    other = Artifact(kept.file_name, kept.kind, kept.sha256, kept.size_bytes + 1)
    with pytest.raises(DataLoss):
        await read(store, other)


async def test_other_content_is_damage(store: ArtifactStore) -> None:
    """Bytes that do not have the digest they are stored under are noticed by the reader."""
    announced = artifact_of(CONTENT)
    async with store.staging() as staging:
        await staging.append(announced, CONTENT[:-1] + b"x")
        arrived = await staging.seal(announced)
        sealed = staging._sealed  # type: ignore[attr-defined]
        sealed[announced.sha256] = sealed.pop(arrived)
        await staging.keep()
    with pytest.raises(DataLoss, match="has digest"):
        await read(store, announced)


async def test_listed_by_age_and_removed(store: ArtifactStore) -> None:
    """Young bytes are not listed; removing what is gone already is no error."""
    first, second = await keep(store, b"first"), await keep(store, b"second")
    assert await store.digests_before(LONG_AGO) == []
    assert sorted(await store.digests_before(tomorrow())) == sorted([first.sha256, second.sha256])
    await store.remove([first.sha256])
    await store.remove([first.sha256])
    await store.remove([])
    with pytest.raises(DataLoss, match="is gone"):
        await read(store, first)
    assert await read(store, second) == b"second"


async def test_interrupted_upload_is_continued(
    store: ArtifactStore, settings: ArtifactSettings
) -> None:
    """Also by the next process: what had come counts, and the digest is that of all of it."""
    artifact = artifact_of(CONTENT)
    async with store.staging("upload-1") as staging:
        assert await staging.resume([artifact]) == [0]
        await staging.append(artifact, CONTENT[:1000])
    assert await store.staged_bytes("upload-1", 1) == [1000]
    assert await store.staged_bytes("upload-2", 1) == [0]
    await store.close()
    store = artifact_store(settings)
    await store.open()
    async with store.staging("upload-1") as staging:
        assert await staging.resume([artifact]) == [1000]
        await staging.append(artifact, CONTENT[1000:])
        assert await staging.seal(artifact) == hashlib.sha256(CONTENT).hexdigest()
        await staging.keep()
    assert await read(store, artifact) == CONTENT
    assert await store.staged_bytes("upload-1", 1) == [0]
    await store.close()


async def test_what_follows_a_gap_is_sent_again(
    store: ArtifactStore, settings: ArtifactSettings
) -> None:
    """Killed while files move into the store it lost the first ones; the rest must not mix in."""
    first, second = artifact_of(b"first"), artifact_of(CONTENT, "second.json")
    async with store.staging("upload-1") as staging:
        await staging.append(first, b"first")
        await staging.append(second, CONTENT)
    (incoming,) = (settings.folder / "incoming").iterdir()
    (incoming / "0").unlink()
    assert await store.staged_bytes("upload-1", 2) == [0, 0]
    async with store.staging("upload-1") as staging:
        assert await staging.resume([first, second]) == [0, 0]
        for artifact, content in ((first, b"first"), (second, CONTENT)):
            await staging.append(artifact, content)
            assert await staging.seal(artifact) == artifact.sha256
        await staging.keep()
    assert await read(store, second) == CONTENT


async def test_one_connection_continues_an_upload(store: ArtifactStore) -> None:
    """A second one at the same time is told to come back."""
    async with store.staging("upload-1"):
        with pytest.raises(ResourceExhausted) as caught:
            async with store.staging("upload-1"):
                pass
        assert float(caught.value.metadata["retry_after_s"]) > 0
        assert await store.remove_staged_before(tomorrow()) == 0
    async with store.staging("upload-1"):
        pass


async def test_interrupted_uploads_are_forgotten(store: ArtifactStore) -> None:
    """Those that nobody touched since, and those that are spoilt at once."""
    artifact = artifact_of(CONTENT)
    async with store.staging("spoilt") as staging:
        await staging.append(artifact, CONTENT)
        staging.spoil()
    assert await store.staged_bytes("spoilt", 1) == [0]
    async with store.staging("stale") as staging:
        await staging.append(artifact, CONTENT)
    assert await store.remove_staged_before(LONG_AGO) == 0
    assert await store.staged_bytes("stale", 1) == [len(CONTENT)]
    assert await store.remove_staged_before(tomorrow()) == 1
    assert await store.staged_bytes("stale", 1) == [0]


async def test_one_owner(store: ArtifactStore, settings: ArtifactSettings) -> None:
    """While a store is open nobody else opens its folder."""
    second = artifact_store(settings)
    with pytest.raises(ConfigurationError, match="in use"):
        await second.open()
    await second.close()


async def test_many_at_once(store: ArtifactStore) -> None:
    """Uploads of different and equal content beside each other all come back whole."""
    contents = [bytes([number % 4]) * 100_000 for number in range(12)]
    kept = await asyncio.gather(*(keep(store, content) for content in contents))
    assert [await read(store, artifact) for artifact in kept] == contents
