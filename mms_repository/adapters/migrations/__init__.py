"""Alembic revisions of the repository's tables, in `versions`."""
