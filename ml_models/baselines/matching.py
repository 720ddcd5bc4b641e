"""Matching of ESIMs and carriers: the moves and swaps that lead from one assignment to others."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from ml_models.baselines.ascent import Integers


def neighbours(carrier: Integers, carriers: int) -> Integers:
    """Every move of one ESIM to another carrier and every swap of two, [N, X, U] of [N, 1, U]."""
    users = carrier.shape[-1]
    pairs = np.array(list(combinations(range(users), 2)))
    moves = np.repeat(carrier, users * (carriers - 1), axis=1)
    row = np.arange(users * (carriers - 1))
    mover, shift = np.divmod(row, carriers - 1)
    moves[:, row, mover] = (moves[:, row, mover] + shift + 1) % carriers
    swaps = np.repeat(carrier, len(pairs), axis=1)
    row = np.arange(len(pairs))
    first, second = pairs[:, 0], pairs[:, 1]
    swaps[:, row, first] = carrier[:, 0][:, second]
    swaps[:, row, second] = carrier[:, 0][:, first]
    return np.concatenate([moves, swaps], axis=1)


def within_quota(carrier: Integers, carriers: int, quota: int) -> npt.NDArray[np.bool_]:
    """Whether assignments [..., U] give no carrier to more than `quota` ESIMs, [...]."""
    load = (carrier[..., None] == np.arange(carriers)).sum(axis=-2)
    return np.asarray((load <= quota).all(axis=-1))
