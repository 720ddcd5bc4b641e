"""Artifacts as objects named by their SHA-256: ``s3://<bucket>/<prefix>/sha256/ab/cdef…``.

An upload arrives, is hashed and is looked into on the local disk (`file_staging`), then one PUT
makes the object: it is whole or not there. Each request carries a SHA-256 of its body that the
server compares, and a download is hashed again.

Not modelled: removal of the parts that a kill leaves of an object of more than 64 MiB, which is
sent in parts; no reader sees them, and a lifecycle rule of the bucket clears them. Two repositories
on one prefix.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import structlog
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from mms_repository.adapters.blobs import PIECE_BYTES, blob_name, damaged, gone
from mms_repository.adapters.staged_artifacts import StagedArtifacts
from mms_repository.manifests import Artifact
from mms_repository.storage import S3Location
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config  # exists for type checkers only

_WHOLE_BYTES = 64 * 1024 * 1024  # up to here one PUT; beyond, parts of this size
_PREFIX = "sha256/"

log = structlog.get_logger(__name__)


class S3Artifacts(StagedArtifacts):
    """The port `ArtifactStore` on S3-compatible storage.

    Credentials come from where S3 tools look: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in
    the environment, or the role of the machine.

    Args:
        location: Of the objects.
        folder: For uploads on their way in, made if absent.
        timeout_s: Of one request, which is repeated twice at most.
    """

    def __init__(self, location: S3Location, folder: Path, *, timeout_s: float) -> None:
        super().__init__(folder)
        self._location = location
        self._store = _store(location, timedelta(seconds=timeout_s))

    async def open(self) -> None:
        """Take the folder and clear what unfinished uploads left in it.

        Storage that does not answer is said so and waited for: versions can be looked up without.

        Raises:
            ConfigurationError: The folder cannot be written, another process has it, there is no
                such bucket, or the credentials are not accepted.
        """
        await super().open()
        try:
            with self._outage_is_told():
                await obstore.list_with_delimiter_async(self._store)
        except Unavailable as error:
            if _is_wrong_setting(error.__cause__):
                await self.close()
                raise ConfigurationError(f"setting artifacts.url: {error.message}") from error
            log.warning("artifact store does not answer", error=error.message)

    async def read(self, artifact: Artifact, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of an artifact from `offset_bytes` on, in pieces of at most 1 MiB.

        A read from the start is hashed; one that begins later is the reader's to verify.
        """
        key = _PREFIX + blob_name(artifact.sha256)
        digest = hashlib.sha256()
        with self._outage_is_told():
            try:
                size_bytes = (await obstore.head_async(self._store, key))["size"]
            except FileNotFoundError as error:
                raise gone(artifact) from error
            if size_bytes != artifact.size_bytes:
                raise damaged(artifact, f"has {size_bytes} bytes in the store")
            if offset_bytes == size_bytes:
                return
            found = await obstore.get_async(
                self._store, key, options={"range": {"offset": offset_bytes}}
            )
            async for received in found.stream(min_chunk_size=PIECE_BYTES):
                content = memoryview(received)
                for start in range(0, len(content), PIECE_BYTES):
                    piece = bytes(content[start : start + PIECE_BYTES])
                    await self._run(partial(digest.update, piece))
                    yield piece
        if offset_bytes == 0 and digest.hexdigest() != artifact.sha256:
            raise damaged(artifact, f"has digest {digest.hexdigest()} in the store")

    async def digests_before(self, time: datetime) -> Sequence[str]:
        """Digests of what was stored before `time`."""
        with self._outage_is_told():
            return [
                meta["path"].removeprefix(_PREFIX).replace("/", "")
                async for batch in obstore.list(self._store, prefix=_PREFIX)
                for meta in batch
                if meta["last_modified"] < time
            ]

    async def remove(self, digests: Sequence[str]) -> None:
        """Delete these objects."""
        keys = [_PREFIX + blob_name(digest) for digest in digests]
        if keys:
            with self._outage_is_told():
                await obstore.delete_async(self._store, keys)

    async def _keep(self, sealed: Mapping[str, Path]) -> None:
        with self._outage_is_told():
            for sha256, path in sealed.items():
                key = _PREFIX + blob_name(sha256)
                # Over what may be there: the same bytes, or damaged ones that are healed so.
                await obstore.put_async(
                    self._store,
                    key,
                    path,
                    use_multipart=path.stat().st_size > _WHOLE_BYTES,
                    chunk_size=_WHOLE_BYTES,
                    max_concurrency=2,
                )

    @contextmanager
    def _outage_is_told(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            first_line = str(error).partition("\n")[0]
            raise Unavailable(
                f"artifact store {self._location.bucket} does not serve; try again when it does "
                f"({first_line})",
                reason="PEER_UNAVAILABLE",
                peer=self._location.bucket,
            ) from error


def _is_wrong_setting(cause: BaseException | None) -> bool:
    refused = isinstance(cause, (PermissionDeniedError, UnauthenticatedError, PermissionError))
    return refused or "NoSuchBucket" in str(cause)


def _store(location: S3Location, timeout: timedelta) -> S3Store:
    config: S3Config = {"region": location.region, "checksum_algorithm": "SHA256"}
    if location.endpoint:
        config["endpoint"] = location.endpoint
    return S3Store(
        location.bucket,
        prefix=location.prefix or None,
        config=config,
        client_options={
            "timeout": timeout,
            "connect_timeout": timeout,
            "allow_http": location.endpoint.startswith("http://"),
        },
        retry_config={
            "max_retries": 2,
            "retry_timeout": timeout,
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
    )
