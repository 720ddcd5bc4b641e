"""The outside of the inference function: peers, database, files, metrics."""
