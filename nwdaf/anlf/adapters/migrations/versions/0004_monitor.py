"""Registrations and subscriptions of ModelMonitor."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "model_uses",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("registration_id", sa.String(64), nullable=False, unique=True),
        sa.Column("model_unique_id", sa.BigInteger, nullable=False),
        sa.Column("model_name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("consumer_nf_id", sa.String(200), nullable=False),
    )
    op.create_table(
        "monitor_subscriptions",
        sa.Column("subscription_id", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("monitor_subscriptions")
    op.drop_table("model_uses")
