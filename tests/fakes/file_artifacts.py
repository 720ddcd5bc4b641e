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

    def __init__(self, store: "MemoryArtifacts", contents: dict[str, bytes]) -> None:
        self._store = store
        self.contents = contents
        self.spoilt = False

    async def resume(self, artifacts: Sequence[Artifact]) -> Sequence[int]:
        return [len(self.contents.get(artifact.file_name, b"")) for artifact in artifacts]

    async def append(self, artifact: Artifact, data: bytes) -> None:
        self.contents[artifact.file_name] = self.contents.get(artifact.file_name, b"") + data

    async def seal(self, artifact: Artifact) -> str:
        return hashlib.sha256(self.contents[artifact.file_name]).hexdigest()

    def path(self, artifact: Artifact) -> Path:
        return Path("/nowhere") / artifact.file_name

    async def keep(self) -> None:
        for content in self.contents.values():
            self._store.blobs[hashlib.sha256(content).hexdigest()] = content
        self.spoil()

    def spoil(self) -> None:
        self.spoilt = True


class MemoryArtifacts:
    """The port `ArtifactStore`.

    Attributes:
        blobs: What is stored, by digest.
        stored: When each was stored; absent means before all time.
        staged: Uploads that are open.
        interrupted: Contents of those that may be continued.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.stored: dict[str, datetime] = {}
        self.staged: list[MemoryStaging] = []
        self.interrupted: dict[str, dict[str, bytes]] = {}

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    @asynccontextmanager
    async def staging(self, continued: str = "") -> AsyncIterator[MemoryStaging]:
        staging = MemoryStaging(self, self.interrupted.pop(continued, {}))
        self.staged.append(staging)
        try:
            yield staging
        finally:
            self.staged.remove(staging)
            if continued and not staging.spoilt:
                self.interrupted[continued] = staging.contents

    async def staged_bytes(self, continued: str, count: int) -> Sequence[int]:
        contents = self.interrupted.get(continued, {})
        sizes = [len(content) for content in contents.values()]
        return sizes + [0] * (count - len(sizes))

    async def remove_staged_before(self, time: datetime) -> int:
        count = len(self.interrupted)
        self.interrupted.clear()
        return count

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
