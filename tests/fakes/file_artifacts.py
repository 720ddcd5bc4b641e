# ruff: noqa: D102 - the port describes them
"""The bytes of the model repository in memory: the port `ArtifactStore` without a disk."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from mms_repository.manifests import Artifact


class MemoryStaging:
    """The port `Staging`."""

    def __init__(self, store: "MemoryArtifacts") -> None:
        self._store = store
        self.contents: dict[str, bytes] = {}

    async def append(self, artifact: Artifact, data: bytes) -> None:
        self.contents[artifact.file_name] = self.contents.get(artifact.file_name, b"") + data

    async def seal(self, artifact: Artifact) -> str:
        return hashlib.sha256(self.contents[artifact.file_name]).hexdigest()

    def path(self, artifact: Artifact) -> Path:
        return Path("/nowhere") / artifact.file_name

    async def keep(self) -> None:
        for content in self.contents.values():
            self._store.blobs[hashlib.sha256(content).hexdigest()] = content


class MemoryArtifacts:
    """The port `ArtifactStore`.

    Attributes:
        blobs: What is stored, by digest.
        stored: When each was stored; absent means before all time.
        staged: Uploads that are open.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.stored: dict[str, datetime] = {}
        self.staged: list[MemoryStaging] = []

    @asynccontextmanager
    async def staging(self) -> AsyncIterator[MemoryStaging]:
        staging = MemoryStaging(self)
        self.staged.append(staging)
        try:
            yield staging
        finally:
            self.staged.remove(staging)

    async def read(self, artifact: Artifact, *, offset_bytes: int) -> AsyncIterator[bytes]:
        yield self.blobs[artifact.sha256][offset_bytes:]

    async def digests_before(self, time: datetime) -> Sequence[str]:
        return [
            digest
            for digest in self.blobs
            if digest not in self.stored or self.stored[digest] < time
        ]

    async def remove(self, digests: Sequence[str]) -> None:
        for digest in digests:
            del self.blobs[digest]
