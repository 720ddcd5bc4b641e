"""Managed objects with the specification's attribute names, revisions and consumers' requests."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Names that are not made by the rule: first word lower-case, ML and AIML as they are.
_NAMES = {
    "aiml_inference_name": "aIMLInferenceName",
    "progress_percent": "progressPercentage",
}
# What moved out of the attributes: TS 28.105 has no such attribute.
_VENDOR = ("training_job_id", "expected_runtime_context", "cause")


def upgrade() -> None:
    with op.batch_alter_table("managed_objects") as table:
        table.add_column(sa.Column("level", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("notes", sa.Text, nullable=False, server_default="{}"))
        table.add_column(sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
        table.add_column(
            sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("request_id", sa.String(200)))
        table.create_unique_constraint("uq_managed_objects_request", ["request_id"])
    _convert(op.get_bind())
    with op.batch_alter_table("managed_objects") as table:
        for name in ("level", "notes", "revision", "is_open"):
            table.alter_column(name, server_default=None)
        table.create_index("ix_managed_objects_open", ["is_open"])


def _convert(connection: sa.Connection) -> None:
    objects = sa.table(
        "managed_objects",
        *(sa.column(name) for name in ("position", "distinguished_name", "object_class")),
        *(sa.column(name) for name in ("attributes", "notes", "level")),
    )
    for row in connection.execute(sa.select(objects)).all():
        before = json.loads(row.attributes)
        notes = {"vendor": {name: before.pop(name) for name in _VENDOR if before.get(name)}}
        if row.object_class == "AIMLInferenceFunction":
            models = before["ml_model_ref_list"]
            notes |= {"in_use": models, "loaded": models}
        else:
            notes["adaptation"] = row.distinguished_name.rpartition("=")[2]
        attributes = _value("", before)
        connection.execute(
            sa.update(objects)
            .where(objects.c.position == row.position)
            .values(
                attributes=json.dumps(attributes),
                notes=json.dumps(notes),
                level=row.distinguished_name.count("=") or 1,
            )
        )


def _value(name: str, value: object) -> object:
    if isinstance(value, dict):
        made = {_renamed(each): _value(each, member) for each, member in value.items()}
        return {each: member for each, member in made.items() if member is not None}
    if isinstance(value, list):
        return [_value(name, each) for each in value]
    if value == "":
        return None
    if name == "training_request_ref":
        return [value]
    return round(value) if name == "progress_percent" and isinstance(value, float) else value


def _renamed(name: str) -> str:
    first, *others = name.split("_")
    made = {"ml": "mL"}.get(first, first) + "".join(
        "ML" if each == "ml" else each.capitalize() for each in others
    )
    return _NAMES.get(name, made)
