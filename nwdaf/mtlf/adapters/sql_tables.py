"""Tables of the MTLF. Times are microseconds since the Unix epoch."""

from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table, Text

from nf_runtime.inbox import inbox_table
from nwdaf.sql_types import COUNTER, UtcDateTime

METADATA = MetaData()

inbox_table(METADATA)

JOBS = Table(
    "jobs",
    METADATA,
    Column("position", COUNTER, primary_key=True, autoincrement=True),
    Column("job_id", String(64), nullable=False, unique=True),
    Column("request_id", String(200), unique=True),
    Column("kind", String(20), nullable=False),
    Column("spec", Text, nullable=False),
    Column("requested", Text),  # the spec as it was asked for; NULL of jobs from before this column
    Column("state", String(20), nullable=False, index=True),
    Column("progress_percent", Float, nullable=False),
    Column("phase", String(40)),
    Column("metrics", Text, nullable=False),
    Column("published_version", Integer, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("failure", Text, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
)

PROVISION_SUBSCRIPTIONS = Table(
    "provision_subscriptions",
    METADATA,
    Column("subscription_id", String(64), primary_key=True),
    Column("content", Text, nullable=False),  # JSON of provision_subscriptions
)
