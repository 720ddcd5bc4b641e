"""Artifacts on this machine's disk, by digest: ``sha256/ab/cdef…``, unfinished ones beside them.

A file stands under its digest only after every byte was there, was hashed and was flushed to the
disk; it is hashed again each time it is read. A process that is killed leaves a partial file, which
the next fetch goes on with.

Not modelled: removal of files that no version uses any more; two processes with one folder.
"""

import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import structlog

from inference_nf.ports import Worker
from nf_runtime.errors import DataLoss, FailedPrecondition
from nf_runtime.signing import ArtifactDigest

log = structlog.get_logger(__name__)


class FileCache:
    """Files by digest under one folder.

    Args:
        folder: Made when it is not there.
        worker: The threads that read, hash and write.
        max_artifact_bytes: Larger artifacts are refused.
    """

    def __init__(self, folder: Path, *, worker: Worker, max_artifact_bytes: int) -> None:
        self._folder = folder
        self._worker = worker
        self._max_artifact_bytes = max_artifact_bytes

    async def fetch(
        self, artifact: ArtifactDigest, download: Callable[[int], AsyncGenerator[bytes, None]]
    ) -> bytes:
        """The bytes of `artifact`, from the disk or else by `download(offset)`.

        Raises:
            DataLoss: DIGEST_MISMATCH; what arrived is thrown away.
            FailedPrecondition: ARTIFACT_REFUSED when it is larger than the bound.
        """
        if artifact.size_bytes > self._max_artifact_bytes:
            raise FailedPrecondition(
                f"{artifact.file_name} has {artifact.size_bytes} bytes; models.max_artifact_bytes "
                f"allows {self._max_artifact_bytes}",
                reason="ARTIFACT_REFUSED",
                artifact=artifact.file_name,
            )
        content = await self._worker.run(lambda: self._read(artifact), urgent=True)
        if content is not None:
            return content
        partial = self._folder / "partial" / artifact.sha256
        file = await self._worker.run(lambda: _open(partial), urgent=True)
        try:
            await self._complete(file, artifact, download)
        finally:
            await self._worker.run(file.close, urgent=True)
        return await self._worker.run(lambda: self._adopt(partial, artifact), urgent=True)

    async def _complete(
        self,
        file: BinaryIO,
        artifact: ArtifactDigest,
        download: Callable[[int], AsyncGenerator[bytes, None]],
    ) -> None:
        there = file.tell()
        if there >= artifact.size_bytes:
            return
        async with aclosing(download(there)) as chunks:
            async for chunk in chunks:
                await self._worker.run(lambda data=chunk: file.write(data), urgent=True)  # type: ignore[misc]
                there += len(chunk)
                if there > artifact.size_bytes:
                    return  # its digest will not match

    def _read(self, artifact: ArtifactDigest) -> bytes | None:
        path = self._path(artifact.sha256)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            log.error("cached artifact is damaged; fetching it again", path=str(path))
            path.unlink(missing_ok=True)
            return None
        return content

    def _adopt(self, partial: Path, artifact: ArtifactDigest) -> bytes:
        content = partial.read_bytes()
        if len(content) < artifact.size_bytes:
            raise DataLoss(
                f"{artifact.file_name} ended after {len(content)} of {artifact.size_bytes} bytes",
                reason="DIGEST_MISMATCH",
                artifact=artifact.file_name,
            )
        digest = hashlib.sha256(content).hexdigest()
        if digest != artifact.sha256 or len(content) != artifact.size_bytes:
            partial.unlink()
            raise DataLoss(
                f"{artifact.file_name} arrived with SHA-256 {digest}, not {artifact.sha256}; "
                "its bytes were changed after it was published",
                reason="DIGEST_MISMATCH",
                artifact=artifact.file_name,
            )
        path = self._path(artifact.sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        return content

    def _path(self, sha256: str) -> Path:
        return self._folder / "sha256" / sha256[:2] / sha256[2:]


def _open(partial: Path) -> BinaryIO:
    partial.parent.mkdir(parents=True, exist_ok=True)
    return partial.open("ab")
