"""Alembic revisions of the AnLF's database."""
