"""What notifications tell is stored once for all who are told the same."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.rename_table("notifications", "notifications_before")
    op.create_table(
        "notification_contents",
        sa.Column("content_id", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notifications",
        sa.Column(
            "subscription_position",
            _COUNTER,
            sa.ForeignKey("subscriptions.position", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "content_id",
            _COUNTER,
            sa.ForeignKey("notification_contents.content_id"),
            nullable=False,
        ),
        sa.Column("notif_corr_id", sa.String(200), nullable=False),
        sa.Column("term_cause", sa.String(100), nullable=False),
        sa.Column("notification_id", sa.String(64)),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO notification_contents (content, create_time) "
        "SELECT DISTINCT content, create_time FROM notifications_before"
    )
    # The identity that a consumer may have seen stays, whoever made it.
    op.execute(
        "INSERT INTO notifications (subscription_position, sequence, content_id, notif_corr_id, "
        "term_cause, notification_id) SELECT s.position, b.sequence, c.content_id, "
        "b.notif_corr_id, b.term_cause, b.notification_id FROM notifications_before b "
        "JOIN subscriptions s ON s.subscription_id = b.subscription_id "
        "JOIN notification_contents c ON c.content = b.content AND c.create_time = b.create_time"
    )
    op.create_index("ix_notifications_content_id", "notifications", ["content_id"])
    op.drop_table("notifications_before")


def downgrade() -> None:
    raise NotImplementedError("the tables before want an identity in each row")
