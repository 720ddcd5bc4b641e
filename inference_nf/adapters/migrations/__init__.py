"""Alembic revisions of the inference function's database."""
