"""The record becomes a chain of digests; what is there already is chained as it stands."""

from datetime import UTC

import sqlalchemy as sa
from alembic import op

from oam.audit import EMPTY, Head, chained, head_of
from oam.record import Step, StepKind

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("figures", sa.Text, nullable=False, server_default="{}"),
        sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    ):
        op.add_column("lifecycle_steps", column)
    head = _chain_what_is_there()
    heads = op.create_table(
        "record_head",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    row = {"name": "lifecycle", "sequence": head.sequence, "digest": head.digest}
    op.bulk_insert(heads, [row])


def _chain_what_is_there() -> Head:
    connection = op.get_bind()
    steps = sa.table(
        "lifecycle_steps",
        *(sa.column(name) for name in ("sequence", "kind", "adaptation_id", "model_name")),
        *(sa.column(name) for name in ("version", "initiator", "detail", "object_ref", "digest")),
        sa.column("step_time", sa.DateTime(timezone=True)),
    )
    head = EMPTY
    for row in connection.execute(sa.select(steps).order_by(steps.c.sequence)).all():
        step = Step(
            kind=StepKind(row.kind),
            adaptation_id=row.adaptation_id,
            model_name=row.model_name,
            version=row.version,
            initiator=row.initiator,
            detail=row.detail,
            object_ref=row.object_ref,
        )
        step_time = row.step_time
        if step_time.tzinfo is None:  # SQLite keeps no time zone
            step_time = step_time.replace(tzinfo=UTC)
        recorded = chained(head, step, step_time)
        connection.execute(
            sa.update(steps).where(steps.c.sequence == row.sequence).values(digest=recorded.digest)
        )
        head = head_of(recorded)
    return head
