"""The near-optimal decision: every carrier assignment valued, the best refined jointly.

1. A table of the secrecy rate of every set of at most L ESIMs on every carrier, at equal power and
   each ESIM's own best beamformer.
2. Every assignment that respects the quota, summed from the table.
3. The best few climb in powers and beamformers (`ascent`); the best of those climb further, with
   the best assignments of a second table taken at the refined point.

Carriers are searched exhaustively under that value, powers and beamformers by local ascent: the
result is a lower bound of the optimum, and it is what the "exhaustive" curve means.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ml_models.baselines.ascent import (
    Floats,
    Integers,
    PreparedContext,
    ascend,
    prepare,
)
from ml_models.baselines.blocks import BlockTable, own_best_index
from radio_math.context import CARRIER_QUOTA, CARRIERS, ESIMS, Allocation, RadioContext


@dataclass(frozen=True)
class SearchEffort:
    """How many candidates climb, and how far."""

    candidates: int = 48
    steps: int = 24
    finalists: int = 8
    final_steps: int = 80


class ExhaustiveSearch:
    """The search for one size of problem; building it enumerates the assignments once."""

    def __init__(
        self,
        esims: int = ESIMS,
        carriers: int = CARRIERS,
        quota: int = CARRIER_QUOTA,
        effort: SearchEffort | None = None,
    ) -> None:
        self._carriers = carriers
        self._effort = effort or SearchEffort()
        self._blocks = BlockTable(esims, carriers, quota)
        self._assignments = _assignments(esims, carriers, quota)  # [X, U]
        self._set_numbers = self._blocks.numbers(self._assignments)  # [X, M]

    def decide(self, context: RadioContext) -> tuple[Allocation, Floats]:
        """The best allocation found for each context of a batch [N], and its sum rate [b/s/Hz]."""
        effort = self._effort
        prepared = prepare(context)
        users = prepared.log_gain.shape[-2]
        equal = np.broadcast_to(
            prepared.power_budget_w[..., None] / users, (*prepared.log_gain.shape[:-1],)
        )
        index = own_best_index(prepared, equal)
        carrier = self._best_assignments(prepared, equal, index, effort.candidates)
        start = Allocation(
            carrier=carrier,
            power_w=np.broadcast_to(equal, carrier.shape),
            beamformer_index=np.broadcast_to(index, carrier.shape),
        )
        refined, rate = ascend(prepared, start, steps=effort.steps)
        best = _pick(refined, np.argsort(-rate, axis=-1)[..., : effort.finalists])
        leader = _pick(best, np.zeros((*rate.shape[:-1], 1), dtype=np.int64))
        again = self._best_assignments(
            prepared, leader.power_w, leader.beamformer_index, effort.finalists
        )
        finalists = Allocation(
            carrier=np.concatenate([best.carrier, again], axis=1),
            power_w=_followed(best.power_w, leader.power_w, again),
            beamformer_index=_followed(best.beamformer_index, leader.beamformer_index, again),
        )
        final, rate = ascend(prepared, finalists, steps=effort.final_steps)
        winner = _pick(final, np.argmax(rate, axis=-1)[..., None])
        decision = Allocation(
            carrier=winner.carrier[:, 0],
            power_w=winner.power_w[:, 0],
            beamformer_index=winner.beamformer_index[:, 0],
        )
        return decision, np.max(rate, axis=-1)

    def _best_assignments(
        self, prepared: PreparedContext, power_w: Floats, index: Floats, count: int
    ) -> Integers:
        """The assignments of highest table value, [N, count, U], for powers and s [N, 1, U]."""
        table = self._blocks.values(prepared, power_w[..., 0, :], index[..., 0, :])
        chosen = []
        for values in table:  # one context at a time: 4 * 10^5 sums fit the cache, N times do not
            total = values[0, self._set_numbers[:, 0]]
            for carrier in range(1, self._carriers):
                total = total + values[carrier, self._set_numbers[:, carrier]]
            top = np.argpartition(-total, min(count, len(total) - 1))[:count]
            chosen.append(self._assignments[top])
        return np.stack(chosen).astype(np.int64)


def _assignments(esims: int, carriers: int, quota: int) -> npt.NDArray[np.int8]:
    everything = np.array(list(product(range(carriers), repeat=esims)), dtype=np.int8)
    load = np.stack([(everything == carrier).sum(axis=-1) for carrier in range(carriers)])
    return np.asarray(everything[(load <= quota).all(axis=0)])


def _followed(first: Floats, leader: Floats, again: Integers) -> Floats:
    """The values of the first candidates and then the leader's for every new assignment."""
    return np.concatenate([first, np.broadcast_to(leader, again.shape)], axis=1)


def _pick(allocation: Allocation, chosen: Integers) -> Allocation:
    """The chosen candidates [N, C] of an allocation with candidate axis 1."""
    rows = chosen[..., None]
    return Allocation(
        carrier=np.take_along_axis(allocation.carrier, rows, axis=1),
        power_w=np.take_along_axis(allocation.power_w, rows, axis=1),
        beamformer_index=np.take_along_axis(allocation.beamformer_index, rows, axis=1),
    )
