"""Operations and maintenance (OAM): drives a model through its lifecycle as TS 28.105 tells it."""
