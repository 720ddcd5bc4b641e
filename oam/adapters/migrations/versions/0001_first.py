"""Lifecycles, adaptations, the record, managed objects."""

import sqlalchemy as sa
from alembic import op

from nf_runtime.inbox import create_inbox
from nf_runtime.outbox import create_outbox

revision = "0001"
down_revision = None

_POSITION = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    create_inbox(op.get_bind())
    create_outbox(op.get_bind())
    op.create_table(
        "lifecycles",
        sa.Column("model_name", sa.String(63), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "adaptations",
        sa.Column("position", _POSITION, primary_key=True, autoincrement=True),
        sa.Column("adaptation_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(200)),
        sa.Column("model_name", sa.String(63), nullable=False),
        sa.Column("in_progress", sa.Boolean, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.UniqueConstraint("adaptation_id", name="uq_adaptations_id"),
        sa.UniqueConstraint("request_id", name="uq_adaptations_request"),
    )
    in_progress = sa.column("in_progress") == sa.true()
    op.create_index(
        "uq_adaptations_in_progress",
        "adaptations",
        ["model_name"],
        unique=True,
        sqlite_where=in_progress,
        postgresql_where=in_progress,
    )
    op.create_table(
        "lifecycle_steps",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("adaptation_id", sa.String(64), nullable=False),
        sa.Column("model_name", sa.String(63), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("initiator", sa.String(250), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("object_ref", sa.Text, nullable=False),
        sa.Column("step_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "managed_objects",
        sa.Column("position", _POSITION, primary_key=True, autoincrement=True),
        sa.Column("distinguished_name", sa.String(500), nullable=False),
        sa.Column("object_class", sa.String(40), nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("distinguished_name", name="uq_managed_objects_name"),
    )
