"""What the repository does with models and versions once they are there.

Publication has its own module, `publication`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from mms_repository.groups import check_moves_alone
from mms_repository.models import Model, moves_of
from mms_repository.names import (
    CHAMPION,
    check_alias,
    check_file_name,
    check_identifier,
    check_model_name,
    check_text,
    check_version_number,
    invalid_field,
)
from mms_repository.pages import Page, PageRequest
from mms_repository.ports import ArtifactStore, ModelReader, ModelStore, ModelWriter
from mms_repository.searches import VersionFilter
from mms_repository.uploads import check_kpis
from mms_repository.versions import (
    AliasChange,
    HistoryEntry,
    ModelVersion,
    PositionedEntry,
    StateChange,
    Verb,
    VersionState,
)
from nf_runtime.clock import Clock
from nf_runtime.errors import AlreadyExists, DataLoss, NotFound

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
class Author:
    """Who changes something, and why."""

    actor: str
    reason: str

    def check(self) -> None:
        """Returns if both are said.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        check_identifier(self.actor, field="actor")
        check_text(self.reason, field="reason")


@dataclass(frozen=True)
class Lineage:
    """Where a version comes from, nearest first, and what came from it, oldest first."""

    ancestors: Sequence[ModelVersion]
    descendants: Sequence[ModelVersion]


