"""Labels change after publication, and the history says so."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("history", sa.Column("labels", sa.Text))
