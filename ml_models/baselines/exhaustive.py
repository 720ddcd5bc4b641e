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
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from ml_models.baselines.ascent import (
    Floats,
    Integers,
    PreparedContext,
    ascend,
    grid_value_and_slope,
    prepare,
)
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
        self._sets = [
            np.array(list(combinations(range(esims), size)), dtype=np.int64)
            for size in range(1, quota + 1)
        ]
        self._assignments = _assignments(esims, carriers, quota)  # [X, U]
        self._set_numbers = self._number_sets(esims)  # [X, M], 0 is the empty set

    def decide(self, context: RadioContext) -> tuple[Allocation, Floats]:
        """The best allocation found for each context of a batch [N], and its sum rate [b/s/Hz]."""
        effort = self._effort
        prepared = prepare(context)
        users = prepared.log_gain.shape[-2]
        equal = np.broadcast_to(
            prepared.power_budget_w[..., None] / users, (*prepared.log_gain.shape[:-1],)
        )
        index = _own_best_index(prepared, equal)
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

    def _number_sets(self, esims: int) -> Integers:
        number_of_mask = np.zeros(2**esims, dtype=np.int64)
        masks = np.concatenate([np.sum(1 << members, axis=-1) for members in self._sets])
        number_of_mask[masks] = np.arange(1, len(masks) + 1)
        bits = 1 << np.arange(esims)
        return np.stack(
            [
                number_of_mask[(self._assignments == carrier) @ bits]
                for carrier in range(self._carriers)
            ],
            axis=-1,
        )

    def _best_assignments(
        self, prepared: PreparedContext, power_w: Floats, index: Floats, count: int
    ) -> Integers:
        """The assignments of highest table value, [N, count, U], for powers and s [N, 1, U]."""
        table = self._set_values(prepared, power_w[..., 0, :], index[..., 0, :])
        chosen = []
        for values in table:  # one context at a time: 4 * 10^5 sums fit the cache, N times do not
            total = values[0, self._set_numbers[:, 0]]
            for carrier in range(1, self._carriers):
                total = total + values[carrier, self._set_numbers[:, carrier]]
            top = np.argpartition(-total, min(count, len(total) - 1))[:count]
            chosen.append(self._assignments[top])
        return np.stack(chosen).astype(np.int64)

    def _set_values(
        self, prepared: PreparedContext, power_w: Floats, index: Floats
    ) -> npt.NDArray[np.float32]:
        """Rate of every set on every carrier, single precision [N, M, 1 + sets]; 0 when empty."""
        gain, _ = grid_value_and_slope(prepared.log_gain[:, 0], index)
        leakage, _ = grid_value_and_slope(prepared.log_leakage[:, 0], index)
        noise = prepared.carrier_noise[:, 0]  # [N, M]
        load = (power_w * gain)[:, None, :] / noise[:, :, None]  # [N, M, U]
        secret_loss = np.log1p(power_w * leakage)
        columns = [np.zeros((*noise.shape, 1))]
        for members in self._sets:
            size = members.shape[1]
            gram = prepared.gram[:, 0][:, members[:, :, None], members[:, None, :]]  # [N, X, k, k]
            own_load = load[:, :, members]  # [N, M, X, k]
            error = np.linalg.inv(np.eye(size) + own_load[..., None] * gram[:, None])
            ratio = 1 / np.diagonal(error, axis1=-2, axis2=-1) - 1
            epsilon = prepared.ici_factor[:, 0][:, None, members]
            rate = np.log1p(ratio / (1 + epsilon * ratio)) - secret_loss[:, None, members]
            columns.append(np.maximum(rate, 0).sum(axis=-1))
        return np.asarray(np.concatenate(columns, axis=-1), dtype=np.float32)


def _assignments(esims: int, carriers: int, quota: int) -> npt.NDArray[np.int8]:
    everything = np.array(list(product(range(carriers), repeat=esims)), dtype=np.int8)
    load = np.stack([(everything == carrier).sum(axis=-1) for carrier in range(carriers)])
    return np.asarray(everything[(load <= quota).all(axis=0)])


def _own_best_index(prepared: PreparedContext, power_w: Floats) -> Floats:
    """The grid point where each ESIM alone on a quiet carrier has its best rate, [N, 1, U]."""
    own = np.diagonal(prepared.gram, axis1=-2, axis2=-1)
    snr = (power_w * own)[..., None] * np.exp(prepared.log_gain)
    sinr = snr / (1 + prepared.ici_factor[..., None] * snr)
    leaked = power_w[..., None] * np.exp(prepared.log_leakage)
    best = np.argmax(np.log1p(sinr) - np.log1p(leaked), axis=-1)
    return np.asarray(best, dtype=np.float64)


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
