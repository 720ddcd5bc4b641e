"""A change of a lifecycle, written as one: tables, record and outgoing events."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, insert, select, update

from nf_runtime import outbox
from nf_runtime.events import catalogue
from nf_runtime.events.cloud_event import CloudEvent
from nf_runtime.tracing import current_traceparent
from oam.adaptations import Adaptation
from oam.adapters.sql_objects import EVENT_SOURCE, SqlTree, moi_of, utc
from oam.adapters.sql_tables import ADAPTATIONS, HEAD_NAME, LIFECYCLES, RECORD_HEAD, STEPS
from oam.audit import Head, chained, head_of
from oam.lifecycles import AlarmNotice, Change, Lifecycle
from oam.managed_objects import StoredObject
from oam.nrm.alarms import QUALITY_OF_SERVICE, Condition, clear_alarm, raise_alarm
from oam.nrm.objects import Tree
from oam.nrm.projection import put_projected, typed
from oam.record import RecordedStep, Step, StepKind


def read_lifecycle(connection: Connection, model_name: str) -> Lifecycle:
    """Where the model stands, with its adaptation in progress; locked until the commit."""
    row = connection.execute(
        select(LIFECYCLES.c.content).where(LIFECYCLES.c.model_name == model_name).with_for_update()
    ).first()
    lifecycle = (
        Lifecycle(model_name) if row is None else msgspec.json.decode(row.content, type=Lifecycle)
    )
    current = connection.execute(
        select(ADAPTATIONS.c.content).where(
            ADAPTATIONS.c.model_name == model_name, ADAPTATIONS.c.in_progress
        )
    ).scalar()
    return replace(lifecycle, current=None if current is None else adaptation_of(current))


def read_head(connection: Connection) -> Head:
    """Where the record ends; locked until the commit."""
    here = RECORD_HEAD.c.name == HEAD_NAME
    row = connection.execute(select(RECORD_HEAD).where(here).with_for_update()).one()
    return Head(row.sequence, row.digest)


def last_activated(connection: Connection) -> str | None:
    """The model that was activated last; None: none was."""
    rows = connection.execute(select(LIFECYCLES.c.content))
    lifecycles = [msgspec.json.decode(row.content, type=Lifecycle) for row in rows]
    activated = [(each.active_since, each.model_name) for each in lifecycles if each.active_since]
    return max(activated)[1] if activated else None


def adaptation_of(content: str) -> Adaptation:
    """The adaptation of a row's `content`."""
    return msgspec.json.decode(content, type=Adaptation)


def step_of(row: Row[Any]) -> RecordedStep:
    """The recorded step of a row."""
    step = Step(
        kind=StepKind(row.kind),
        adaptation_id=row.adaptation_id,
        model_name=row.model_name,
        version=row.version,
        initiator=row.initiator,
        detail=row.detail,
        object_ref=row.object_ref,
        figures=msgspec.json.decode(row.figures, type=dict[str, float]),
    )
    return RecordedStep(row.sequence, step, utc(row.step_time), row.digest)


def object_of(row: Row[Any]) -> StoredObject:
    """The managed object of a row, typed."""
    moi = moi_of(row)
    return StoredObject(typed(moi), moi.create_time, moi.update_time)


def write_change(connection: Connection, change: Change, now: datetime) -> None:
    """Everything of `change`, in the caller's transaction."""
    # The adaptation has a row of its own.
    lifecycle = replace(change.lifecycle, current=None)
    key = {"model_name": lifecycle.model_name}
    _put(connection, LIFECYCLES, key, {"content": _json(lifecycle)}, {})
    if change.adaptation is not None:
        _write_adaptation(connection, change.adaptation)
    tree = SqlTree(connection, now)
    for managed_object in change.objects:
        put_projected(tree, managed_object)
    if change.steps:
        head = read_head(connection)
        for step in change.steps:
            recorded = chained(head, step, now)
            _write_step(connection, recorded)
            head = head_of(recorded)
        connection.execute(
            update(RECORD_HEAD)
            .where(RECORD_HEAD.c.name == HEAD_NAME)
            .values(sequence=head.sequence, digest=head.digest)
        )
    for notice in change.alarms:
        _write_alarm(tree, notice, change.lifecycle.model_name)


def _write_adaptation(connection: Connection, adaptation: Adaptation) -> None:
    _put(
        connection,
        ADAPTATIONS,
        {"adaptation_id": adaptation.adaptation_id},
        {"in_progress": adaptation.in_progress, "content": _json(adaptation)},
        {"request_id": adaptation.request_id or None, "model_name": adaptation.model_name},
    )


def _write_step(connection: Connection, recorded: RecordedStep) -> None:
    step = recorded.step
    connection.execute(
        insert(STEPS).values(
            sequence=recorded.sequence,
            kind=step.kind.value,
            adaptation_id=step.adaptation_id,
            model_name=step.model_name,
            version=step.version,
            initiator=step.initiator,
            detail=step.detail,
            object_ref=step.object_ref,
            figures=_json(step.figures),
            step_time=recorded.step_time,
            digest=recorded.digest,
        )
    )
    data = catalogue.LifecycleStep(
        adaptation_id=step.adaptation_id,
        step=step.kind.lower(),
        model_name=step.model_name,
        model_version=step.version,
        initiator=step.initiator,
        detail=step.detail,
        sequence=recorded.sequence,
    )
    event_id = f"step/{recorded.sequence}/{recorded.step_time.isoformat()}"
    _publish(connection, data, event_id, step.model_name, recorded.step_time)


def _write_alarm(tree: Tree, notice: AlarmNotice, model_name: str) -> None:
    subject = f"model/{model_name}"
    if notice.cleared:
        clear_alarm(tree, notice.alarm_id, notice.object_instance, subject=subject)
        return
    condition = Condition(
        alarm_id=notice.alarm_id,
        object_instance=notice.object_instance,
        alarm_type=QUALITY_OF_SERVICE,
        probable_cause="THRESHOLD_CROSSED",
        specific_problem=notice.specific_problem,
    )
    raise_alarm(tree, condition, subject=subject)


def _publish(
    connection: Connection, data: catalogue.EventData, event_id: str, model_name: str, now: datetime
) -> None:
    event = CloudEvent(
        id=event_id,
        source=EVENT_SOURCE,
        time=now,
        subject=f"model/{model_name}",
        data=data,
        traceparent=current_traceparent(),
    )
    outbox.append(connection, event, key=model_name)


def _put(
    connection: Connection,
    table: Table,
    key: dict[str, Any],
    values: dict[str, Any],
    once: dict[str, Any],
) -> None:
    """Update the row with `key`, or insert it with what is written only once."""
    ((name, identity),) = key.items()
    updated = connection.execute(update(table).where(table.c[name] == identity).values(**values))
    if updated.rowcount == 0:
        connection.execute(insert(table).values(**key, **values, **once))


def _json(record: object) -> str:
    return msgspec.json.encode(record).decode()
