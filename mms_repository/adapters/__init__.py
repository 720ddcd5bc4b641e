"""Technologies behind the repository's ports."""
