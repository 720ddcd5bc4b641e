"""Artifacts on their way in: one folder for each upload, one file for each artifact.

::

    <folder>/.lock                 held while a process has the folder
    <folder>/incoming/<random>/    an upload that is gone when its connection is
    <folder>/incoming/r-<key>/     one that may be continued, also after a restart

Files are named by their place in the upload; a client's name never reaches the file system.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from mms_repository.adapters.disk_errors import told
from mms_repository.completion import run_to_completion
from mms_repository.manifests import Artifact
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import ResourceExhausted

_CONTINUED = "r-"
_SYNC_BYTES = 16 * 1024 * 1024  # so much may wait for the disk while more comes in
_AHEAD = 2  # chunks that may wait for the disk while more come in
_RETRY_AFTER_S = 1.0

T = TypeVar("T")

# Takes sealed files, by digest, into the store.
Keep = Callable[[Mapping[str, Path]], Awaitable[None]]


class StagingArea:
    """The folder in which uploads arrive; one process has it.

    Args:
        folder: Made if absent.
        executor: For all disk work.
        keep: What `FileStaging.keep` does.
    """

    def __init__(self, folder: Path, executor: ThreadPoolExecutor, keep: Keep) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._executor = executor
        self._keep = keep
        self._lock: IO[bytes] | None = None
        self._continued: set[str] = set()

    def open(self) -> None:
        """Take the folder; uploads that nobody can continue are cleared. Blocks.

        Raises:
            ConfigurationError: The folder cannot be written, or another process has it.
        """
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / ".lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in self._incoming.iterdir():
                if not path.name.startswith(_CONTINUED):
                    shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"setting artifacts.folder: {self._folder} is in use by another process; "
                "give each repository its own"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"setting artifacts.folder: {self._folder} cannot be written: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @asynccontextmanager
    async def staging(self, continued: str) -> AsyncIterator["FileStaging"]:
        """Room for one upload.

        Args:
            continued: Under which its bytes outlive an interruption; empty: they do not.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED, another connection continues the same upload.
        """
        if continued in self._continued:
            raise ResourceExhausted(
                "this upload is in progress on another connection; try again in "
                f"{_RETRY_AFTER_S} s",
                reason="QUOTA_EXCEEDED",
                retry_after_s=str(_RETRY_AFTER_S),
            )
        name = _CONTINUED + continued if continued else uuid.uuid4().hex
        staging = FileStaging(
            self._incoming / name, self._executor, self._keep, outlives=bool(continued)
        )
        if continued:
            self._continued.add(continued)
        try:
            await staging.open()
            yield staging
        finally:
            try:
                # When a client goes away, its call may be cancelled while it is cleaned up.
                await run_to_completion(staging.close())
            finally:
                self._continued.discard(continued)

    def staged_bytes(self, continued: str, count: int) -> list[int]:
        """Bytes that an interrupted upload left of each of its `count` artifacts. Blocks."""
        folder = self._incoming / (_CONTINUED + continued)
        sizes_bytes: list[int] = []
        for ordinal in range(count):
            path = folder / str(ordinal)
            if not path.exists():
                break
            sizes_bytes.append(path.stat().st_size)
        return sizes_bytes + [0] * (count - len(sizes_bytes))

    def remove_staged_before(self, time: datetime) -> int:
        """How many interrupted uploads were forgotten: those untouched since `time`. Blocks."""
        stale = [
            path
            for path in self._incoming.glob(_CONTINUED + "*")
            if path.name.removeprefix(_CONTINUED) not in self._continued
            and _last_touched_s(path) <= time.timestamp()
        ]
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)


@dataclass
class _Incoming:
    """One artifact on its way in."""

    path: Path
    file: IO[bytes]
    unsynced_bytes: int = 0
    syncing: "Future[None] | None" = None

    def write(self, data: bytes, executor: ThreadPoolExecutor) -> None:
        """Append to the file; the disk takes it up meanwhile, so that `close` waits for little."""
        written_bytes = 0
        while written_bytes < len(data):  # a disk that fills up takes a part first
            written_bytes += self.file.write(memoryview(data)[written_bytes:])
        self.unsynced_bytes += written_bytes
        idle = self.syncing is None or self.syncing.done()
        if self.unsynced_bytes >= _SYNC_BYTES and idle:
            self.unsynced_bytes = 0
            self.syncing = executor.submit(os.fdatasync, self.file.fileno())

    def close(self) -> None:
        """Close the file once nobody works on it."""
        if self.syncing is not None and not self.syncing.cancel():
            self.syncing.exception()  # of no matter: whoever counts on the bytes syncs them all
        self.file.close()


class FileStaging:
    """The port `Staging`: files are hashed as they grow, by a thread of its own.

    Writing and hashing a chunk in one thread finds its bytes in the cache; two cost more in changes
    of thread than they save. What fails is told with a later call, and nothing is written after it.
    """

    def __init__(
        self, folder: Path, executor: ThreadPoolExecutor, keep: Keep, *, outlives: bool
    ) -> None:
        self._folder = folder
        self._syncing = executor
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mms-upload")
        self._keep = keep
        self._outlives = outlives
        self._files: dict[str, _Incoming] = {}
        self._digests: defaultdict[str, hashlib._Hash] = defaultdict(hashlib.sha256)
        self._sealed: dict[str, Path] = {}  # by digest
        self._working: deque[asyncio.Future[Any]] = deque()
        self._has_failed = False

    async def open(self) -> None:
        """Make the folder."""
        await self._run(partial(self._folder.mkdir, exist_ok=self._outlives))

    async def close(self) -> None:
        """Wait for the work that a cancelled caller left behind, then remove what must not stay."""
        # Their outcomes are looked at; whom they concerned is gone or has been told.
        await asyncio.gather(*self._working, return_exceptions=True)
        self._working.clear()
        try:
            await self._start(self._leave)
        finally:
            self._thread.shutdown(wait=False)

    async def resume(self, artifacts: Sequence[Artifact]) -> Sequence[int]:
        """Bytes of each artifact that an interrupted upload left, hashed anew."""
        return await self._run(partial(self._resume, artifacts))

    async def append(self, artifact: Artifact, data: bytes) -> None:
        """Write and hash the next bytes of an artifact, while the caller waits for more of them."""
        self._working.append(self._start(partial(self._append, artifact.file_name, data)))
        await self._settle(_AHEAD)

    async def seal(self, artifact: Artifact) -> str:
        """SHA-256 of what was appended, in hexadecimal, once it is on the disk."""
        return await self._run(partial(self._seal, artifact.file_name))

    def path(self, artifact: Artifact) -> Path:
        """Where a sealed artifact can be read."""
        return self._files[artifact.file_name].path

    async def keep(self) -> None:
        """Move every sealed artifact into the store, under its digest."""
        await self._keep(self._sealed)
        self._outlives = False

    def spoil(self) -> None:
        """Do not let these bytes be continued: they can never become what was announced."""
        self._outlives = False

    async def _run(self, work: Callable[[], T]) -> T:
        await self._settle()
        running = self._start(work)
        self._working.append(running)
        return await asyncio.shield(running)

    async def _settle(self, ahead: int = 0) -> None:
        """Returns when so much at most of what was started goes on; raises what it raised."""
        while len(self._working) > ahead:
            # A thread cannot be cancelled; `close` waits for it before the folder goes.
            await asyncio.shield(self._working[0])
            self._working.popleft()

    def _start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._thread, told(work))

    def _resume(self, artifacts: Sequence[Artifact]) -> list[int]:
        sizes_bytes: list[int] = []
        for artifact in artifacts:
            path = self._folder / str(len(self._files))
            if not path.exists():
                break
            file = path.open("r+b", buffering=0)
            self._files[artifact.file_name] = _Incoming(path, file)
            self._digests[artifact.file_name] = hashlib.file_digest(file, "sha256")
            sizes_bytes.append(file.seek(0, os.SEEK_END))
        # Killed while files moved into the store, it lost the first and has later ones; the
        # client was told, as here, that what follows a gap is not there.
        for ordinal in range(len(sizes_bytes), len(artifacts)):
            (self._folder / str(ordinal)).unlink(missing_ok=True)
        return sizes_bytes + [0] * (len(artifacts) - len(sizes_bytes))

    def _append(self, file_name: str, data: bytes) -> None:
        if self._has_failed:  # what comes after a gap must not close it
            return
        try:
            self._write(file_name, data)
        except BaseException:
            self._has_failed = True
            raise

    def _write(self, file_name: str, data: bytes) -> None:
        incoming = self._files.get(file_name)
        if incoming is None:
            # Unbuffered: what is there is what a client that comes back is told.
            path = self._folder / str(len(self._files))
            incoming = self._files[file_name] = _Incoming(path, path.open("xb", buffering=0))
        incoming.write(data, self._syncing)
        self._digests[file_name].update(data)

    def _seal(self, file_name: str) -> str:
        incoming = self._files[file_name]
        os.fsync(incoming.file.fileno())
        incoming.close()
        sha256 = self._digests[file_name].hexdigest()
        self._sealed[sha256] = incoming.path
        return sha256

    def _leave(self) -> None:
        try:
            for incoming in self._files.values():
                incoming.close()
        finally:
            if not self._outlives:
                shutil.rmtree(self._folder, ignore_errors=True)


def _last_touched_s(folder: Path) -> float:
    times_s = [folder.stat().st_mtime, *(path.stat().st_mtime for path in folder.iterdir())]
    return max(times_s)
