"""Artifacts as files named by their SHA-256: ``<folder>/sha256/ab/cdef…``.

An upload writes to ``<folder>/incoming/<random>/`` and moves into place by renaming: a file under
``sha256`` is whole, and there once however many versions share it. One process owns the folder.

Not modelled: artifacts on S3-compatible storage.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from mms_repository.completion import run_to_completion
from mms_repository.manifests import Artifact
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import DataLoss, ResourceExhausted

PIECE_BYTES = 1024 * 1024
_THREADS = 4
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

T = TypeVar("T")


class FileArtifacts:
    """The port `ArtifactStore` on a file system. All disk work happens in its own threads.

    Args:
        folder: Made if absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._blobs = folder / "sha256"
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="mms-artifacts")
        self._lock: IO[bytes] | None = None

    async def open(self) -> None:
        """Take the folder and clear what unfinished uploads left in it.

        Raises:
            ConfigurationError: The folder cannot be written, or another process has it.
        """
        await self._run(self._open)

    async def close(self) -> None:
        """Finish what runs and let the folder go."""
        await asyncio.to_thread(self._executor.shutdown)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @asynccontextmanager
    async def staging(self) -> AsyncIterator["FileStaging"]:
        """Room for one upload; what is not kept is gone when the context is left."""
        staging = FileStaging(self._incoming / uuid.uuid4().hex, self._blobs, self._executor)
        try:
            await staging.open()
            yield staging
        finally:
            # When a client goes away, its call may be cancelled while it is being cleaned up.
            await run_to_completion(staging.close())

    async def read(self, artifact: Artifact, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of an artifact from `offset_bytes` on, in pieces of at most 1 MiB.

        A read from the start is hashed; one that begins later is the reader's to verify.
        """
        path = self._blobs / blob_name(artifact.sha256)
        try:
            file = await self._run(partial(_opened, path))
        except FileNotFoundError as error:
            raise _damaged(artifact, "is gone") from error
        digest = hashlib.sha256()
        try:
            size_bytes = (await self._run(partial(os.fstat, file.fileno()))).st_size
            if size_bytes != artifact.size_bytes:
                raise _damaged(artifact, f"has {size_bytes} bytes on disk")
            await self._run(partial(file.seek, offset_bytes))
            while piece := await self._run(partial(_read_hashed, file, digest)):
                yield piece
        finally:
            file.close()
        if offset_bytes == 0 and digest.hexdigest() != artifact.sha256:
            raise _damaged(artifact, f"has digest {digest.hexdigest()} on disk")

    async def digests_before(self, time: datetime) -> Sequence[str]:
        """Digests of what was stored before `time`."""
        return await self._run(partial(self._digests_before, time.timestamp()))

    async def remove(self, digests: Sequence[str]) -> None:
        """Delete these files."""

        def unlink() -> None:
            for digest in digests:
                (self._blobs / blob_name(digest)).unlink(missing_ok=True)

        await self._run(unlink)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, _told(work))

    def _open(self) -> None:
        try:
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / ".lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self._incoming, ignore_errors=True)
            self._incoming.mkdir()
        except BlockingIOError as error:
            raise ConfigurationError(
                f"setting artifacts.folder: {self._folder} is in use by another process; "
                "give each repository its own"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"setting artifacts.folder: {self._folder} cannot be written: {error.strerror}"
            ) from error

    def _digests_before(self, timestamp_s: float) -> list[str]:
        return [
            path.parent.name + path.name
            for path in self._blobs.glob("*/*")
            if path.stat().st_mtime < timestamp_s
        ]


@dataclass
class _Incoming:
    """One artifact on its way in."""

    path: Path
    file: IO[bytes]
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class FileStaging:
    """The port `Staging`: one folder, one file for each artifact, hashed as it grows."""

    def __init__(self, folder: Path, blobs: Path, executor: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._blobs = blobs
        self._executor = executor
        self._files: dict[str, _Incoming] = {}
        self._sealed: dict[str, Path] = {}  # by digest
        self._work: asyncio.Future[Any] | None = None

    async def open(self) -> None:
        """Make the folder."""
        await self._run(self._folder.mkdir)

    async def close(self) -> None:
        """Wait for the work that a cancelled caller left behind, then remove what was not kept."""
        if self._work is not None:
            await asyncio.wait({self._work})
        await self._run(self._discard)

    async def append(self, artifact: Artifact, data: bytes) -> None:
        """Write and hash the next bytes of an artifact."""
        await self._run(partial(self._append, artifact.file_name, data))

    async def seal(self, artifact: Artifact) -> str:
        """SHA-256 of what was appended, in hexadecimal, once it is on the disk."""
        return await self._run(partial(self._seal, artifact.file_name))

    def path(self, artifact: Artifact) -> Path:
        """Where a sealed artifact can be read."""
        return self._files[artifact.file_name].path

    async def keep(self) -> None:
        """Move every sealed artifact into the store, under its digest."""
        await self._run(self._keep)

    async def _run(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, _told(work))
        self._work = running
        # A thread cannot be cancelled; `close` waits for it before the folder goes.
        return await asyncio.shield(running)

    def _append(self, file_name: str, data: bytes) -> None:
        incoming = self._files.get(file_name)
        if incoming is None:
            # The client's name never reaches the file system.
            path = self._folder / str(len(self._files))
            incoming = self._files[file_name] = _Incoming(path, path.open("xb"))
        incoming.file.write(data)
        incoming.digest.update(data)

    def _seal(self, file_name: str) -> str:
        incoming = self._files[file_name]
        incoming.file.flush()
        os.fsync(incoming.file.fileno())
        incoming.file.close()
        sha256 = incoming.digest.hexdigest()
        self._sealed[sha256] = incoming.path
        return sha256

    def _keep(self) -> None:
        for sha256, path in self._sealed.items():
            target = self._blobs / blob_name(sha256)
            if not target.parent.is_dir():
                target.parent.mkdir(exist_ok=True)
                _sync_folder(self._blobs)
            # Over what may be there: the same bytes, or damaged ones that are healed so.
            path.replace(target)
            _sync_folder(target.parent)

    def _discard(self) -> None:
        for incoming in self._files.values():
            incoming.file.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def blob_name(sha256: str) -> str:
    """Path of a digest's file within the store."""
    return f"{sha256[:2]}/{sha256[2:]}"


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _read_hashed(file: IO[bytes], digest: "hashlib._Hash") -> bytes:
    piece = file.read(PIECE_BYTES)
    digest.update(piece)
    return piece


def _sync_folder(folder: Path) -> None:
    # A rename survives a power cut only once the folder itself is written.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(work: Callable[[], T]) -> Callable[[], T]:
    def run() -> T:
        with full_disk_is_told():
            return work()

    return run


@contextmanager
def full_disk_is_told() -> Iterator[None]:
    """Within it, the lack of disk space or quota is raised as ResourceExhausted."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise ResourceExhausted(
            "the artifact store is full; free space, then send it again",
            reason="QUOTA_EXCEEDED",
            retry_after_s="60",
        ) from error


def _damaged(artifact: Artifact, how: str) -> DataLoss:
    return DataLoss(
        f"artifact {artifact.file_name} with digest {artifact.sha256} {how}; publish it again",
        reason="DIGEST_MISMATCH",
        file_name=artifact.file_name,
        sha256=artifact.sha256,
    )
