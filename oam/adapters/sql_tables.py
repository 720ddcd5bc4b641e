"""The OAM's tables.

What is looked for has a column; the rest of a record is its JSON document.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from nf_runtime.inbox import inbox_table
from nf_runtime.outbox import outbox_table

METADATA = MetaData()
inbox_table(METADATA)
outbox_table(METADATA)

_POSITION = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys

LIFECYCLES = Table(
    "lifecycles",
    METADATA,
    Column("model_name", String(63), primary_key=True),
    Column("content", Text, nullable=False),
)

ADAPTATIONS = Table(
    "adaptations",
    METADATA,
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("adaptation_id", String(64), nullable=False),
    Column("request_id", String(200)),
    Column("model_name", String(63), nullable=False),
    Column("in_progress", Boolean, nullable=False),
    Column("content", Text, nullable=False),
    UniqueConstraint("adaptation_id", name="uq_adaptations_id"),
    UniqueConstraint("request_id", name="uq_adaptations_request"),
)
# Never two adaptations of one model at once.
Index(
    "uq_adaptations_in_progress",
    ADAPTATIONS.c.model_name,
    unique=True,
    sqlite_where=ADAPTATIONS.c.in_progress == true(),
    postgresql_where=ADAPTATIONS.c.in_progress == true(),
)

STEPS = Table(
    "lifecycle_steps",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("adaptation_id", String(64), nullable=False),
    Column("model_name", String(63), nullable=False),
    Column("version", Integer, nullable=False),
    Column("initiator", String(250), nullable=False),
    Column("detail", Text, nullable=False),
    Column("object_ref", Text, nullable=False),
    Column("figures", Text, nullable=False),
    Column("step_time", DateTime(timezone=True), nullable=False),
    Column("digest", String(64), nullable=False),
)

# One row: where the record ends. Its lock makes writers of several processes wait for each other.
RECORD_HEAD = Table(
    "record_head",
    METADATA,
    Column("name", String(20), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
HEAD_NAME = "lifecycle"

OBJECTS = Table(
    "managed_objects",
    METADATA,
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("distinguished_name", String(500), nullable=False),
    Column("object_class", String(40), nullable=False),
    Column("level", Integer, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("request_id", String(200)),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    UniqueConstraint("distinguished_name", name="uq_managed_objects_name"),
    UniqueConstraint("request_id", name="uq_managed_objects_request"),
)
# Requests and processes that have not ended are looked for after each change.
Index("ix_managed_objects_open", OBJECTS.c.is_open)