class ModelRepository:
    """`MLModelRepository` (TS 28.105 7.2a.2.2).

    All methods raise InvalidArgument (INVALID_FIELD) for malformed arguments and NotFound
    (RESOURCE_NOT_FOUND) for a model, version, alias or file that does not exist.

    Args:
        store: Models, versions, aliases, history.
        artifacts: Bytes.
        clock: For the time of changes.
    """

    def __init__(self, *, store: ModelStore, artifacts: ArtifactStore, clock: Clock) -> None:
        self._store = store
        self._artifacts = artifacts
        self._clock = clock

    async def create_model(
        self, model_name: str, *, aiml_inference_name: str, description: str
    ) -> Model:
        """The model, made unless it exists and is the same.

        Raises:
            AlreadyExists: RESOURCE_EXISTS, and it differs.
        """
        model = Model(model_name, aiml_inference_name, description, self._clock.now())
        model.check()

        def create(writer: ModelWriter) -> Model:
            existing = writer.model(model_name)
            if existing is None:
                writer.add_model(model)
                return model
            if not existing.same_as(model):
                raise AlreadyExists(
                    f"model {model_name} exists with another inference name or description; "
                    "choose another name",
                    reason="RESOURCE_EXISTS",
                    resource=model_name,
                )
            return existing

        return await self._store.write(create)

    async def get_model(self, model_name: str) -> Model:
        """The model of that name."""
        check_model_name(model_name)
        return await self._store.read(partial(_model, model_name))

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
        return await self._store.read(partial(_version, key))

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
                _model(model_name, reader)
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
                _model(model_name, reader)
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
            _version(key, reader)
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
        version = await self._store.read(partial(_version, key))
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

    async def set_alias(self, key: VersionKey, alias: str, author: Author) -> Model:
        """The model after `alias` points to the version; unchanged if it did before.

        Moving `champion` moves `previous` to the version that it pointed to.

        Raises:
            FailedPrecondition: MODEL_NOT_APPROVED, STATE_FORBIDS.
        """
        key.check()
        check_alias(alias)
        author.check()

        def point(writer: ModelWriter) -> Model:
            model = _model(key.model_name, writer)
            version = _version(key, writer)
            moves = moves_of(model, alias, version, now=self._clock.now())
            if alias == CHAMPION and moves:
                former = model.aliases.get(CHAMPION)
                former_version = former and writer.version(key.model_name, former)
                check_moves_alone(version, former_version or None)
            for move in moves:
                writer.move_alias(model.model_name, move)
                change = AliasChange(move.alias, move.previous_version)
                writer.record(self._entry(model.model_name, move.version, change, author))
            moved = {move.alias: move.version for move in moves}
            return replace(model, aliases={**model.aliases, **moved})

        return await self._store.write(point)

    async def record_test_result(
        self,
        key: VersionKey,
        author: Author,
        *,
        passed: bool,
        metrics: Mapping[str, float],
        test_set: str = "",
        etag: str = "",
    ) -> ModelVersion:
        """The version, TESTED or REJECTED, with the test's figures.

        They are named ``test.<name>``, or ``test.<test_set>/<name>`` where a set is named.

        Raises:
            FailedPrecondition: STATE_FORBIDS.
            Aborted: ETAG_MISMATCH.
        """
        prefix = f"test.{test_set}/" if test_set else "test."
        figures = {f"{prefix}{name}": value for name, value in metrics.items()}
        check_kpis(figures)
        verb = Verb.PASS if passed else Verb.FAIL
        return await self._change(verb, key, author, etag=etag, figures=figures)

    async def approve(self, key: VersionKey, author: Author, *, etag: str = "") -> ModelVersion:
        """The version, APPROVED.

        Raises:
            FailedPrecondition: STATE_FORBIDS.
            Aborted: ETAG_MISMATCH.
        """
        return await self._change(Verb.APPROVE, key, author, etag=etag)

    async def reject(self, key: VersionKey, author: Author, *, etag: str = "") -> ModelVersion:
        """The version, REJECTED; not while it is the champion.

        Raises:
            FailedPrecondition: STATE_FORBIDS.
            Aborted: ETAG_MISMATCH.
        """
        return await self._change(Verb.REJECT, key, author, etag=etag)

    async def archive(self, key: VersionKey, author: Author, *, etag: str = "") -> ModelVersion:
        """The version, ARCHIVED; not while an alias points to it.

        Raises:
            FailedPrecondition: STATE_FORBIDS.
            Aborted: ETAG_MISMATCH.
        """
        return await self._change(Verb.ARCHIVE, key, author, etag=etag)

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
            _model(model_name, reader)
            if version:
                _version(VersionKey(model_name, version), reader)
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

    async def _change(
        self,
        verb: Verb,
        key: VersionKey,
        author: Author,
        *,
        etag: str,
        figures: Mapping[str, float] | None = None,
    ) -> ModelVersion:
        key.check()
        author.check()

        def change(writer: ModelWriter) -> ModelVersion:
            version = _version(key, writer)
            version.check_etag(etag)
            if verb is Verb.APPROVE:
                check_moves_alone(version)
            state = version.state_after(verb)
            kpis = {**version.kpis, **(figures or {})}
            check_kpis(kpis)
            changed = writer.change_version(version, state=state, kpis=kpis)
            change = StateChange(version.state, state)
            writer.record(self._entry(key.model_name, key.version, change, author))
            return changed

        return await self._store.write(change)

    def _entry(
        self, model_name: str, version: int, change: StateChange | AliasChange, author: Author
    ) -> HistoryEntry:
        now = self._clock.now()
        return HistoryEntry(model_name, version, change, author.actor, author.reason, now)


def _changes(
    model_name: str | None, after: int, reader: ModelReader
) -> tuple[Sequence[PositionedEntry], int]:
    entries = reader.history(model_name=model_name, version=None, after=after, limit=_WATCH_BATCH)
    return entries, reader.last_position()


def _model(model_name: str, reader: ModelReader) -> Model:
    model = reader.model(model_name)
    if model is None:
        raise _not_found(model_name, "does not exist; list the models")
    return model


def _version(key: VersionKey, reader: ModelReader) -> ModelVersion:
    version = reader.version(key.model_name, key.version)
    if version is None:
        raise _not_found(f"{key.model_name}@{key.version}", "does not exist; list the versions")
    return version


def _not_found(resource: str, what: str) -> NotFound:
    return NotFound(f"{resource} {what}", reason="RESOURCE_NOT_FOUND", resource=resource)
