"""The tables of the inference function, as the code sees them.

Times are nanoseconds since the Unix epoch.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from nf_runtime.outbox import outbox_table

_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys
_NAME = Text

metadata = MetaData()
outbox_table(metadata)

loaded_models = Table(
    "loaded_models",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),  # oldest first
    Column("model_name", _NAME, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("engine", String(20)),  # NULL: as configured
    Column("coordination_group", _NAME, nullable=False),  # empty: it was loaded alone
    Column("is_active", Boolean, nullable=False),
    Column("is_previous", Boolean, nullable=False),
    Column("release_state", String(40), nullable=False),
    Column("manifest", LargeBinary, nullable=False),  # the canonical bytes that are signed
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# At most one row: the candidate that decides beside the active model.
shadow = Table(
    "shadow",
    metadata,
    Column("model_name", _NAME, primary_key=True),
    Column("model_version", Integer, primary_key=True, autoincrement=False),
    Column("share", Float(53), nullable=False),
    Column("compared", BigInteger, nullable=False),
    Column("better", BigInteger, nullable=False),
    Column("same_carriers", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("active_rate_bps_hz", Float(53), nullable=False),
    Column("candidate_rate_bps_hz", Float(53), nullable=False),
    Column("candidate_reliability", Float(53), nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    Column("subscription_id", _NAME, primary_key=True),  # one row
    Column("fingerprint", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("processed_sequence", BigInteger, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", _NAME, primary_key=True),
    Column("subscription_id", _NAME, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("trigger_id", _NAME, nullable=False),
    Column("trigger_type", _NAME, nullable=False),
    Column("ending", String(20), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_notifications_sequence", "subscription_id", "sequence"),
)

# One row: how notifications ended, since the database was made.
counts = Table(
    "counts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("applied", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("decision_id", _NAME, nullable=False, unique=True),
    Column("context_id", _NAME, nullable=False),
    Column("run_id", _NAME, nullable=False),
    Column("trigger_id", _NAME, nullable=False),
    Column("trigger_type", _NAME, nullable=False),
    Column("source", String(20), nullable=False),
    Column("fallback_reason", String(40), nullable=False),
    Column("fallback_method", String(40), nullable=False),
    Column("model_name", _NAME, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("model_decision", BigInteger, nullable=False),  # of this version, from 1
    Column("engine", String(20), nullable=False),
    Column("precision", String(20), nullable=False),
    Column("artifact_sha256", String(64), nullable=False),
    Column("predicted_rate_bps_hz", Float(53), nullable=False),
    Column("reliability", Float(53), nullable=False),
    Column("confidence", Float(53)),  # NULL: the model does not say
    Column("inference_ns", BigInteger, nullable=False),
    Column("sim_offset_s", Float(53), nullable=False),
    Column("before_bps_hz", Float(53), nullable=False),
    Column("after_bps_hz", Float(53), nullable=False),
    Column("trigger_to_applied_ns", BigInteger, nullable=False),
    Column("applied_at_ns", BigInteger, nullable=False),
    Index("ix_reports_model", "model_name", "model_version", "model_decision"),
)
