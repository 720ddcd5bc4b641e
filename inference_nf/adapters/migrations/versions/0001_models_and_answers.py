"""Loaded models, the subscription, notifications, counts, reports."""

import sqlalchemy as sa
from alembic import op

from nf_runtime.outbox import create_outbox

revision = "0001"
down_revision = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    create_outbox(op.get_bind())
    op.create_table(
        "loaded_models",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("engine", sa.String(20)),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("is_previous", sa.Boolean, nullable=False),
        sa.Column("release_state", sa.String(40), nullable=False),
        sa.Column("manifest", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "subscription",
        sa.Column("subscription_id", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("processed_sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notifications",
        sa.Column("notification_id", sa.Text, primary_key=True),
        sa.Column("subscription_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("trigger_type", sa.Text, nullable=False),
        sa.Column("ending", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("ix_notifications_sequence", "notifications", ["subscription_id", "sequence"])
    counts = op.create_table(
        "counts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("applied", sa.BigInteger, nullable=False),
        sa.Column("expired", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counts, [{"id": 1, "applied": 0, "expired": 0, "failed": 0, "made": 0}])
    op.create_table(
        "reports",
        sa.Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("decision_id", sa.Text, nullable=False, unique=True),
        sa.Column("context_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("trigger_type", sa.Text, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("fallback_reason", sa.String(40), nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("model_decision", sa.BigInteger, nullable=False),
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("predicted_rate_bps_hz", sa.Float(53), nullable=False),
        sa.Column("reliability", sa.Float(53), nullable=False),
        sa.Column("inference_ns", sa.BigInteger, nullable=False),
        sa.Column("sim_offset_s", sa.Float(53), nullable=False),
        sa.Column("before_bps_hz", sa.Float(53), nullable=False),
        sa.Column("after_bps_hz", sa.Float(53), nullable=False),
        sa.Column("trigger_to_applied_ns", sa.BigInteger, nullable=False),
        sa.Column("applied_at_ns", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_reports_model", "reports", ["model_name", "model_version", "model_decision"]
    )
