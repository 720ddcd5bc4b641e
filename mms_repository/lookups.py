"""What the repository tells about models, versions and their changes, without changing any."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mms_repository.models import Model
from mms_repository.names import (
    check_alias,
    check_file_name,
    check_model_name,
    check_version_number,
    invalid_field,
)
from mms_repository.pages import Page, PageRequest
from mms_repository.ports import ArtifactStore, ModelReader, ModelStore
from mms_repository.searches import VersionFilter
from mms_repository.versions import ModelVersion, PositionedEntry, VersionState
from nf_runtime.errors import DataLoss, NotFound

_WATCH_BATCH = 100
_MAX_DESCENDANTS = 1000


@dataclass(frozen=True)
class VersionKey:
    """Which version."""

    model_name: str
    version: int

    def check(self) -> None:
        """Returns if both parts are allowed.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        check_model_name(self.model_name)
        check_version_number(self.version)


@dataclass(frozen=True)
class Lineage:
    """Where a version comes from, nearest first, and what came from it, oldest first."""

    ancestors: Sequence[ModelVersion]
    descendants: Sequence[ModelVersion]


class Lookups:
    """The part of `procedures.ModelRepository` that only reads.

    All methods raise InvalidArgument (INVALID_FIELD) for malformed arguments and NotFound
    (RESOURCE_NOT_FOUND) for a model, version, alias or file that does not exist.

    Args:
        store: Models, versions, aliases, history.
        artifacts: Bytes.
    """

    def __init__(self, *, store: ModelStore, artifacts: ArtifactStore) -> None:
        self._store = store
        self._artifacts = artifacts

    async def get_model(self, model_name: str) -> Model:
        """The model of that name."""
        check_model_name(model_name)
        return await self._store.read(partial(existing_model, model_name))

    async def list_models(self, *, page_size: int, page_token: str) -> Page[Model]:
        """Models by name."""
        request = PageRequest.parse("models", size=page_size, token=page_token, key=str)
        models = await self._store.read(
            lambda reader: reader.models(after=request.after, limit=request.size + 1)
        )
        return request.page(models, lambda model: model.model_name)

    async def get_version(self, key: VersionKey) -> ModelVersion:
        """The version of that number."""
        key.check()
        return await self._store.read(partial(existing_version, key))

    async def get_version_by_alias(
        self, model_name: str, alias: str, *, at_time: datetime | None = None
    ) -> ModelVersion:
        """The version to which the alias points now, or pointed at a time."""
        check_model_name(model_name)
        check_alias(alias)

        def resolve(reader: ModelReader) -> ModelVersion:
            if at_time is None:
                version = reader.version_at_alias(model_name, alias)
            else:
                number = reader.alias_at(model_name, alias, at_time)
                version = (number and reader.version(model_name, number)) or None
            if version is None:
                existing_model(model_name, reader)
                when = f" at {at_time.isoformat()}" if at_time else ""
                raise _not_found(
                    f"{model_name}@{alias}{when}", "points to no version; see the history"
                )
            return version

        return await self._store.read(resolve)

    async def list_versions(
        self, model_name: str, *, page_size: int, page_token: str
    ) -> Page[ModelVersion]:
        """Versions of a model, newest first."""
        check_model_name(model_name)
        scope = f"versions/{model_name}"
        request = PageRequest.parse(scope, size=page_size, token=page_token, key=int)

        def look(reader: ModelReader) -> Page[ModelVersion]:
            found = reader.versions(model_name, before=request.after, limit=request.size + 1)
            if not found:
                existing_model(model_name, reader)
            return request.page(found, lambda version: version.version)

        return await self._store.read(look)

    async def search(
        self, wanted: VersionFilter, *, page_size: int, page_token: str
    ) -> Page[ModelVersion]:
        """Versions of all models that meet the filter, newest first."""
        wanted.check()
        request = PageRequest.parse(wanted.scope(), size=page_size, token=page_token, key=int)
        found = await self._store.read(
            lambda reader: reader.search(wanted, before=request.after, limit=request.size + 1)
        )
        return request.page(found, lambda version: version.model_unique_id)

    async def lineage(self, key: VersionKey) -> Lineage:
        """What a version was trained from and what was trained from it."""
        key.check()

        def look(reader: ModelReader) -> Lineage:
            existing_version(key, reader)
            return Lineage(
                ancestors=reader.ancestors(key.model_name, key.version),
                descendants=reader.descendants(key.model_name, key.version, limit=_MAX_DESCENDANTS),
            )

        return await self._store.read(look)

    async def read_artifact(
        self, key: VersionKey, file_name: str, *, offset_bytes: int
    ) -> AsyncIterator[bytes]:
        """The bytes of an artifact from `offset_bytes` on, in pieces of at most 1 MiB.

        Raises:
            DataLoss: DIGEST_MISMATCH, the stored bytes are damaged.
        """
        key.check()
        check_file_name(file_name)
        version = await self._store.read(partial(existing_version, key))
        artifact = version.manifest.artifact(file_name)
        if artifact is None:
            raise _not_found(f"{version.label}/{file_name}", "has no such file; see its manifest")
        if not 0 <= offset_bytes <= artifact.size_bytes:
            raise invalid_field(
                "offset_bytes", f"is {offset_bytes}; {file_name} has {artifact.size_bytes} bytes"
            )
        try:
            async for piece in self._artifacts.read(artifact, offset_bytes=offset_bytes):
                yield piece
        except DataLoss as error:
            if version.state is VersionState.ARCHIVED and "gone" in error.metadata:
                raise _not_found(
                    f"{version.label}/{file_name}",
                    "is archived and its bytes are no longer kept; publish them again",
                ) from error
            raise

    async def list_history(
        self, model_name: str, *, version: int, page_size: int, page_token: str
    ) -> Page[PositionedEntry]:
        """Changes of a model's versions (0: all of them) and aliases, oldest first."""
        check_model_name(model_name)
        if version:
            check_version_number(version)
        scope = f"history/{model_name}/{version}"
        request = PageRequest.parse(scope, size=page_size, token=page_token, key=int)

        def look(reader: ModelReader) -> Page[PositionedEntry]:
            existing_model(model_name, reader)
            if version:
                existing_version(VersionKey(model_name, version), reader)
            entries = reader.history(
                model_name=model_name,
                version=version or None,
                after=request.after or 0,
                limit=request.size + 1,
            )
            return request.page(entries, lambda entry: entry.position)

        return await self._store.read(look)

    async def watch_position(self, model_name: str, *, resume_after: int) -> int:
        """The position after which a watch begins: `resume_after`, or the last one for 0."""
        if model_name:
            check_model_name(model_name)
        last = await self._store.read(lambda reader: reader.last_position())
        if not 0 <= resume_after <= last:
            raise invalid_field(
                "resume_after", f"is {resume_after}; the last change has position {last}"
            )
        return resume_after or last

    async def changes(self, model_name: str, *, after: int) -> AsyncIterator[PositionedEntry]:
        """Every change beyond position `after`, of one model or ("") of all; never ends.

        Not modelled: an upper bound on what is replayed; the history is kept for ever.
        """
        while True:
            entries, last = await self._store.read(partial(_changes, model_name or None, after))
            for entry in entries:
                yield entry
            if len(entries) == _WATCH_BATCH:
                after = entries[-1].position
            else:
                after = last
                await self._store.wait_for_change(after)


def _changes(
    model_name: str | None, after: int, reader: ModelReader
) -> tuple[Sequence[PositionedEntry], int]:
    entries = reader.history(model_name=model_name, version=None, after=after, limit=_WATCH_BATCH)
    return entries, reader.last_position()


def existing_model(model_name: str, reader: ModelReader) -> Model:
    """The model of that name; raises NotFound."""
    model = reader.model(model_name)
    if model is None:
        raise _not_found(model_name, "does not exist; list the models")
    return model


def existing_version(key: VersionKey, reader: ModelReader) -> ModelVersion:
    """The version of that number; raises NotFound."""
    version = reader.version(key.model_name, key.version)
    if version is None:
        raise _not_found(f"{key.model_name}@{key.version}", "does not exist; list the versions")
    return version


def _not_found(resource: str, what: str) -> NotFound:
    return NotFound(f"{resource} {what}", reason="RESOURCE_NOT_FOUND", resource=resource)
