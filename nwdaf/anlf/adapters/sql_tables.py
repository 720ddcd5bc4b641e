"""Tables of the AnLF."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

from nf_runtime.inbox import inbox_table
from nwdaf.sql_types import COUNTER, UtcDateTime

METADATA = MetaData()

inbox_table(METADATA)

SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("position", COUNTER, primary_key=True, autoincrement=True),
    Column("subscription_id", String(64), nullable=False, unique=True),
    Column("consumer_nf_id", String(200), nullable=False, index=True),
    Column("request_id", String(200), unique=True),  # NULL: not idempotent
    Column("request_digest", String(64), nullable=False),
    Column("criteria", Text, nullable=False),  # JSON of subscriptions.Criteria
    Column("failures", Text, nullable=False),  # JSON list of subscriptions.EventFailure
    Column("notif_corr_id", String(200), nullable=False),
    Column("report_limit", Integer),
    Column("expire_time", UtcDateTime),
    Column("revision", Integer, nullable=False),
    Column("report_count", BigInteger, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("acknowledged", BigInteger, nullable=False, server_default="0"),
    Column("dropped_count", BigInteger, nullable=False, server_default="0"),
    Column("held", Text, nullable=False, server_default="[]"),  # JSON list of reports.Held
    Column("holding", Boolean, nullable=False, server_default=false()),  # reports may have to wait
    Column("muted", Boolean, nullable=False, server_default=false()),
    Column("due_time", UtcDateTime),
    Column("since_position", BigInteger, nullable=False, server_default="0"),
    Column("closed", Boolean, nullable=False, server_default=false()),
    Column("accuracy", Text, nullable=False, server_default="[]"),  # JSON list of AccuracyStatus
)

# The last value of each series that somebody waits for a change of.
OBSERVATIONS = Table(
    "observations",
    METADATA,
    Column("series", String(1000), primary_key=True),
    Column("position", BigInteger, nullable=False, index=True),
    Column("observation", Text, nullable=False),  # JSON of observations.Observation
)

# What notifications tell, once for all subscriptions that are told the same.
CONTENTS = Table(
    "notification_contents",
    METADATA,
    Column("content_id", COUNTER, primary_key=True, autoincrement=True),
    Column("content", Text, nullable=False),  # JSON of stored_reports.Content
    Column("create_time", UtcDateTime, nullable=False),
)

# Narrow, and kept in the order in which one consumer reads: a row is added for each subscription
# and event.
NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column(
        "subscription_position",
        COUNTER,
        ForeignKey("subscriptions.position", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("content_id", COUNTER, ForeignKey("notification_contents.content_id"), nullable=False),
    Column("notif_corr_id", String(200), nullable=False),
    Column("term_cause", String(100), nullable=False),
    Column("notification_id", String(64)),  # NULL: what subscription and cause make of it
    Index("ix_notifications_content_id", "content_id"),
    sqlite_with_rowid=False,
)

MEASUREMENTS = Table(
    "measurements",
    METADATA,
    Column("position", COUNTER, primary_key=True, autoincrement=True),
    Column("run_id", String(200), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("elevation_deg", Float, nullable=False),
    Column("doppler_hz", Float, nullable=False),
    Column("beams", Text, nullable=False),  # JSON list of catalogue.BeamMeasurement
    # NULL of measurements from before these columns.
    Column("satellite_id", String(200)),
    Column("range_km", Float),
    Index("ix_measurements_run_time", "run_id", "time"),
)

LOADS = Table(
    "loads",
    METADATA,
    Column("position", COUNTER, primary_key=True, autoincrement=True),
    Column("nf_instance_id", String(200), nullable=False),
    Column("time", UtcDateTime, nullable=False, index=True),
    Column("cpu_usage_percent", Float, nullable=False),
    Column("memory_usage_percent", Float, nullable=False),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("position", COUNTER, primary_key=True, autoincrement=True),
    Column("model_name", String(200), nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("predicted_bps_hz", Float, nullable=False),
    Column("achieved_bps_hz", Float, nullable=False),
    Column("gain_bps_hz", Float, nullable=False),
    Column("reliability", Float, nullable=False),
    Column("applied_time", UtcDateTime, nullable=False),
    Index("ix_decisions_model", "model_name", "model_version", "position"),
)

MODEL_USES = Table(
    "model_uses",
    METADATA,
    Column("position", COUNTER, primary_key=True, autoincrement=True),
    Column("registration_id", String(64), nullable=False, unique=True),
    Column("model_unique_id", BigInteger, nullable=False),
    Column("model_name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("consumer_nf_id", String(200), nullable=False),
)

MONITOR_SUBSCRIPTIONS = Table(
    "monitor_subscriptions",
    METADATA,
    Column("subscription_id", String(64), primary_key=True),
    Column("content", Text, nullable=False),  # JSON of monitor_subscriptions.MonitorSubscription
)
