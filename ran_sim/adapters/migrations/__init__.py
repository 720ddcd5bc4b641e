"""Alembic revisions of the simulator's database."""
