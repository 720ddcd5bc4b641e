"""What a job was asked to do, whatever it was changed to since."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("requested", sa.Text))


def downgrade() -> None:
    op.drop_column("jobs", "requested")
