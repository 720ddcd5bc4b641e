"""The candidate that decides beside the active model, and what was compared."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    counts = ("compared", "better", "same_carriers", "failed", "skipped")
    sums = ("active_rate_bps_hz", "candidate_rate_bps_hz", "candidate_reliability")
    op.create_table(
        "shadow",
        sa.Column("model_name", sa.Text, primary_key=True),
        sa.Column("model_version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("share", sa.Float(53), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in sums),
    )
