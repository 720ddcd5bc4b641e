"""What a page of versions is found by stands in one index."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index(
        "ix_versions_page", "versions", ["model_name", "version", "model_unique_id", "revision"]
    )
