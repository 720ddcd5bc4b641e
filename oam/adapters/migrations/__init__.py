"""Revisions of the OAM's database."""
