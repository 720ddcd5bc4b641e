# ruff: noqa: D102 - the port describes them
"""The tables of the model repository in memory: the port `ModelStore` without a database."""

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from mms_repository.groups import CoordinationGroup
from mms_repository.models import AliasMove, Model
from mms_repository.ports import ModelReader, ModelWriter, NewVersion
from mms_repository.searches import VersionFilter
from mms_repository.versions import HistoryEntry, ModelVersion, PositionedEntry, VersionState

T = TypeVar("T")


@dataclass
class Tables:
    """Both `ModelReader` and `ModelWriter`."""

    rows: dict[str, Model] = field(default_factory=dict)
    published: list[ModelVersion] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    entries: list[PositionedEntry] = field(default_factory=list)
    coordinated: dict[str, CoordinationGroup] = field(default_factory=dict)

    def model(self, model_name: str) -> Model | None:
        return self.rows.get(model_name)

    def models(self, *, after: str | None, limit: int) -> Sequence[Model]:
        return [self.rows[name] for name in sorted(self.rows) if name > (after or "")][:limit]

    def version(self, model_name: str, number: int) -> ModelVersion | None:
        found = (v for v in self._versions(model_name) if v.version == number)
        return next(found, None)

    def version_at_alias(self, model_name: str, alias: str) -> ModelVersion | None:
        model = self.rows.get(model_name)
        number = None if model is None else model.aliases.get(alias)
        return None if number is None else self.version(model_name, number)

    def versions(
        self, model_name: str, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        newest_first = self._versions(model_name)[::-1]
        return [v for v in newest_first if before is None or v.version < before][:limit]

    def search(
        self, wanted: VersionFilter, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        newest_first = [v for name in self.rows for v in self._versions(name)]
        newest_first.sort(key=lambda version: -version.model_unique_id)
        return [
            version
            for version in newest_first
            if (before is None or version.model_unique_id < before) and wanted.meets(version)
        ][:limit]

    def ancestors(self, model_name: str, number: int) -> Sequence[ModelVersion]:
        found: list[ModelVersion] = []
        version = self.version(model_name, number)
        while version is not None and version.manifest.source_version:
            version = self.version(model_name, version.manifest.source_version)
            assert version is not None
            found.append(version)
        return found

    def descendants(self, model_name: str, number: int, *, limit: int) -> Sequence[ModelVersion]:
        return [v for v in self._versions(model_name) if v.manifest.source_version == number][
            :limit
        ]

    def alias_at(self, model_name: str, alias: str, time: datetime) -> int | None:
        pointed = [
            positioned.entry.version
            for positioned in self.entries
            if positioned.entry.model_name == model_name
            and getattr(positioned.entry.change, "alias", None) == alias
            and positioned.entry.change_time <= time
        ]
        return pointed[-1] if pointed else None

    def group(self, group_name: str) -> CoordinationGroup | None:
        return self.coordinated.get(group_name)

    def groups(self, *, after: str | None, limit: int) -> Sequence[CoordinationGroup]:
        names = [name for name in sorted(self.coordinated) if name > (after or "")]
        return [self.coordinated[name] for name in names[:limit]]

    def add_group(self, group: CoordinationGroup) -> None:
        self.coordinated[group.group_name] = group

    def version_of_request(self, request_id: str) -> ModelVersion | None:
        unique_id = self.requests.get(request_id)
        found = (v for v in self.published if v.model_unique_id == unique_id)
        made = next(found, None)
        return made and self.version(made.model_name, made.version)

    def history(
        self, *, model_name: str | None, version: int | None, after: int, limit: int
    ) -> Sequence[PositionedEntry]:
        return [
            positioned
            for positioned in self.entries
            if positioned.position > after
            and model_name in (None, positioned.entry.model_name)
            and version in (None, positioned.entry.version)
        ][:limit]

    def last_position(self) -> int:
        return len(self.entries)

    def artifact_digests(self, *, archived_before: datetime | None) -> frozenset[str]:
        return frozenset(
            artifact.sha256
            for version in self.published
            if archived_before is None
            or version.state is not VersionState.ARCHIVED
            or self._archive_time(version) >= archived_before
            for artifact in version.manifest.artifacts
        )

    def _archive_time(self, version: ModelVersion) -> datetime:
        return max(
            positioned.entry.change_time
            for positioned in self.entries
            if (positioned.entry.model_name, positioned.entry.version)
            == (version.model_name, version.version)
            and positioned.entry.change
            and getattr(positioned.entry.change, "to_state", None) is VersionState.ARCHIVED
        )

    def add_model(self, model: Model) -> None:
        self.rows[model.model_name] = model

    def add_version(self, version: NewVersion) -> ModelVersion:
        model = self.rows[version.manifest.model_name]
        self.rows[model.model_name] = replace(model, latest_version=model.latest_version + 1)
        made = ModelVersion(
            model_name=model.model_name,
            version=model.latest_version + 1,
            model_unique_id=len(self.published) + 1,
            state=VersionState.REGISTERED,
            manifest=version.manifest,
            signature=version.signature,
            kpis=version.kpis,
            training_job_id=version.training_job_id,
            create_time=version.create_time,
            description=version.description,
            tensors=version.tensors,
        )
        self.published.append(made)
        self.requests[version.request_id] = made.model_unique_id
        return made

    def change_version(
        self, version: ModelVersion, *, state: VersionState, kpis: Mapping[str, float]
    ) -> ModelVersion:
        changed = replace(version, state=state, kpis=kpis, revision=version.revision + 1)
        self.published[version.model_unique_id - 1] = changed
        return changed

    def change_labels(self, version: ModelVersion, labels: Mapping[str, str]) -> ModelVersion:
        description = replace(version.description, labels=labels)
        changed = replace(version, description=description, revision=version.revision + 1)
        self.published[version.model_unique_id - 1] = changed
        return changed

    def move_alias(self, model_name: str, move: AliasMove) -> None:
        model = self.rows[model_name]
        aliases = {**model.aliases, move.alias: move.version}
        self.rows[model_name] = replace(model, aliases=aliases)

    def record(self, entry: HistoryEntry) -> PositionedEntry:
        positioned = PositionedEntry(len(self.entries) + 1, entry)
        self.entries.append(positioned)
        return positioned

    def _versions(self, model_name: str) -> list[ModelVersion]:
        model = self.rows.get(model_name)
        pointers = {} if model is None else model.aliases
        groups = {
            member: group.group_name
            for group in self.coordinated.values()
            for member in group.members.items()
        }
        return [
            replace(
                version,
                aliases=tuple(sorted(a for a, n in pointers.items() if n == number)),
                coordination_group=groups.get((model_name, number), ""),
            )
            for version in self.published
            if version.model_name == model_name and (number := version.version)
        ]


class MemoryModels:
    """The port `ModelStore`; a write that raises changes nothing."""

    def __init__(self) -> None:
        self.tables = Tables()
        self._changed = asyncio.Condition()

    async def read(self, work: Callable[[ModelReader], T]) -> T:
        return work(self.tables)

    async def write(self, work: Callable[[ModelWriter], T]) -> T:
        changed = copy.deepcopy(self.tables)
        result = work(changed)
        self.tables = changed
        async with self._changed:
            self._changed.notify_all()
        return result

    async def wait_for_change(self, after: int) -> int:
        async with self._changed:
            await self._changed.wait_for(lambda: self.tables.last_position() > after)
            return self.tables.last_position()
