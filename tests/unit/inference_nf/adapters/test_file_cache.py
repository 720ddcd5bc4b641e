"""Tests of the artifact cache on the disk."""

import hashlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from fakes.inference_nf.memory_engines import InlineWorker
from hypothesis import given
from hypothesis import strategies as st

from inference_nf.adapters.file_cache import FileCache
from nf_runtime.errors import DataLoss, FailedPrecondition, Unavailable
from nf_runtime.signing import ArtifactDigest

CONTENT = bytes(range(256)) * 4
Download = Callable[[int], AsyncGenerator[bytes, None]]


def artifact_of(content: bytes) -> ArtifactDigest:
    """What the manifest says of these bytes."""
    return ArtifactDigest("model.onnx", hashlib.sha256(content).hexdigest(), len(content))


class Source:
    """Serves bytes from an offset on, in chunks; can end or break early."""

    def __init__(self, content: bytes, *, chunk: int = 100) -> None:
        self.content = content
        self.chunk = chunk
        self.offsets: list[int] = []
        self.breaks_after: int | None = None  # bytes of the content

    async def __call__(self, offset: int) -> AsyncGenerator[bytes, None]:
        """Chunks from `offset` on."""
        self.offsets.append(offset)
        for start in range(offset, len(self.content), self.chunk):
            if self.breaks_after is not None and start >= self.breaks_after:
                raise Unavailable("broke", reason="PEER_UNAVAILABLE", peer="mms_repository")
            yield self.content[start : start + self.chunk]


def cache_in(folder: Path, *, bound: int = 10_000) -> FileCache:
    """A cache of one process."""
    return FileCache(folder, worker=InlineWorker(), max_artifact_bytes=bound)


def files_in(folder: Path) -> list[Path]:
    """All files of a cache."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_an_artifact_is_downloaded_once(tmp_path: Path) -> None:
    """It then stands under its digest, and the next process has it too."""
    source, artifact = Source(CONTENT), artifact_of(CONTENT)
    assert await cache_in(tmp_path).fetch(artifact, source) == CONTENT
    assert await cache_in(tmp_path).fetch(artifact, source) == CONTENT
    assert source.offsets == [0]
    name = artifact.sha256
    assert files_in(tmp_path) == [tmp_path / "sha256" / name[:2] / name[2:]]


async def test_a_broken_download_goes_on_where_it_broke(tmp_path: Path) -> None:
    """Also in the next process; nothing unfinished is handed out."""
    source, artifact = Source(CONTENT), artifact_of(CONTENT)
    source.breaks_after = 300
    with pytest.raises(Unavailable):
        await cache_in(tmp_path).fetch(artifact, source)
    assert not (tmp_path / "sha256").exists()
    source.breaks_after = None
    assert await cache_in(tmp_path).fetch(artifact, source) == CONTENT
    assert source.offsets == [0, 300]


async def test_other_bytes_are_thrown_away(tmp_path: Path) -> None:
    """DIGEST_MISMATCH, nothing is kept, and the right bytes can still come."""
    artifact = artifact_of(CONTENT)
    wrong = Source(CONTENT[:-1] + b"!")
    with pytest.raises(DataLoss, match="were changed after it was published") as caught:
        await cache_in(tmp_path).fetch(artifact, wrong)
    assert caught.value.reason == "DIGEST_MISMATCH"
    assert files_in(tmp_path) == []
    assert await cache_in(tmp_path).fetch(artifact, Source(CONTENT)) == CONTENT


async def test_more_bytes_than_announced_are_not_taken(tmp_path: Path) -> None:
    """A sender without an end is cut off at once."""
    endless = Source(CONTENT * 1000)
    with pytest.raises(DataLoss):
        await cache_in(tmp_path).fetch(artifact_of(CONTENT), endless)
    assert files_in(tmp_path) == []


async def test_fewer_bytes_than_announced_are_no_artifact(tmp_path: Path) -> None:
    """What came is kept for the next attempt."""
    with pytest.raises(DataLoss, match="ended after 500 of 1024 bytes"):
        await cache_in(tmp_path).fetch(artifact_of(CONTENT), Source(CONTENT[:500]))
    source = Source(CONTENT)
    assert await cache_in(tmp_path).fetch(artifact_of(CONTENT), source) == CONTENT
    assert source.offsets == [500]


async def test_an_artifact_past_the_bound_is_refused_before_it_comes(tmp_path: Path) -> None:
    """The setting is named."""
    source = Source(CONTENT)
    with pytest.raises(FailedPrecondition, match=r"models\.max_artifact_bytes") as caught:
        await cache_in(tmp_path, bound=1023).fetch(artifact_of(CONTENT), source)
    assert caught.value.reason == "ARTIFACT_REFUSED"
    assert source.offsets == []


async def test_a_damaged_file_is_fetched_again(tmp_path: Path) -> None:
    """A bit that flipped on the disk never reaches an engine."""
    artifact = artifact_of(CONTENT)
    await cache_in(tmp_path).fetch(artifact, Source(CONTENT))
    (path,) = files_in(tmp_path)
    path.write_bytes(b"\xff" + CONTENT[1:])
    source = Source(CONTENT)
    assert await cache_in(tmp_path).fetch(artifact, source) == CONTENT
    assert source.offsets == [0]


async def test_an_empty_artifact_needs_no_download(tmp_path: Path) -> None:
    """Zero bytes are there already."""
    assert await cache_in(tmp_path).fetch(artifact_of(b""), Source(b"")) == b""


@given(
    content=st.binary(max_size=400),
    leftover=st.binary(max_size=450),
    chunk=st.integers(1, 150),
)
async def test_whatever_a_killed_process_left_the_bytes_are_right_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, leftover: bytes, chunk: int
) -> None:
    """A partial file of any content leads to the published bytes, at the latest the second time."""
    folder = tmp_path_factory.mktemp("cache")
    artifact = artifact_of(content)
    partial = folder / "partial" / artifact.sha256
    partial.parent.mkdir()
    partial.write_bytes(leftover)
    try:
        got = await cache_in(folder).fetch(artifact, Source(content, chunk=chunk))
    except DataLoss:
        got = await cache_in(folder).fetch(artifact, Source(content, chunk=chunk))
    assert got == content
