"""Training and testing jobs."""

import sqlalchemy as sa
from alembic import op

from nf_runtime.inbox import create_inbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    create_inbox(op.get_bind())
    op.create_table(
        "jobs",
        sa.Column("position", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(64), nullable=False, unique=True),
        sa.Column("request_id", sa.String(200), unique=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("progress_percent", sa.Float, nullable=False),
        sa.Column("phase", sa.String(40)),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.Column("published_version", sa.Integer, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
        sa.Column("update_time", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("jobs", "inbox_events", "inbox_offsets"):
        op.drop_table(table)
