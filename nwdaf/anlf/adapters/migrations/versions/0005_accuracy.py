"""Subscriptions remember what they were last told of the model's accuracy."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscriptions", sa.Column("accuracy", sa.Text, nullable=False, server_default="[]")
    )


def downgrade() -> None:
    op.drop_column("subscriptions", "accuracy")
