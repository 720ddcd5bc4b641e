"""Subscriptions, triggers, notifications, measurements and decisions."""

import sqlalchemy as sa
from alembic import op

from nf_runtime.inbox import create_inbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    create_inbox(op.get_bind())
    op.create_table(
        "subscriptions",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("subscription_id", sa.String(64), nullable=False, unique=True),
        sa.Column("consumer_nf_id", sa.String(200), nullable=False, index=True),
        sa.Column("request_id", sa.String(200), unique=True),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("criteria", sa.Text, nullable=False),
        sa.Column("failures", sa.Text, nullable=False),
        sa.Column("notif_corr_id", sa.String(200), nullable=False),
        sa.Column("report_limit", sa.Integer),
        sa.Column("expire_time", sa.BigInteger),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("report_count", sa.BigInteger, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "triggers",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(500), nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("event_type", sa.String(200), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(500)),
        sa.Column("traceparent", sa.String(200)),
        sa.Column("published_at_ns", sa.BigInteger),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_table(
        "notifications",
        sa.Column(
            "subscription_id",
            sa.String(64),
            sa.ForeignKey("subscriptions.subscription_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("notification_id", sa.String(64), nullable=False),
        sa.Column(
            "trigger_position",
            _COUNTER,
            sa.ForeignKey("triggers.position"),
            nullable=False,
            index=True,
        ),
        sa.Column("notif_corr_id", sa.String(200), nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("notification_id", name="uq_notifications_id"),
    )
    op.create_table(
        "measurements",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("elevation_deg", sa.Float, nullable=False),
        sa.Column("doppler_hz", sa.Float, nullable=False),
        sa.Column("beams", sa.Text, nullable=False),
        sa.Index("ix_measurements_run_time", "run_id", "time"),
    )
    op.create_table(
        "decisions",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(200), nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("predicted_bps_hz", sa.Float, nullable=False),
        sa.Column("achieved_bps_hz", sa.Float, nullable=False),
        sa.Column("gain_bps_hz", sa.Float, nullable=False),
        sa.Column("reliability", sa.Float, nullable=False),
        sa.Column("applied_time", sa.BigInteger, nullable=False),
        sa.Index("ix_decisions_model", "model_name", "model_version", "position"),
    )


def downgrade() -> None:
    for table in (
        "decisions",
        "measurements",
        "notifications",
        "triggers",
        "subscriptions",
        "inbox_events",
        "inbox_offsets",
    ):
        op.drop_table(table)
