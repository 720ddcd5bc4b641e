"""Models, versions and history written to the tables, within one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from mms_repository.adapters import tables
from mms_repository.adapters.change_events import event_of
from mms_repository.adapters.sql_descriptions import replace_labels, write_description
from mms_repository.adapters.sql_reader import SqlReader
from mms_repository.groups import CoordinationGroup
from mms_repository.models import AliasMove, Model
from mms_repository.ports import NewVersion
from mms_repository.versions import (
    AliasChange,
    HistoryEntry,
    ModelVersion,
    PositionedEntry,
    StateChange,
    VersionState,
)
from nf_runtime import outbox


class SqlWriter(SqlReader):
    """The port `ModelWriter` within the transaction of `connection`.

    Takes the lock under which writers follow each other; `finish` before the commit.

    Args:
        connection: Of the transaction.
        traceparent: The trace that the events of its changes belong to.
    """

    def __init__(self, connection: Connection, traceparent: str | None) -> None:
        super().__init__(connection)
        self._traceparent = traceparent
        self._counters = connection.execute(select(tables.repository).with_for_update()).one()
        self._position: int = self._counters.last_position
        self._unique_id: int = self._counters.last_model_unique_id

    def last_position(self) -> int:
        """Position of the last change, this transaction's included."""
        return self._position

    def add_model(self, model: Model) -> None:
        """Store a model whose name is not taken."""
        self.connection.execute(
            insert(tables.models).values(
                model_name=model.model_name,
                aiml_inference_name=model.aiml_inference_name,
                description=model.description,
                latest_version=0,
                create_time=model.create_time,
            )
        )

    def add_version(self, version: NewVersion) -> ModelVersion:
        """Store the next version of its model."""
        manifest = version.manifest
        number = self.connection.execute(
            update(tables.models)
            .where(tables.models.c.model_name == manifest.model_name)
            .values(latest_version=tables.models.c.latest_version + 1)
            .returning(tables.models.c.latest_version)
        ).scalar_one()
        self._unique_id += 1
        made = ModelVersion(
            model_name=manifest.model_name,
            version=number,
            model_unique_id=self._unique_id,
            state=VersionState.REGISTERED,
            manifest=manifest,
            signature=version.signature,
            kpis=version.kpis,
            training_job_id=version.training_job_id,
            create_time=version.create_time,
            description=version.description,
            tensors=version.tensors,
        )
        validity = made.description.validity
        self.connection.execute(
            insert(tables.versions).values(
                model_unique_id=made.model_unique_id,
                model_name=made.model_name,
                version=made.version,
                state=made.state,
                source_version=manifest.source_version,
                key_id=made.signature.key_id,
                signature=made.signature.value,
                training_job_id=made.training_job_id,
                request_id=version.request_id,
                revision=made.revision,
                create_time=made.create_time,
                dataset_sha256=made.description.dataset_sha256,
                tensors=msgspec.json.encode(made.tensors).decode(),
                valid_from=validity.valid_from,
                valid_until=validity.valid_until,
            )
        )
        write_description(self.connection, made.model_unique_id, made.description)
        self.connection.execute(
            insert(tables.artifacts),
            [
                {
                    "model_unique_id": made.model_unique_id,
                    "ordinal": ordinal,
                    "file_name": artifact.file_name,
                    "kind": artifact.kind,
                    "sha256": artifact.sha256,
                    "size_bytes": artifact.size_bytes,
                }
                for ordinal, artifact in enumerate(manifest.artifacts)
            ],
        )
        self._replace_kpis(made.model_unique_id, made.kpis)
        return made

    def change_version(
        self, version: ModelVersion, *, state: VersionState, kpis: Mapping[str, float]
    ) -> ModelVersion:
        """Give `version` another state and these figures."""
        self._revise(version, state=state)
        self._replace_kpis(version.model_unique_id, kpis)
        return replace(version, state=state, kpis=kpis, revision=version.revision + 1)

    def change_labels(self, version: ModelVersion, labels: Mapping[str, str]) -> ModelVersion:
        """Give `version` these labels instead of its own."""
        self._revise(version)
        replace_labels(self.connection, version.model_unique_id, labels)
        description = replace(version.description, labels=labels)
        return replace(version, description=description, revision=version.revision + 1)

    def add_group(self, group: CoordinationGroup) -> None:
        """Store a group of versions that have none."""
        self.connection.execute(
            insert(tables.groups).values(group_name=group.group_name, create_time=group.create_time)
        )
        self.connection.execute(
            insert(tables.group_members),
            [
                {"group_name": group.group_name, "model_name": name, "version": version}
                for name, version in group.members.items()
            ],
        )

    def move_alias(self, model_name: str, move: AliasMove) -> None:
        """Point an alias to a version of the same model."""
        columns = tables.aliases.c
        self.connection.execute(
            delete(tables.aliases).where(
                columns.model_name == model_name, columns.alias == move.alias
            )
        )
        self.connection.execute(
            insert(tables.aliases).values(
                model_name=model_name, alias=move.alias, version=move.version
            )
        )

    def record(self, entry: HistoryEntry) -> PositionedEntry:
        """Append to the history and to the outbox."""
        self._position += 1
        positioned = PositionedEntry(self._position, entry)
        self.connection.execute(insert(tables.history).values(_history_values(positioned)))
        event = event_of(
            positioned, incarnation=self._counters.incarnation, traceparent=self._traceparent
        )
        outbox.append(self.connection, event, key=entry.model_name)
        return positioned

    def finish(self) -> None:
        """Store the counters."""
        self.connection.execute(
            update(tables.repository).values(
                last_position=self._position, last_model_unique_id=self._unique_id
            )
        )

    def _revise(self, version: ModelVersion, **values: Any) -> None:
        columns = tables.versions.c
        self.connection.execute(
            update(tables.versions)
            .where(columns.model_unique_id == version.model_unique_id)
            .values(revision=columns.revision + 1, **values)
        )

    def _replace_kpis(self, model_unique_id: int, kpis: Mapping[str, float]) -> None:
        self.connection.execute(
            delete(tables.kpis).where(tables.kpis.c.model_unique_id == model_unique_id)
        )
        if kpis:
            self.connection.execute(
                insert(tables.kpis),
                [
                    {"model_unique_id": model_unique_id, "name": name, "value": value}
                    for name, value in kpis.items()
                ],
            )


def _history_values(positioned: PositionedEntry) -> dict[str, Any]:
    entry = positioned.entry
    values: dict[str, Any] = {
        "position": positioned.position,
        "model_name": entry.model_name,
        "version": entry.version,
        "actor": entry.actor,
        "reason": entry.reason,
        "change_time": entry.change_time,
    }
    if isinstance(entry.change, StateChange):
        values |= {"from_state": entry.change.from_state, "to_state": entry.change.to_state}
    elif isinstance(entry.change, AliasChange):
        values |= {
            "alias": entry.change.alias,
            "previous_version": entry.change.previous_version,
        }
    else:
        values["labels"] = msgspec.json.encode(entry.change.labels).decode()
    return values
