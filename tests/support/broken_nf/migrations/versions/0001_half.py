"""Creates a table and then fails."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("half", sa.Column("name", sa.String(50), primary_key=True))
    raise RuntimeError("this migration fails half-way")
