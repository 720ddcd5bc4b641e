"""Models, versions and history read from the tables, within one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, exists, or_, select

from mms_repository.adapters import tables
from mms_repository.adapters.sql_versions import SqlVersions
from mms_repository.groups import CoordinationGroup
from mms_repository.models import Model
from mms_repository.versions import (
    AliasChange,
    Change,
    HistoryEntry,
    LabelChange,
    PositionedEntry,
    StateChange,
    VersionState,
)


class SqlReader(SqlVersions):
    """The port `ModelReader` within the transaction of `connection`."""

    def model(self, model_name: str) -> Model | None:
        """The model of that name."""
        found = self._models(select(tables.models).where(tables.models.c.model_name == model_name))
        return found[0] if found else None

    def models(self, *, after: str | None, limit: int) -> Sequence[Model]:
        """Models by name, those after `after`."""
        name = tables.models.c.model_name
        query = select(tables.models).order_by(name).limit(limit)
        return self._models(query if after is None else query.where(name > after))

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
    change: Change
    if row.labels is not None:
        change = LabelChange(msgspec.json.decode(row.labels, type=dict[str, str]))
    elif row.alias is not None:
        change = AliasChange(row.alias, row.previous_version)
    else:
        before = None if row.from_state is None else VersionState(row.from_state)
        change = StateChange(before, VersionState(row.to_state))
    entry = HistoryEntry(
        row.model_name, row.version, change, row.actor, row.reason, row.change_time
    )
    return PositionedEntry(row.position, entry)
