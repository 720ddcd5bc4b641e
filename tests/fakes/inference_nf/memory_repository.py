# ruff: noqa: D102 - the ports describe them
"""A model repository, a cache, trusted keys and a store of the model set in memory."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.tiny_models import TinyVersion

from inference_nf.comparison import Comparison
from inference_nf.loaded_models import ModelSet
from inference_nf.releases import ModelKey, ModelRelease
from nf_runtime.errors import DataLoss, NotFound, Unavailable
from nf_runtime.signing import ArtifactDigest, SignedManifest, TrustedKeys


class MemoryRepository:
    """Versions by key and alias. While `missing`, nothing answers."""

    def __init__(self, *versions: TinyVersion) -> None:
        self.versions = {version.key: version for version in versions}
        self.aliases: dict[str, int] = {}
        self.groups: dict[str, list[ModelKey]] = {}
        self.missing = False
        self.breaks = 0  # so many downloads end after their first byte
        self.served: list[tuple[str, int]] = []  # file name, offset
        self.hold: asyncio.Event | None = None  # downloads wait for it

    async def resolve(self, model_name: str, selector: int | str) -> ModelRelease:
        self._answer()
        number = selector if isinstance(selector, int) else self.aliases.get(selector, 0)
        version = self.versions.get(ModelKey(model_name, number))
        if version is None:
            raise NotFound("no such version", reason="RESOURCE_NOT_FOUND", resource=model_name)
        return version.release

    async def members(self, group_name: str) -> Sequence[ModelKey]:
        self._answer()
        if group_name not in self.groups:
            raise NotFound("no such group", reason="RESOURCE_NOT_FOUND", resource=group_name)
        return self.groups[group_name]

    async def download(
        self, key: ModelKey, file_name: str, *, offset_bytes: int
    ) -> AsyncGenerator[bytes, None]:
        self._answer()
        if self.hold is not None:
            await self.hold.wait()
        self.served.append((file_name, offset_bytes))
        content = self.versions[key].served(file_name)[offset_bytes:]
        yield content[:1]
        if self.breaks > 0:
            self.breaks -= 1
            raise Unavailable("the stream broke", reason="PEER_UNAVAILABLE", peer="mms_repository")
        yield content[1:]

    def _answer(self) -> None:
        if self.missing:
            raise Unavailable("not there", reason="PEER_UNAVAILABLE", peer="mms_repository")


class MemoryCache:
    """Files by digest; an interrupted download is kept, as on a disk."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.partial: dict[str, bytes] = {}

    async def fetch(
        self, artifact: ArtifactDigest, download: Callable[[int], AsyncGenerator[bytes, None]]
    ) -> bytes:
        if artifact.sha256 not in self.files:
            there = self.partial.get(artifact.sha256, b"")
            async for chunk in download(len(there)):
                there += chunk
                self.partial[artifact.sha256] = there
            del self.partial[artifact.sha256]
            if hashlib.sha256(there).hexdigest() != artifact.sha256:
                raise DataLoss("not what was published", reason="DIGEST_MISMATCH")
            self.files[artifact.sha256] = there
        return self.files[artifact.sha256]


class MemoryKeys:
    """Trusts the key of `support.tiny_models`."""

    def __init__(self) -> None:
        private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self._keys = TrustedKeys([private.public_key()])

    def verify(self, manifest: SignedManifest, *, key_id: str, signature: bytes) -> None:
        self._keys.verify(manifest, key_id=key_id, signature=signature)


class MemoryModelStore:
    """Keeps the set; fails while `missing`."""

    def __init__(self) -> None:
        self.saved = ModelSet()
        self.missing = False

    async def model_set(self) -> ModelSet:
        return self.saved

    async def save_model_set(self, models: ModelSet) -> None:
        if self.missing:
            raise Unavailable("not there", reason="PEER_UNAVAILABLE", peer="database")
        self.saved = models


class MemoryShadowStore:
    """Keeps the comparison; fails while `missing`."""

    def __init__(self) -> None:
        self.saved: Comparison | None = None
        self.missing = False

    async def shadow(self) -> Comparison | None:
        return self.saved

    async def save_shadow(self, comparison: Comparison | None) -> None:
        if self.missing:
            raise Unavailable("not there", reason="PEER_UNAVAILABLE", peer="database")
        self.saved = comparison
