"""The simulator's tables, as SQLAlchemy sees them; `migrations` makes them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from nf_runtime.outbox import outbox_table

METADATA = MetaData()

outbox_table(METADATA)

_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys

RUNS = Table(
    "runs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(200), nullable=False, unique=True),
    Column("request_id", String(200), nullable=True, unique=True),
    # A serialised StartRunRequest: what was asked, in the form it was asked in.
    Column("order", LargeBinary, nullable=False),
    Column("start_time_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("holding", Boolean, nullable=False),
    Column("ticks_done", Integer, nullable=False),
    Column("pause_at_s", Float(53), nullable=True),
    Column("unanswered_count", Integer, nullable=False),
)

TICKS = Table(
    "ticks",
    METADATA,
    Column("run_number", ForeignKey("runs.number"), primary_key=True),
    Column("tick", Integer, primary_key=True, autoincrement=False),
    Column("sum_secrecy_rate_bps_hz", Float(53), nullable=True),
)

TRIGGERS = Table(
    "triggers",
    METADATA,
    Column("trigger_id", String(250), primary_key=True),
    Column("run_number", ForeignKey("runs.number"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("answered", Boolean, nullable=False),
)
Index("ix_triggers_run_number", TRIGGERS.c.run_number)

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("decision_id", String(200), nullable=False, unique=True),
    Column("run_number", ForeignKey("runs.number"), nullable=False),
    # A serialised GroundTruth: outcome, allocation, estimate and true channel.
    Column("ground_truth", LargeBinary, nullable=False),
)
Index("ix_outcomes_run_number", OUTCOMES.c.run_number)
