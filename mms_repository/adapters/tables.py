# ruff: noqa: ARG002 - SQLAlchemy hands the dialect to every type
"""The repository's tables, as SQLAlchemy sees them; `migrations` makes them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from nf_runtime.outbox import outbox_table


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC; a naive time is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware; use the clock's now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        aware: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return aware.astimezone(UTC)


# Names are compared byte by byte everywhere; PostgreSQL would follow the language of its cluster.
NAME = String(63).with_variant(String(63, collation="C"), "postgresql")

metadata = MetaData()
outbox_table(metadata)

# One row. Writers lock it first, so that they follow each other on every database; the counters
# make positions and unique ids free of gaps and rising in the order of commits.
repository = Table(
    "repository",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("incarnation", String(32), nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("last_model_unique_id", BigInteger, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("model_name", NAME, primary_key=True),
    Column("aiml_inference_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("latest_version", Integer, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("model_unique_id", BigInteger, primary_key=True, autoincrement=False),
    Column("model_name", NAME, ForeignKey(models.c.model_name), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("source_version", Integer, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("training_job_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("dataset_sha256", String(64), nullable=False),
    Column("tensors", Text, nullable=False),
    Column("valid_from", UtcDateTime),
    Column("valid_until", UtcDateTime),
    UniqueConstraint("model_name", "version", name="uq_versions_number"),
    UniqueConstraint("request_id", name="uq_versions_request"),
    Index("ix_versions_source", "model_name", "source_version", "version"),
    Index("ix_versions_page", "model_name", "version", "model_unique_id", "revision"),
)

# Names that a version is searched by: labels with their values, orbit shells, environments.
traits = Table(
    "traits",
    metadata,
    Column("model_unique_id", BigInteger, ForeignKey(versions.c.model_unique_id), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_traits_name", "kind", "name", "model_unique_id"),
)

regions = Table(
    "regions",
    metadata,
    Column("model_unique_id", BigInteger, ForeignKey(versions.c.model_unique_id), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("min_latitude_deg", Float(53), nullable=False),
    Column("max_latitude_deg", Float(53), nullable=False),
    Column("min_longitude_deg", Float(53), nullable=False),
    Column("max_longitude_deg", Float(53), nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("model_unique_id", BigInteger, ForeignKey(versions.c.model_unique_id), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("file_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
)

kpis = Table(
    "kpis",
    metadata,
    Column("model_unique_id", BigInteger, ForeignKey(versions.c.model_unique_id), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Float(53), nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("model_name", NAME, primary_key=True),
    Column("alias", NAME, primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["model_name", "version"], ["versions.model_name", "versions.version"]),
)

# What a change is about is set, the rest empty: states, an alias, or labels as a JSON object.
history = Table(
    "history",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("model_name", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16)),
    Column("alias", NAME),
    Column("previous_version", Integer),
    Column("labels", Text),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("change_time", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["model_name", "version"], ["versions.model_name", "versions.version"]),
    Index("ix_history_version", "model_name", "version", "position"),
    Index("ix_history_model", "model_name", "position"),
    Index("ix_history_alias", "model_name", "alias", "position"),
)

groups = Table(
    "groups",
    metadata,
    Column("group_name", NAME, primary_key=True),
    Column("create_time", UtcDateTime, nullable=False),
)

# The key says that a version belongs to one group at most.
group_members = Table(
    "group_members",
    metadata,
    Column("model_name", NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("group_name", NAME, ForeignKey(groups.c.group_name), nullable=False),
    ForeignKeyConstraint(["model_name", "version"], ["versions.model_name", "versions.version"]),
    Index("ix_group_members_group", "group_name"),
)
