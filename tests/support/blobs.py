"""The bytes of a repository as they lie in its store, seen and spoilt from outside."""

from pathlib import Path
from typing import Protocol

import obstore
from obstore.store import S3Store

from mms_repository.config import ArtifactSettings
from mms_repository.storage import S3Location


class Blobs(Protocol):
    """What lies in a store, by digest."""

    def digests(self) -> set[str]:
        """Of all that is stored."""
        ...

    def write(self, sha256: str, content: bytes) -> None:
        """Put these bytes there, right or wrong."""
        ...

    def remove(self, sha256: str) -> None:
        """Lose them."""
        ...


class FolderBlobs:
    """In the folder of `FileArtifacts`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "sha256"

    def digests(self) -> set[str]:
        """Of all that is stored."""
        return {path.parent.name + path.name for path in self._folder.glob("*/*")}

    def write(self, sha256: str, content: bytes) -> None:
        """Put these bytes there, right or wrong."""
        self._path(sha256).write_bytes(content)

    def remove(self, sha256: str) -> None:
        """Lose them."""
        self._path(sha256).unlink()

    def _path(self, sha256: str) -> Path:
        return self._folder / _key(sha256)


class BucketBlobs:
    """Under the prefix of `S3Artifacts`; credentials come from the environment, as its own do."""

    def __init__(self, location: S3Location) -> None:
        self._store = S3Store(
            location.bucket,
            prefix=f"{location.prefix}/sha256",
            config={"endpoint": location.endpoint, "region": location.region},
            client_options={"allow_http": True},
        )

    def digests(self) -> set[str]:
        """Of all that is stored."""
        return {
            meta["path"].replace("/", "") for batch in obstore.list(self._store) for meta in batch
        }

    def write(self, sha256: str, content: bytes) -> None:
        """Put these bytes there, right or wrong."""
        obstore.put(self._store, _key(sha256), content)

    def remove(self, sha256: str) -> None:
        """Lose them."""
        obstore.delete(self._store, _key(sha256))


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:]}"


def blobs_of(settings: ArtifactSettings) -> Blobs:
    """Those of the store that the settings name."""
    if settings.url:
        return BucketBlobs(S3Location.parse(settings.url))
    return FolderBlobs(settings.folder)
