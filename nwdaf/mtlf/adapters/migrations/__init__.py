"""Alembic revisions of the MTLF's database."""
