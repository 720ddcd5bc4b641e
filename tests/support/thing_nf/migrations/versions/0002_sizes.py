"""Things get a size, and parts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("things") as things:
        things.add_column(sa.Column("size", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "parts",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("thing", sa.String(50), sa.ForeignKey("things.name"), nullable=False),
    )
