"""Artifacts as files named by their SHA-256: ``<folder>/sha256/ab/cdef…``.

An upload arrives beside them (`file_staging`) and moves into place by renaming: a file under
``sha256`` is whole, and there once however many versions share it. One process owns the folder.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from mms_repository.adapters.blobs import PIECE_BYTES, blob_name, damaged, gone
from mms_repository.adapters.staged_artifacts import StagedArtifacts
from mms_repository.manifests import Artifact
from nf_runtime.config import ConfigurationError


class FileArtifacts(StagedArtifacts):
    """The port `ArtifactStore` on a file system. All disk work happens in its own threads.

    Args:
        folder: Made if absent.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder
        self._blobs = folder / "sha256"

    async def open(self) -> None:
        """Take the folder and clear what unfinished uploads left in it.

        Raises:
            ConfigurationError: The folder cannot be written, or another process has it.
        """
        await super().open()
        try:
            await asyncio.to_thread(self._blobs.mkdir, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"setting artifacts.folder: {self._folder} cannot be written: {error.strerror}"
            ) from error

    async def read(self, artifact: Artifact, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of an artifact from `offset_bytes` on, in pieces of at most 1 MiB.

        A read from the start is hashed; one that begins later is the reader's to verify.
        """
        path = self._blobs / blob_name(artifact.sha256)
        try:
            file = await self._run(partial(_opened, path))
        except FileNotFoundError as error:
            raise gone(artifact) from error
        digest = hashlib.sha256()
        ahead: asyncio.Future[bytes] | None = None
        try:
            size_bytes = (await self._run(partial(os.fstat, file.fileno()))).st_size
            if size_bytes != artifact.size_bytes:
                raise damaged(artifact, f"has {size_bytes} bytes on disk")
            await self._run(partial(file.seek, offset_bytes))
            read_on = partial(_read_hashed, file, digest)
            piece = await self._run(read_on)
            while piece:
                # The next piece is read and hashed while this one is on its way out.
                ahead = asyncio.ensure_future(self._run(read_on))
                yield piece
                piece = await asyncio.shield(ahead)
        finally:
            if ahead is not None:
                await asyncio.wait({ahead})  # a thread cannot be cancelled, and it has the file
            file.close()
        if offset_bytes == 0 and digest.hexdigest() != artifact.sha256:
            raise damaged(artifact, f"has digest {digest.hexdigest()} on disk")

    async def digests_before(self, time: datetime) -> Sequence[str]:
        """Digests of what was stored before `time`."""
        return await self._run(partial(self._digests_before, time.timestamp()))

    async def remove(self, digests: Sequence[str]) -> None:
        """Delete these files."""

        def unlink() -> None:
            for digest in digests:
                (self._blobs / blob_name(digest)).unlink(missing_ok=True)

        await self._run(unlink)

    async def _keep(self, sealed: Mapping[str, Path]) -> None:
        await self._run(partial(self._move_in, sealed))

    def _move_in(self, sealed: Mapping[str, Path]) -> None:
        changed: set[Path] = set()
        for sha256, path in sealed.items():
            target = self._blobs / blob_name(sha256)
            if not target.parent.is_dir():
                target.parent.mkdir(exist_ok=True)
                changed.add(self._blobs)
            # Over what may be there: the same bytes, or damaged ones that are healed so.
            path.replace(target)
            changed.add(target.parent)
        for folder in changed:
            _sync_folder(folder)

    def _digests_before(self, timestamp_s: float) -> list[str]:
        return [
            path.parent.name + path.name
            for path in self._blobs.glob("*/*")
            if path.stat().st_mtime < timestamp_s
        ]


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
