"""Versions that were loaded with their coordination group."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "loaded_models",
        sa.Column("coordination_group", sa.Text, nullable=False, server_default=""),
    )
