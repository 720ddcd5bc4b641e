"""Where the satellite is, how it moves and how it looks from the ground."""
