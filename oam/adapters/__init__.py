"""The OAM's ways to its peers, its broker and its database."""
