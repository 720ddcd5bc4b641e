"""Models, versions and history read from the tables, within one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, or_, select

from mms_repository.adapters import tables
from mms_repository.manifests import Artifact, ArtifactKind, Manifest, Signature
from mms_repository.models import Model
from mms_repository.versions import (
    AliasChange,
    HistoryEntry,
    ModelVersion,
    PositionedEntry,
    StateChange,
    VersionState,
)


class SqlReader:
    """The port `ModelReader` within the transaction of `connection`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def model(self, model_name: str) -> Model | None:
        """The model of that name."""
        found = self._models(select(tables.models).where(tables.models.c.model_name == model_name))
        return found[0] if found else None

    def models(self, *, after: str | None, limit: int) -> Sequence[Model]:
        """Models by name, those after `after`."""
        name = tables.models.c.model_name
        query = select(tables.models).order_by(name).limit(limit)
        return self._models(query if after is None else query.where(name > after))

    def version(self, model_name: str, number: int) -> ModelVersion | None:
        """The version of that number."""
        columns = tables.versions.c
        found = self._versions(
            select(tables.versions).where(
                columns.model_name == model_name, columns.version == number
            )
        )
        return found[0] if found else None

    def versions(
        self, model_name: str, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        """Versions of a model, newest first, those before `before`."""
        columns = tables.versions.c
        query = (
            select(tables.versions)
            .where(columns.model_name == model_name)
            .order_by(columns.version.desc())
            .limit(limit)
        )
        return self._versions(query if before is None else query.where(columns.version < before))

    def version_of_request(self, request_id: str) -> ModelVersion | None:
        """The version that the upload with this request id made."""
        found = self._versions(
            select(tables.versions).where(tables.versions.c.request_id == request_id)
        )
        return found[0] if found else None

    def history(
        self, *, model_name: str | None, version: int | None, after: int, limit: int
    ) -> Sequence[PositionedEntry]:
        """Changes after position `after`, oldest first."""
        columns = tables.history.c
        query = (
            select(tables.history)
            .where(columns.position > after)
            .order_by(columns.position)
            .limit(limit)
        )
        if model_name is not None:
            query = query.where(columns.model_name == model_name)
        if version is not None:
            query = query.where(columns.version == version)
        return [_entry(row) for row in self.connection.execute(query)]

    def last_position(self) -> int:
        """Position of the last change; 0 before the first."""
        position: int = self.connection.execute(
            select(tables.repository.c.last_position)
        ).scalar_one()
        return position

    def artifact_digests(self, *, archived_before: datetime | None) -> frozenset[str]:
        """SHA-256 of every artifact of every version, but of those last archived before then."""
        query = select(tables.artifacts.c.sha256).distinct()
        if archived_before is not None:
            version, history = tables.versions.c, tables.history.c
            archived_since = exists().where(
                history.model_name == version.model_name,
                history.version == version.version,
                history.to_state == VersionState.ARCHIVED,
                history.change_time >= archived_before,
            )
            query = query.join(tables.versions).where(
                or_(version.state != VersionState.ARCHIVED, archived_since)
            )
        return frozenset(self.connection.execute(query).scalars())

    def _models(self, query: Select[Any]) -> list[Model]:
        rows = self.connection.execute(query).all()
        names = [row.model_name for row in rows]
        pointers: dict[str, dict[str, int]] = defaultdict(dict)
        for row in self.connection.execute(
            select(tables.aliases).where(tables.aliases.c.model_name.in_(names))
        ):
            pointers[row.model_name][row.alias] = row.version
        return [
            Model(
                model_name=row.model_name,
                aiml_inference_name=row.aiml_inference_name,
                description=row.description,
                create_time=row.create_time,
                latest_version=row.latest_version,
                aliases=pointers[row.model_name],
            )
            for row in rows
        ]

    def _versions(self, query: Select[Any]) -> list[ModelVersion]:
        """The versions that the query finds; all of one model."""
        rows = self.connection.execute(query).all()
        if not rows:
            return []
        ids = [row.model_unique_id for row in rows]
        artifacts: dict[int, list[Artifact]] = defaultdict(list)
        columns = tables.artifacts.c
        for row in self.connection.execute(
            select(tables.artifacts)
            .where(columns.model_unique_id.in_(ids))
            .order_by(columns.model_unique_id, columns.ordinal)
        ):
            artifacts[row.model_unique_id].append(
                Artifact(row.file_name, ArtifactKind(row.kind), row.sha256, row.size_bytes)
            )
        kpis: dict[int, dict[str, float]] = defaultdict(dict)
        for row in self.connection.execute(
            select(tables.kpis).where(tables.kpis.c.model_unique_id.in_(ids))
        ):
            kpis[row.model_unique_id][row.name] = row.value
        aliases: dict[int, list[str]] = defaultdict(list)
        for row in self.connection.execute(
            select(tables.aliases)
            .where(tables.aliases.c.model_name == rows[0].model_name)
            .order_by(tables.aliases.c.alias)
        ):
            aliases[row.version].append(row.alias)
        return [
            _version(
                row, artifacts[row.model_unique_id], kpis[row.model_unique_id], aliases[row.version]
            )
            for row in rows
        ]


def _version(
    row: Row[Any],
    artifacts: Sequence[Artifact],
    kpis: Mapping[str, float],
    aliases: Sequence[str],
) -> ModelVersion:
    return ModelVersion(
        model_name=row.model_name,
        version=row.version,
        model_unique_id=row.model_unique_id,
        state=VersionState(row.state),
        manifest=Manifest(row.model_name, row.source_version, tuple(artifacts)),
        signature=Signature(row.key_id, row.signature),
        kpis=kpis,
        training_job_id=row.training_job_id,
        create_time=row.create_time,
        revision=row.revision,
        aliases=tuple(aliases),
    )


def _entry(row: Row[Any]) -> PositionedEntry:
    change: StateChange | AliasChange
    if row.alias is not None:
        change = AliasChange(row.alias, row.previous_version)
    else:
        before = None if row.from_state is None else VersionState(row.from_state)
        change = StateChange(before, VersionState(row.to_state))
    entry = HistoryEntry(
        row.model_name, row.version, change, row.actor, row.reason, row.change_time
    )
    return PositionedEntry(row.position, entry)
