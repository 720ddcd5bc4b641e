"""Tables of a made-up network function, with inbox and outbox."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from nf_runtime.inbox import inbox_table
from nf_runtime.outbox import outbox_table

MIGRATIONS = "support.thing_nf.migrations"

metadata = MetaData()
inbox_table(metadata)
outbox_table(metadata)
things = Table(
    "things",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("size", Integer, nullable=False, server_default="0"),
)
parts = Table(
    "parts",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("thing", String(50), ForeignKey("things.name"), nullable=False),
)
