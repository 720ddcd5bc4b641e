"""Network-free rival: from a random start, best move or swap of carriers, then gradient polish."""

from dataclasses import dataclass

import numpy as np

from ml_models.baselines import mrc_random
from ml_models.baselines.ascent import (
    Floats,
    Objective,
    PreparedContext,
    ascend,
    prepare,
    sum_rate_and_gradient,
)
from ml_models.baselines.blocks import own_best_index
from ml_models.baselines.matching import neighbours, within_quota
from radio_math.context import CARRIER_QUOTA, Allocation, RadioContext


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
    index = own_best_index(prepare(context, extra_axes=0), np.asarray(start.power_w))
    start = Allocation(start.carrier, start.power_w, index)
    return improve(context, start, quota=quota, effort=effort)


def improve(
    context: RadioContext, start: Allocation, *, quota: int, effort: LocalSearchEffort
) -> tuple[Allocation, Floats]:
    """The allocation that matching and polish reach from `start`, and its sum rate [N]."""
    return climb(prepare(context), start, quota=quota, effort=effort)


def climb(
    prepared: PreparedContext,
    start: Allocation,
    *,
    quota: int,
    effort: LocalSearchEffort,
    objective: Objective = sum_rate_and_gradient,
) -> tuple[Allocation, Floats]:
    """What matching and polish reach from `start` under an objective, and its value [N]."""
    current = Allocation(
        carrier=np.asarray(start.carrier, dtype=np.int64)[:, None],
        power_w=np.asarray(start.power_w, dtype=np.float64)[:, None],
        beamformer_index=np.asarray(start.beamformer_index, dtype=np.float64)[:, None],
    )
    current, rate = ascend(prepared, current, steps=effort.polish_steps, objective=objective)
    for _ in range(effort.rounds):
        matched = _match(prepared, current, quota, effort.max_matching_steps, objective)
        current, rate = ascend(prepared, matched, steps=effort.polish_steps, objective=objective)
    return (
        Allocation(
            carrier=current.carrier[:, 0],
            power_w=current.power_w[:, 0],
            beamformer_index=current.beamformer_index[:, 0],
        ),
        rate[:, 0],
    )


def _match(
    prepared: PreparedContext,
    current: Allocation,
    quota: int,
    max_steps: int,
    objective: Objective,
) -> Allocation:
    """Moves and swaps, the best first, while any of them raises the rate; powers and s stay."""
    carrier = current.carrier  # [N, 1, U]
    value, _, _ = objective(prepared, carrier, current.power_w, current.beamformer_index)
    carriers = prepared.carrier_noise.shape[-1]
    for _ in range(max_steps):
        reachable = neighbours(carrier, carriers)  # [N, X, U]
        rates, _, _ = objective(prepared, reachable, current.power_w, current.beamformer_index)
        rates = np.where(within_quota(reachable, carriers, quota), rates, -np.inf)
        best = np.argmax(rates, axis=-1)[:, None]
        best_rate = np.take_along_axis(rates, best, axis=-1)
        better = best_rate > value + 1e-9
        if not better.any():
            break
        moved = np.take_along_axis(reachable, best[..., None], axis=1)
        carrier = np.where(better[..., None], moved, carrier)
        value = np.where(better, best_rate, value)
    return Allocation(carrier, current.power_w, current.beamformer_index)
