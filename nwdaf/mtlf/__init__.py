"""Model training logical function: trains versions, publishes them, tests them (TS 23.288 6.2A)."""
