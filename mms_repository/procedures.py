"""What changes models and versions once they are there.

`lookups` has what only reads, `publication` how versions come in, `coordination` groups of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mms_repository.descriptions import check_labels
from mms_repository.groups import check_moves_alone
from mms_repository.lookups import Lookups, VersionKey, existing_model, existing_version
from mms_repository.models import Model, moves_of
from mms_repository.names import CHAMPION, check_alias, check_identifier, check_text
from mms_repository.ports import ArtifactStore, ModelStore, ModelWriter
from mms_repository.uploads import check_kpis
from mms_repository.versions import (
    AliasChange,
    Change,
    HistoryEntry,
    LabelChange,
    ModelVersion,
    StateChange,
    Verb,
)
from nf_runtime.clock import Clock
from nf_runtime.errors import AlreadyExists


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


class ModelRepository(Lookups):
    """`MLModelRepository` (TS 28.105 7.2a.2.2).

    All methods raise InvalidArgument (INVALID_FIELD) for malformed arguments and NotFound
    (RESOURCE_NOT_FOUND) for a model, version, alias or file that does not exist.

    Args:
        store: Models, versions, aliases, history.
        artifacts: Bytes.
        clock: For the time of changes.
    """

    def __init__(self, *, store: ModelStore, artifacts: ArtifactStore, clock: Clock) -> None:
        super().__init__(store=store, artifacts=artifacts)
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
            model = existing_model(key.model_name, writer)
            version = existing_version(key, writer)
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

    async def set_labels(
        self, key: VersionKey, labels: Mapping[str, str], author: Author, *, etag: str = ""
    ) -> ModelVersion:
        """The version with these labels and no others; unchanged if it had them before.

        Raises:
            Aborted: ETAG_MISMATCH.
        """
        key.check()
        author.check()
        check_labels(labels)

        def change(writer: ModelWriter) -> ModelVersion:
            version = existing_version(key, writer)
            version.check_etag(etag)
            if version.description.labels == labels:
                return version
            changed = writer.change_labels(version, labels)
            writer.record(self._entry(key.model_name, key.version, LabelChange(labels), author))
            return changed

        return await self._store.write(change)

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
            version = existing_version(key, writer)
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

    def _entry(self, model_name: str, version: int, change: Change, author: Author) -> HistoryEntry:
        now = self._clock.now()
        return HistoryEntry(model_name, version, change, author.actor, author.reason, now)
