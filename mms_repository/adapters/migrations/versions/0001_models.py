"""Models, versions, aliases, history."""

import uuid

import sqlalchemy as sa
from alembic import op

from nf_runtime.outbox import create_outbox

revision = "0001"
down_revision = None

_NAME = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")


def upgrade() -> None:
    create_outbox(op.get_bind())
    repository = op.create_table(
        "repository",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("incarnation", sa.String(32), nullable=False),
        sa.Column("last_position", sa.BigInteger, nullable=False),
        sa.Column("last_model_unique_id", sa.BigInteger, nullable=False),
    )
    row = {"id": 1, "incarnation": uuid.uuid4().hex, "last_position": 0, "last_model_unique_id": 0}
    op.bulk_insert(repository, [row])
    op.create_table(
        "models",
        sa.Column("model_name", _NAME, primary_key=True),
        sa.Column("aiml_inference_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("latest_version", sa.Integer, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("model_unique_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("model_name", _NAME, sa.ForeignKey("models.model_name"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("source_version", sa.Integer, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("training_job_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("model_name", "version", name="uq_versions_number"),
        sa.UniqueConstraint("request_id", name="uq_versions_request"),
    )
    op.create_table(
        "artifacts",
        sa.Column(
            "model_unique_id",
            sa.BigInteger,
            sa.ForeignKey("versions.model_unique_id"),
            primary_key=True,
        ),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "kpis",
        sa.Column(
            "model_unique_id",
            sa.BigInteger,
            sa.ForeignKey("versions.model_unique_id"),
            primary_key=True,
        ),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Float(53), nullable=False),
    )
    op.create_table(
        "aliases",
        sa.Column("model_name", _NAME, primary_key=True),
        sa.Column("alias", _NAME, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_name", "version"], ["versions.model_name", "versions.version"]
        ),
    )
    op.create_table(
        "history",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("model_name", _NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("from_state", sa.String(16)),
        sa.Column("to_state", sa.String(16)),
        sa.Column("alias", _NAME),
        sa.Column("previous_version", sa.Integer),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("change_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_name", "version"], ["versions.model_name", "versions.version"]
        ),
    )
    op.create_index("ix_history_version", "history", ["model_name", "version", "position"])
    op.create_index("ix_history_model", "history", ["model_name", "position"])
