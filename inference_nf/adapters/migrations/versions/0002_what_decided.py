"""Precision, artifact, confidence and the fallback's method of each report."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name, length in (("fallback_method", 40), ("precision", 20), ("artifact_sha256", 64)):
        column = sa.Column(name, sa.String(length), nullable=False, server_default="")
        op.add_column("reports", column)
    op.add_column("reports", sa.Column("confidence", sa.Float(53)))
