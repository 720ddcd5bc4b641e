"""Where satellites are, and the loads of network functions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("measurements", sa.Column("satellite_id", sa.String(200)))
    op.add_column("measurements", sa.Column("range_km", sa.Float))
    op.create_table(
        "loads",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("nf_instance_id", sa.String(200), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False, index=True),
        sa.Column("cpu_usage_percent", sa.Float, nullable=False),
        sa.Column("memory_usage_percent", sa.Float, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("loads")
    op.drop_column("measurements", "range_km")
    op.drop_column("measurements", "satellite_id")
