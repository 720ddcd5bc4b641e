"""What publishers say about versions, their tensors, and coordination groups."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NAME = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "versions", sa.Column("dataset_sha256", sa.String(64), nullable=False, server_default="")
    )
    op.add_column(
        "versions",
        sa.Column("tensors", sa.Text, nullable=False, server_default='{"inputs":[],"outputs":[]}'),
    )
    op.add_column("versions", sa.Column("valid_from", sa.DateTime(timezone=True)))
    op.add_column("versions", sa.Column("valid_until", sa.DateTime(timezone=True)))
    op.create_index("ix_versions_source", "versions", ["model_name", "source_version", "version"])
    op.create_index("ix_history_alias", "history", ["model_name", "alias", "position"])
    op.create_table(
        "traits",
        sa.Column(
            "model_unique_id",
            sa.BigInteger,
            sa.ForeignKey("versions.model_unique_id"),
            primary_key=True,
        ),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Index("ix_traits_name", "kind", "name", "model_unique_id"),
    )
    op.create_table(
        "regions",
        sa.Column(
            "model_unique_id",
            sa.BigInteger,
            sa.ForeignKey("versions.model_unique_id"),
            primary_key=True,
        ),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("min_latitude_deg", sa.Float(53), nullable=False),
        sa.Column("max_latitude_deg", sa.Float(53), nullable=False),
        sa.Column("min_longitude_deg", sa.Float(53), nullable=False),
        sa.Column("max_longitude_deg", sa.Float(53), nullable=False),
    )
    op.create_table(
        "groups",
        sa.Column("group_name", _NAME, primary_key=True),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "group_members",
        sa.Column("model_name", _NAME, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("group_name", _NAME, sa.ForeignKey("groups.group_name"), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_name", "version"], ["versions.model_name", "versions.version"]
        ),
        sa.Index("ix_group_members_group", "group_name"),
    )
