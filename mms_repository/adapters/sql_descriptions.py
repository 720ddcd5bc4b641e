"""What publishers say about versions, in the tables: written, read, and searched by."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    insert,
    not_,
    or_,
    select,
)

from mms_repository.adapters import tables
from mms_repository.descriptions import Description, Position, Region, Validity
from mms_repository.searches import VersionFilter

_LABEL = "label"
_SHELL = "orbit_shell"
_ENVIRONMENT = "environment"


def write_description(
    connection: Connection, model_unique_id: int, description: Description
) -> None:
    """Store what is said about a version, but for what stands in its own row."""
    validity = description.validity
    _add_traits(connection, model_unique_id, _LABEL, description.labels)
    _add_traits(connection, model_unique_id, _SHELL, dict.fromkeys(validity.orbit_shells, ""))
    _add_traits(
        connection,
        model_unique_id,
        _ENVIRONMENT,
        dict.fromkeys(description.target_environments, ""),
    )
    if validity.regions:
        connection.execute(
            insert(tables.regions),
            [
                {"model_unique_id": model_unique_id, "ordinal": ordinal, **vars(region)}
                for ordinal, region in enumerate(validity.regions)
            ],
        )


def replace_labels(connection: Connection, model_unique_id: int, labels: Mapping[str, str]) -> None:
    """Store these labels of a version instead of those it has."""
    columns = tables.traits.c
    connection.execute(
        delete(tables.traits).where(
            columns.model_unique_id == model_unique_id, columns.kind == _LABEL
        )
    )
    _add_traits(connection, model_unique_id, _LABEL, labels)


def read_descriptions(
    connection: Connection, rows: Sequence[Row[Any]]
) -> Mapping[int, Description]:
    """What is said about the versions of these rows, by unique id."""
    ids = [row.model_unique_id for row in rows]
    traits: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    columns = tables.traits.c
    for trait in connection.execute(
        select(tables.traits).where(columns.model_unique_id.in_(ids)).order_by(columns.name)
    ):
        traits[trait.model_unique_id, trait.kind][trait.name] = trait.value
    regions: dict[int, list[Region]] = defaultdict(list)
    for region in connection.execute(
        select(tables.regions)
        .where(tables.regions.c.model_unique_id.in_(ids))
        .order_by(tables.regions.c.ordinal)
    ):
        regions[region.model_unique_id].append(
            Region(
                region.min_latitude_deg,
                region.max_latitude_deg,
                region.min_longitude_deg,
                region.max_longitude_deg,
            )
        )
    return {
        row.model_unique_id: Description(
            labels=traits[row.model_unique_id, _LABEL],
            validity=Validity(
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                orbit_shells=tuple(traits[row.model_unique_id, _SHELL]),
                regions=tuple(regions[row.model_unique_id]),
            ),
            target_environments=tuple(traits[row.model_unique_id, _ENVIRONMENT]),
            dataset_sha256=row.dataset_sha256,
        )
        for row in rows
    }


def conditions_of(wanted: VersionFilter) -> Iterator[ColumnElement[bool]]:
    """What must hold of a row of `versions` that meets the filter."""
    version = tables.versions.c
    if wanted.model_name:
        yield version.model_name == wanted.model_name
    if wanted.states:
        yield version.state.in_(wanted.states)
    for name, value in wanted.labels.items():
        yield _has_trait(_LABEL, tables.traits.c.name == name, tables.traits.c.value == value)
    if wanted.valid_at is not None:
        yield or_(version.valid_from.is_(None), version.valid_from <= wanted.valid_at)
        yield or_(version.valid_until.is_(None), version.valid_until > wanted.valid_at)
    for kind, name in (
        (_SHELL, wanted.orbit_shell),
        (_ENVIRONMENT, wanted.target_environment),
    ):
        if name:
            yield or_(_has_trait(kind, tables.traits.c.name == name), not_(_has_trait(kind)))
    if wanted.position is not None:
        yield or_(_covered(wanted.position), not_(_has_region()))


def _add_traits(
    connection: Connection, model_unique_id: int, kind: str, values: Mapping[str, str]
) -> None:
    if values:
        connection.execute(
            insert(tables.traits),
            [
                {"model_unique_id": model_unique_id, "kind": kind, "name": name, "value": value}
                for name, value in values.items()
            ],
        )


def _has_trait(kind: str, *further: ColumnElement[bool]) -> ColumnElement[bool]:
    columns = tables.traits.c
    return exists().where(
        columns.model_unique_id == tables.versions.c.model_unique_id,
        columns.kind == kind,
        *further,
    )


def _has_region(*further: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        tables.regions.c.model_unique_id == tables.versions.c.model_unique_id, *further
    )


def _covered(position: Position) -> ColumnElement[bool]:
    edge = tables.regions.c
    east_of_west = edge.min_longitude_deg <= position.longitude_deg
    west_of_east = edge.max_longitude_deg >= position.longitude_deg
    across_180_deg = edge.min_longitude_deg > edge.max_longitude_deg
    return _has_region(
        edge.min_latitude_deg <= position.latitude_deg,
        edge.max_latitude_deg >= position.latitude_deg,
        or_(
            and_(east_of_west, west_of_east),
            and_(across_180_deg, or_(east_of_west, west_of_east)),
        ),
    )
