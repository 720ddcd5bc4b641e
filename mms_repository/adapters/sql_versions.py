"""Versions read from the tables, within one transaction.

What a look-up costs is mostly the number of its statements, so one finds out which versions are
meant, and their other rows are read only where that content was not read before.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    literal,
    select,
    union_all,
)

from mms_repository.adapters import tables
from mms_repository.adapters.known_versions import Key, KnownVersions
from mms_repository.adapters.sql_descriptions import conditions_of, read_descriptions
from mms_repository.descriptions import TensorSignature
from mms_repository.manifests import Artifact, ArtifactKind, Manifest, Signature
from mms_repository.searches import VersionFilter
from mms_repository.versions import ModelVersion, VersionState

_VERSION = tables.versions.c
_ALIAS = tables.aliases.c
_MEMBER = tables.group_members.c

# One version: a row for each alias that points to it, one row where none does.
_ONE = (
    select(_VERSION.model_unique_id, _VERSION.revision, _ALIAS.alias, _MEMBER.group_name)
    .outerjoin(
        tables.aliases,
        and_(_ALIAS.model_name == _VERSION.model_name, _ALIAS.version == _VERSION.version),
    )
    .outerjoin(
        tables.group_members,
        and_(_MEMBER.model_name == _VERSION.model_name, _MEMBER.version == _VERSION.version),
    )
)
_BY_NUMBER = _ONE.where(
    _VERSION.model_name == bindparam("model_name"), _VERSION.version == bindparam("version")
)
_BY_REQUEST = _ONE.where(_VERSION.request_id == bindparam("request_id"))
_pointed = tables.aliases.alias("pointed")
_BY_ALIAS = _ONE.join(
    _pointed,
    and_(_pointed.c.model_name == _VERSION.model_name, _pointed.c.version == _VERSION.version),
).where(_pointed.c.model_name == bindparam("model_name"), _pointed.c.alias == bindparam("alias"))

# Many versions; all of it stands in the index `ix_versions_page`.
_MANY = select(_VERSION.model_unique_id, _VERSION.revision, _VERSION.model_name, _VERSION.version)
_PAGE = (
    _MANY.where(
        _VERSION.model_name == bindparam("model_name"), _VERSION.version < bindparam("before")
    )
    .order_by(_VERSION.version.desc())
    .limit(bindparam("most"))
)
_BEYOND_ALL = (1 << 31) - 1
# What points to the versions of some models between two numbers.
_POINTERS = union_all(
    select(_ALIAS.model_name, _ALIAS.version, _ALIAS.alias, literal("").label("group_name")).where(
        _ALIAS.model_name.in_(bindparam("names", expanding=True))
    ),
    select(_MEMBER.model_name, _MEMBER.version, literal(""), _MEMBER.group_name).where(
        _MEMBER.model_name.in_(bindparam("names", expanding=True)),
        _MEMBER.version.between(bindparam("first"), bindparam("last")),
    ),
)


class SqlVersions:
    """The versions of the port `ModelReader` within the transaction of `connection`.

    Args:
        connection: Of the transaction.
        known: Versions that were read before; None in a transaction that writes.
    """

    def __init__(self, connection: Connection, known: KnownVersions | None = None) -> None:
        self.connection = connection
        self._known = known

    def version(self, model_name: str, number: int) -> ModelVersion | None:
        """The version of that number."""
        return self._one(_BY_NUMBER, model_name=model_name, version=number)

    def version_at_alias(self, model_name: str, alias: str) -> ModelVersion | None:
        """The version to which an alias points now."""
        return self._one(_BY_ALIAS, model_name=model_name, alias=alias)

    def version_of_request(self, request_id: str) -> ModelVersion | None:
        """The version that the upload with this request id made."""
        return self._one(_BY_REQUEST, request_id=request_id)

    def versions(
        self, model_name: str, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        """Versions of a model, newest first, those before `before`."""
        last = _BEYOND_ALL if before is None else min(before, _BEYOND_ALL)
        return self._many(_PAGE, model_name=model_name, before=last, most=limit)

    def search(
        self, wanted: VersionFilter, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        """Versions that meet the filter, newest first, those with unique ids below `before`."""
        query = _MANY.where(*conditions_of(wanted))
        if before is not None:
            query = query.where(_VERSION.model_unique_id < before)
        return self._many(query.order_by(_VERSION.model_unique_id.desc()).limit(limit))

    def ancestors(self, model_name: str, number: int) -> Sequence[ModelVersion]:
        """What a version was trained from, nearest first, to the first of its line."""
        line = (
            select(_VERSION.source_version.label("number"))
            .where(_VERSION.model_name == model_name, _VERSION.version == number)
            .cte("line", recursive=True)
        )
        further = select(_VERSION.source_version).join(
            line, and_(_VERSION.model_name == model_name, _VERSION.version == line.c.number)
        )
        numbers = select(line.union_all(further).c.number)
        # A version is always trained from one with a smaller number.
        return self._many(
            _MANY.where(_VERSION.model_name == model_name, _VERSION.version.in_(numbers)).order_by(
                _VERSION.version.desc()
            )
        )

    def descendants(self, model_name: str, number: int, *, limit: int) -> Sequence[ModelVersion]:
        """What was trained from a version directly, oldest first."""
        return self._many(
            _MANY.where(_VERSION.model_name == model_name, _VERSION.source_version == number)
            .order_by(_VERSION.version)
            .limit(limit)
        )

    def _one(self, query: Select[Any], **values: Any) -> ModelVersion | None:
        rows = self.connection.execute(query, values).all()
        if not rows:
            return None
        unique_id, revision, _, group_name = rows[0]
        aliases = tuple(sorted(alias for _, _, alias, _ in rows if alias is not None))
        return self._of([(unique_id, revision, aliases, group_name or "")])[0]

    def _many(self, query: Select[Any], **values: Any) -> list[ModelVersion]:
        rows = self.connection.execute(query, values).all()
        if not rows:
            return []
        unique_ids, revisions, names, numbers = zip(*rows, strict=True)
        within = {"names": list(set(names)), "first": min(numbers), "last": max(numbers)}
        aliases: dict[tuple[str, int], tuple[str, ...]] = {}
        groups: dict[tuple[str, int], str] = {}
        for name, number, alias, group_name in self.connection.execute(_POINTERS, within):
            place = (name, number)
            if alias:
                aliases[place] = tuple(sorted((*aliases.get(place, ()), alias)))
            else:
                groups[place] = group_name
        return self._of(
            [
                (unique_id, revision, aliases.get(place, ()), groups.get(place, ""))
                for unique_id, revision, place in zip(
                    unique_ids, revisions, zip(names, numbers, strict=True), strict=True
                )
            ]
        )

    def _of(self, keys: Sequence[Key]) -> list[ModelVersion]:
        """The versions of these keys, in their order."""
        known = [None] * len(keys) if self._known is None else self._known.of(keys)
        unknown = {key[0]: key for key, version in zip(keys, known, strict=True) if version is None}
        read = self._read(unknown) if unknown else {}
        if unknown and self._known is not None:
            self._known.add(read)
        return [version or read[key] for key, version in zip(keys, known, strict=True)]

    def _read(self, wanted: Mapping[int, Key]) -> dict[Key, ModelVersion]:
        """The versions of these unique ids and keys."""
        ids = list(wanted)
        rows = self.connection.execute(
            select(tables.versions).where(_VERSION.model_unique_id.in_(ids))
        ).all()
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
        versions: dict[Key, ModelVersion] = {}
        for row in rows:
            unique_id = row.model_unique_id
            key = wanted[unique_id]
            _, _, aliases, group_name = key
            versions[key] = ModelVersion(
                model_name=row.model_name,
                version=row.version,
                model_unique_id=unique_id,
                state=VersionState(row.state),
                manifest=Manifest(row.model_name, row.source_version, tuple(artifacts[unique_id])),
                signature=Signature(row.key_id, row.signature),
                kpis=kpis[unique_id],
                training_job_id=row.training_job_id,
                create_time=row.create_time,
                revision=row.revision,
                aliases=aliases,
                description=descriptions[unique_id],
                tensors=msgspec.json.decode(row.tensors, type=TensorSignature),
                coordination_group=group_name,
            )
        return versions
