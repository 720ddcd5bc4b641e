"""Network-free rival: from a random start, best move or swap of carriers, then gradient polish."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ml_models.baselines import mrc_random
from ml_models.baselines.ascent import (
    Floats,
    Integers,
    PreparedContext,
    ascend,
    prepare,
    sum_rate_and_gradient,
)
from radio_math.context import CARRIER_QUOTA, GRID_POINTS, Allocation, RadioContext


@dataclass(frozen=True)
class LocalSearchEffort:
    """Rounds of matching and polish, and the most matching steps in a round."""

    rounds: int = 2
    polish_steps: int = 10
    max_matching_steps: int = 40


def decide(
    context: RadioContext,
    rng: np.random.Generator,
    *,
    quota: int = CARRIER_QUOTA,
    effort: LocalSearchEffort | None = None,
) -> tuple[Allocation, Floats]:
    """An allocation for each context of a batch [N] and its sum rate [N] [b/s/Hz]."""
    effort = effort or LocalSearchEffort()
    start = mrc_random.decide(context, rng, quota)
    start = Allocation(start.carrier, start.power_w, np.full(start.power_w.shape, GRID_POINTS / 2))
    return improve(context, start, quota=quota, effort=effort)


def improve(
    context: RadioContext, start: Allocation, *, quota: int, effort: LocalSearchEffort
) -> tuple[Allocation, Floats]:
    """The allocation that matching and polish reach from `start`, and its sum rate [N]."""
    prepared = prepare(context)
    current = Allocation(
        carrier=np.asarray(start.carrier, dtype=np.int64)[:, None],
        power_w=np.asarray(start.power_w, dtype=np.float64)[:, None],
        beamformer_index=np.asarray(start.beamformer_index, dtype=np.float64)[:, None],
    )
    current, rate = ascend(prepared, current, steps=effort.polish_steps)
    for _ in range(effort.rounds):
        matched = _match(prepared, current, quota, effort.max_matching_steps)
        current, rate = ascend(prepared, matched, steps=effort.polish_steps)
    return (
        Allocation(
            carrier=current.carrier[:, 0],
            power_w=current.power_w[:, 0],
            beamformer_index=current.beamformer_index[:, 0],
        ),
        rate[:, 0],
    )


def _match(
    prepared: PreparedContext, current: Allocation, quota: int, max_steps: int
) -> Allocation:
    """Moves and swaps, the best first, while any of them raises the rate; powers and s stay."""
    carrier = current.carrier  # [N, 1, U]
    value, _, _ = sum_rate_and_gradient(
        prepared, carrier, current.power_w, current.beamformer_index
    )
    carriers = prepared.carrier_noise.shape[-1]
    for _ in range(max_steps):
        neighbours = _neighbours(carrier, carriers)  # [N, X, U]
        rates, _, _ = sum_rate_and_gradient(
            prepared, neighbours, current.power_w, current.beamformer_index
        )
        rates = np.where(_within_quota(neighbours, carriers, quota), rates, -np.inf)
        best = np.argmax(rates, axis=-1)[:, None]
        best_rate = np.take_along_axis(rates, best, axis=-1)
        better = best_rate > value + 1e-9
        if not better.any():
            break
        moved = np.take_along_axis(neighbours, best[..., None], axis=1)
        carrier = np.where(better[..., None], moved, carrier)
        value = np.where(better, best_rate, value)
    return Allocation(carrier, current.power_w, current.beamformer_index)


def _neighbours(carrier: Integers, carriers: int) -> Integers:
    """Every move of one ESIM to another carrier and every swap of two, [N, X, U]."""
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


def _within_quota(carrier: Integers, carriers: int, quota: int) -> npt.NDArray[np.bool_]:
    load = (carrier[..., None] == np.arange(carriers)).sum(axis=-2)
    return np.asarray((load <= quota).all(axis=-1))
