"""Runs, ticks, triggers, outcomes."""

import sqlalchemy as sa
from alembic import op

from nf_runtime.outbox import create_outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_outbox(op.get_bind())
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.String(200), nullable=False, unique=True),
        sa.Column("request_id", sa.String(200), nullable=True, unique=True),
        sa.Column("order", sa.LargeBinary, nullable=False),
        sa.Column("start_time_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("holding", sa.Boolean, nullable=False),
        sa.Column("ticks_done", sa.Integer, nullable=False),
        sa.Column("pause_at_s", sa.Float(53), nullable=True),
        sa.Column("unanswered_count", sa.Integer, nullable=False),
    )
    op.create_table(
        "ticks",
        sa.Column("run_number", sa.Integer, sa.ForeignKey("runs.number"), primary_key=True),
        sa.Column("tick", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sum_secrecy_rate_bps_hz", sa.Float(53), nullable=True),
    )
    op.create_table(
        "triggers",
        sa.Column("trigger_id", sa.String(250), primary_key=True),
        sa.Column("run_number", sa.Integer, sa.ForeignKey("runs.number"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
    )
    op.create_index("ix_triggers_run_number", "triggers", ["run_number"])
    op.create_table(
        "outcomes",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("decision_id", sa.String(200), nullable=False, unique=True),
        sa.Column("run_number", sa.Integer, sa.ForeignKey("runs.number"), nullable=False),
        sa.Column("ground_truth", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_outcomes_run_number", "outcomes", ["run_number"])
