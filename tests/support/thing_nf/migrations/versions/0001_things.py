"""Things, inbox and outbox."""

import sqlalchemy as sa
from alembic import op

from nf_runtime.inbox import create_inbox
from nf_runtime.outbox import create_outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_inbox(op.get_bind())
    create_outbox(op.get_bind())
    op.create_table(
        "things",
        sa.Column("name", sa.String(50), primary_key=True),
    )
