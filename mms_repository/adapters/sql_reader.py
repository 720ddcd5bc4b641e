"""Models, versions and history read from the tables, within one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, exists, or_, select

from mms_repository.adapters import tables
from mms_repository.adapters.known_versions import KnownVersions
from mms_repository.adapters.sql_descriptions import conditions_of, read_descriptions
from mms_repository.descriptions import TensorSignature
from mms_repository.groups import CoordinationGroup
from mms_repository.manifests import Artifact, ArtifactKind, Manifest, Signature
from mms_repository.models import Model
from mms_repository.searches import VersionFilter
from mms_repository.versions import (
    AliasChange,
    HistoryEntry,
    ModelVersion,
    PositionedEntry,
    StateChange,
    VersionState,
)


class SqlReader:
    """The port `ModelReader` within the transaction of `connection`.

    Args:
        connection: Of the transaction.
        known: Versions that were read before; None in a transaction that writes.
    """

    def __init__(self, connection: Connection, known: KnownVersions | None = None) -> None:
        self.connection = connection
        self._known = known

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

    def search(
        self, wanted: VersionFilter, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        """Versions that meet the filter, newest first, those with unique ids below `before`."""
        unique_id = tables.versions.c.model_unique_id
        query = select(tables.versions).where(*conditions_of(wanted))
        if before is not None:
            query = query.where(unique_id < before)
        return self._versions(query.order_by(unique_id.desc()).limit(limit))

    def ancestors(self, model_name: str, number: int) -> Sequence[ModelVersion]:
        """What a version was trained from, nearest first, to the first of its line."""
        columns = tables.versions.c
        line = (
            select(columns.source_version.label("number"))
            .where(columns.model_name == model_name, columns.version == number)
            .cte("line", recursive=True)
        )
        further = select(columns.source_version).join(
            line, and_(columns.model_name == model_name, columns.version == line.c.number)
        )
        numbers = select(line.union_all(further).c.number)
        # A version is always trained from one with a smaller number.
        return self._versions(
            select(tables.versions)
            .where(columns.model_name == model_name, columns.version.in_(numbers))
            .order_by(columns.version.desc())
        )

    def descendants(self, model_name: str, number: int, *, limit: int) -> Sequence[ModelVersion]:
        """What was trained from a version directly, oldest first."""
        columns = tables.versions.c
        return self._versions(
            select(tables.versions)
            .where(columns.model_name == model_name, columns.source_version == number)
            .order_by(columns.version)
            .limit(limit)
        )

    def alias_at(self, model_name: str, alias: str, time: datetime) -> int | None:
        """The version to which an alias pointed at a time."""
        columns = tables.history.c
        return self.connection.execute(
            select(columns.version)
            .where(
                columns.model_name == model_name,
                columns.alias == alias,
                columns.change_time <= time,
            )
            .order_by(columns.position.desc())
            .limit(1)
        ).scalar_one_or_none()

    def group(self, group_name: str) -> CoordinationGroup | None:
        """The coordination group of that name."""
        found = self._groups(select(tables.groups).where(tables.groups.c.group_name == group_name))
        return found[0] if found else None

    def groups(self, *, after: str | None, limit: int) -> Sequence[CoordinationGroup]:
        """Groups by name, those after `after`."""
        name = tables.groups.c.group_name
        query = select(tables.groups).order_by(name).limit(limit)
        return self._groups(query if after is None else query.where(name > after))

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
        """The versions that the query finds."""
        rows = self.connection.execute(query).all()
        if not rows:
            return []
        keys = [(row.model_unique_id, row.revision) for row in rows]
        versions = dict(self._known.of(keys)) if self._known else {}
        unknown = [row for row, key in zip(rows, keys, strict=True) if key not in versions]
        if unknown:
            read = self._read_versions(unknown)
            versions.update(((v.model_unique_id, v.revision), v) for v in read)
            if self._known:
                self._known.add(read)
        aliases, groups = self._pointers(rows)
        found: list[ModelVersion] = []
        for row, key in zip(rows, keys, strict=True):
            version, place = versions[key], (row.model_name, row.version)
            if place in aliases or place in groups:
                version = replace(
                    version,
                    aliases=tuple(aliases.get(place, ())),
                    coordination_group=groups.get(place, ""),
                )
            found.append(version)
        return found

    def _pointers(
        self, rows: Sequence[Row[Any]]
    ) -> tuple[Mapping[tuple[str, int], Sequence[str]], Mapping[tuple[str, int], str]]:
        """Aliases and groups of the versions of these rows, and perhaps of others."""
        names = {row.model_name for row in rows}
        numbers = [row.version for row in rows]
        aliases: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row in self.connection.execute(
            select(tables.aliases)
            .where(tables.aliases.c.model_name.in_(names))
            .order_by(tables.aliases.c.alias)
        ):
            aliases[row.model_name, row.version].append(row.alias)
        members = tables.group_members.c
        groups = {
            (row.model_name, row.version): row.group_name
            for row in self.connection.execute(
                select(tables.group_members).where(
                    members.model_name.in_(names),
                    members.version.between(min(numbers), max(numbers)),
                )
            )
        }
        return aliases, groups

    def _read_versions(self, rows: Sequence[Row[Any]]) -> list[ModelVersion]:
        """The versions of these rows, without aliases and groups."""
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
        descriptions = read_descriptions(self.connection, rows)
        return [
            ModelVersion(
                model_name=row.model_name,
                version=row.version,
                model_unique_id=row.model_unique_id,
                state=VersionState(row.state),
                manifest=Manifest(
                    row.model_name, row.source_version, tuple(artifacts[row.model_unique_id])
                ),
                signature=Signature(row.key_id, row.signature),
                kpis=kpis[row.model_unique_id],
                training_job_id=row.training_job_id,
                create_time=row.create_time,
                revision=row.revision,
                description=descriptions[row.model_unique_id],
                tensors=msgspec.json.decode(row.tensors, type=TensorSignature),
            )
            for row in rows
        ]

    def _groups(self, query: Select[Any]) -> list[CoordinationGroup]:
        rows = self.connection.execute(query).all()
        members: dict[str, dict[str, int]] = defaultdict(dict)
        columns = tables.group_members.c
        for row in self.connection.execute(
            select(tables.group_members)
            .where(columns.group_name.in_([row.group_name for row in rows]))
            .order_by(columns.model_name)
        ):
            members[row.group_name][row.model_name] = row.version
        return [
            CoordinationGroup(row.group_name, members[row.group_name], row.create_time)
            for row in rows
        ]


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
