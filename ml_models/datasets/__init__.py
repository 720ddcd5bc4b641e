"""Scenarios drawn by seed, labelled by exhaustive search, stored with a manifest."""
