"""Ways to decide without a network, on the same contexts: the rivals and the source of labels."""
