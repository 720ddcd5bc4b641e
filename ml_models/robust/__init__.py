"""Rivals on the true channel: without a network, but knowing that reports are wrong, and how."""
