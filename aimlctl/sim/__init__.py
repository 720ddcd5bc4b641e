"""``aimlctl sim``: the simulator's orbits and link budgets by themselves, and its validation."""
