"""Notifications hold their reports; subscriptions hold back, fall due and are closed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRIGGERS = {
    "org.aimlnf.ran.beam-quality-degraded.v1": ("BEAM_QUALITY_TRIGGER", "sinr_db"),
    "org.aimlnf.ran.doppler-sinr-drop.v1": ("DOPPLER_TRIGGER", "sinr_loss_db"),
    "org.aimlnf.ran.eavesdropper-detected.v1": ("EAVESDROPPER_TRIGGER", "detection_statistic"),
}


def upgrade() -> None:
    with op.batch_alter_table("subscriptions") as batch:
        batch.add_column(
            sa.Column("acknowledged", sa.BigInteger, nullable=False, server_default="0")
        )
        batch.add_column(
            sa.Column("dropped_count", sa.BigInteger, nullable=False, server_default="0")
        )
        batch.add_column(sa.Column("held", sa.Text, nullable=False, server_default="[]"))
        batch.add_column(
            sa.Column("holding", sa.Boolean, nullable=False, server_default=sa.false())
        )
        batch.add_column(sa.Column("muted", sa.Boolean, nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("due_time", sa.BigInteger))
        batch.add_column(
            sa.Column("since_position", sa.BigInteger, nullable=False, server_default="0")
        )
        batch.add_column(sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "observations",
        sa.Column("series", sa.String(1000), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False, index=True),
        sa.Column("observation", sa.Text, nullable=False),
    )
    op.rename_table("notifications", "notifications_before")
    op.create_table(
        "notifications",
        sa.Column(
            "subscription_id",
            sa.String(64),
            sa.ForeignKey("subscriptions.subscription_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("notification_id", sa.String(64), nullable=False, unique=True),
        sa.Column("notif_corr_id", sa.String(200), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("term_cause", sa.String(100), nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
    _carry_over()
    op.drop_table("notifications_before")
    op.drop_table("triggers")


def _carry_over() -> None:
    """Undelivered notifications, with the trigger of each written into it."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT n.subscription_id, n.sequence, n.notification_id, n.notif_corr_id, n.events, "
            "n.create_time, t.event_id, t.source, t.event_type, t.time, t.traceparent, "
            "t.published_at_ns, t.data FROM notifications_before n "
            "JOIN triggers t ON t.position = n.trigger_position"
        )
    ).all()
    for row in rows:
        connection.execute(
            sa.text(
                "INSERT INTO notifications (subscription_id, sequence, notification_id, "
                "notif_corr_id, content, term_cause, create_time) VALUES "
                "(:subscription_id, :sequence, :notification_id, :notif_corr_id, :content, '', "
                ":create_time)"
            ),
            {
                "subscription_id": row.subscription_id,
                "sequence": row.sequence,
                "notification_id": row.notification_id,
                "notif_corr_id": row.notif_corr_id,
                "content": _content(row),
                "create_time": row.create_time,
            },
        )
    connection.execute(
        sa.text(
            "UPDATE subscriptions SET acknowledged = COALESCE((SELECT MIN(n.sequence) - 1 "
            "FROM notifications n WHERE n.subscription_id = subscriptions.subscription_id), "
            "report_count)"
        )
    )


def _content(row: Any) -> str:
    data = json.loads(row.data)
    quantity, value = _TRIGGERS[row.event_type]
    observation = {
        "quantity": quantity,
        "value": data[value],
        "time": _iso(row.time),
        "event_id": row.event_id,
        "event_type": row.event_type,
        "received_time": _iso(row.create_time),
        "beam_id": str(data["beam_id"]),
        "satellite_id": data["satellite_id"],
        "ue_id": data.get("esim_id", ""),
        "nf_instance_id": "",
        "run_id": data["run_id"],
        "detail": data,
    }
    return json.dumps(
        {
            "cause": {
                "identity": f"{row.source} {row.event_id}",
                "published_at_ns": row.published_at_ns,
                "traceparent": row.traceparent,
            },
            "reports": [
                {"event": event, "observation": observation} for event in json.loads(row.events)
            ],
        }
    )


def _iso(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()


def downgrade() -> None:
    raise NotImplementedError("reports of other than triggers have no place in the tables before")
