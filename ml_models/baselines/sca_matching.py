"""The classical rival: matching for carriers, convex approximation for powers, search for s.

Each outer round fills a table of block values at the current powers and beamformers, matches
carriers by the best move or swap of the table, and then alternates successive convex powers with
golden-section search over the beamformers. It begins with equal powers, every ESIM's own best
beamformer and carriers dealt one ESIM at a time, beside some fixed assignments, because a matching
ends where no single move helps: the best end counts. It is deterministic.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ml_models.baselines.ascent import (
    Floats,
    Integers,
    PreparedContext,
    carrier_noise_of,
    grid_value_and_slope,
    prepare,
)
from ml_models.baselines.blocks import BlockTable, own_best_index
from ml_models.baselines.convex_power import (
    Maximiser,
    PowerProblem,
    maximise_minorant,
    successive_convex_power,
)
from ml_models.baselines.matching import neighbours
from radio_math.context import CARRIER_QUOTA, CARRIERS, ESIMS, Allocation, RadioContext

_GOLDEN = (np.sqrt(5) - 1) / 2
_STARTS_SEED = 1  # of the fixed assignments


@dataclass(frozen=True)
class ScaEffort:
    """Starts of the matching, outer rounds, what each does, and how fine the search in s ends."""

    starts: int = 4
    rounds: int = 3
    alternations: int = 2
    power_rounds: int = 3
    golden_steps: int = 9
    max_matching_steps: int = 40


class ScaMatching:
    """The method for one size of problem; building it numbers the blocks once."""

    def __init__(
        self,
        esims: int = ESIMS,
        carriers: int = CARRIERS,
        quota: int = CARRIER_QUOTA,
        effort: ScaEffort | None = None,
        maximise: Maximiser = maximise_minorant,
    ) -> None:
        self._blocks = BlockTable(esims, carriers, quota)
        self._effort = effort or ScaEffort()
        self._maximise = maximise
        slots = np.repeat(np.arange(carriers), quota)
        rng = np.random.default_rng(_STARTS_SEED)
        self._starts = np.array(
            [rng.permutation(slots)[:esims] for _ in range(self._effort.starts - 1)],
            dtype=np.int64,
        ).reshape(-1, esims)

    def decide(self, context: RadioContext) -> tuple[Allocation, Floats]:
        """An allocation for each context of a batch [N], and its sum rate [N] [b/s/Hz]."""
        effort = self._effort
        prepared = prepare(context)
        count, users = len(prepared.power_budget_w), prepared.log_gain.shape[-2]
        budget = prepared.power_budget_w  # [N, 1]
        share = np.full((count, users), 1 / users)
        index = own_best_index(prepared, budget[..., None] * share[:, None])[:, 0]
        values = self._blocks.values(prepared, budget * share, index)
        starts = np.broadcast_to(self._starts, (count, *self._starts.shape))
        carrier = np.concatenate([self._dealt(values, users)[:, None], starts], axis=1)
        # From here on every start is a context of its own, [N starts, ...].
        prepared = _repeated(prepared, effort.starts)
        carrier = carrier.reshape(-1, users)
        share, index, values = (
            np.repeat(each, effort.starts, axis=0) for each in (share, index, values)
        )
        best = _Best(carrier, share, index)
        for turn in range(effort.rounds):
            if turn > 0:
                values = self._blocks.values(prepared, prepared.power_budget_w * share, index)
            carrier = self._matched(values, carrier)
            for _ in range(effort.alternations):
                problem = _power_problem(prepared, carrier, index)
                share = successive_convex_power(problem, share, effort.power_rounds, self._maximise)
                index = _searched_index(prepared, carrier, share, index, effort.golden_steps)
            rate = _power_problem(prepared, carrier, index).sum_rate(share)
            best.offer(rate, carrier, share, index)
        rates = best.rate.reshape(count, effort.starts)
        row = np.arange(count) * effort.starts + np.argmax(rates, axis=-1)
        allocation = Allocation(
            carrier=best.carrier[row],
            power_w=budget * best.share[row],
            beamformer_index=best.index[row],
        )
        return allocation, best.rate[row] / np.log(2)

    def _dealt(self, values: npt.NDArray[np.float32], users: int) -> Integers:
        """Carriers [N, U]: the ESIM and carrier that add most by the table, one after another."""
        count = self._blocks.carriers
        carrier = np.full((len(values), users), -1, dtype=np.int64)
        row = np.arange(len(values))
        for _ in range(users):
            options = np.repeat(carrier[:, None], users * count, axis=1)
            taker, taken = np.divmod(np.arange(users * count), count)
            free = carrier[:, taker] < 0  # [N, U M]
            options[:, np.arange(users * count), taker] = taken
            gain = np.where(free, self._blocks.total(values, options), -np.inf)
            carrier = options[row, np.argmax(gain, axis=-1)]
        return carrier

    def _matched(self, values: npt.NDArray[np.float32], carrier: Integers) -> Integers:
        """Carriers [N, U] after moves and swaps, the best first, while any raises the value."""
        current = self._blocks.total(values, carrier[:, None])[:, 0]
        row = np.arange(len(values))
        for _ in range(self._effort.max_matching_steps):
            reachable = neighbours(carrier[:, None], self._blocks.carriers)
            totals = self._blocks.total(values, reachable)
            best = np.argmax(totals, axis=-1)
            better = totals[row, best] > current + 1e-6
            if not better.any():
                break
            carrier = np.where(better[:, None], reachable[row, best], carrier)
            current = np.where(better, totals[row, best], current)
        return carrier


class _Best:
    """The best point that each start has met."""

    def __init__(self, carrier: Integers, share: Floats, index: Floats) -> None:
        self.carrier, self.share, self.index = carrier, share, index
        self.rate = np.full(len(carrier), -np.inf)

    def offer(self, rate: Floats, carrier: Integers, share: Floats, index: Floats) -> None:
        """Takes the points that are better than what was met before."""
        better = rate > self.rate
        self.rate = np.where(better, rate, self.rate)
        self.carrier = np.where(better[:, None], carrier, self.carrier)
        self.share = np.where(better[:, None], share, self.share)
        self.index = np.where(better[:, None], index, self.index)


def _repeated(prepared: PreparedContext, times: int) -> PreparedContext:
    return PreparedContext(
        **{
            item.name: np.repeat(getattr(prepared, item.name), times, axis=0)
            for item in fields(PreparedContext)
        }
    )


def _power_problem(prepared: PreparedContext, carrier: Integers, index: Floats) -> PowerProblem:
    gain, leakage = _at(prepared, index)
    noise = carrier_noise_of(prepared, carrier[:, None])[:, 0]
    budget = prepared.power_budget_w
    return PowerProblem(
        gram=prepared.gram[:, 0] * (carrier[:, :, None] == carrier[:, None, :]),
        load=budget * gain / noise,
        leaked=budget * leakage,
        ici_factor=prepared.ici_factor[:, 0],
    )


def _at(prepared: PreparedContext, index: Floats) -> tuple[Floats, Floats]:
    gain, _ = grid_value_and_slope(prepared.log_gain[:, 0], index)
    leakage, _ = grid_value_and_slope(prepared.log_leakage[:, 0], index)
    return gain, leakage


def _searched_index(
    prepared: PreparedContext, carrier: Integers, share: Floats, index: Floats, golden_steps: int
) -> Floats:
    """Beamformers [N, U] searched one ESIM of every carrier at a time, the others held.

    The grid gives the bracket, golden section the place within it; a place that is no better than
    the present one is not taken.
    """
    last = prepared.log_gain.shape[-1] - 1
    same = carrier[:, :, None] == carrier[:, None, :]
    turn = np.sum(np.tril(same, -1), axis=-1)  # which of its carrier's ESIMs each one is
    for number in range(int(turn.max()) + 1):
        value = _ValueOfChange(prepared, carrier, share, index)
        grid = np.broadcast_to(np.arange(last + 1.0), (*index.shape, last + 1))
        best = np.argmax(value(grid), axis=-1)
        low, high = np.maximum(best - 1.0, 0.0), np.minimum(best + 1.0, last)
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_left, at_right = value(left[..., None])[..., 0], value(right[..., None])[..., 0]
        for _ in range(golden_steps):
            down = at_left > at_right
            high, low = np.where(down, right, high), np.where(down, low, left)
            fresh = np.where(down, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
            at_fresh = value(fresh[..., None])[..., 0]
            left, right = np.where(down, fresh, right), np.where(down, left, fresh)
            at_left, at_right = (
                np.where(down, at_fresh, at_right),
                np.where(down, at_left, at_fresh),
            )
        candidates = np.stack([index, best.astype(np.float64), (low + high) / 2], axis=-1)
        chosen = np.argmax(value(candidates), axis=-1)
        found = np.take_along_axis(candidates, chosen[..., None], axis=-1)[..., 0]
        index = np.where(turn == number, found, index)
    return index


class _ValueOfChange:
    """Sum rate of a carrier when one of its ESIMs alone changes its beamformer.

    A change of a_u is a change of rank one of the covariance, so that no matrix is inverted again.
    """

    def __init__(
        self, prepared: PreparedContext, carrier: Integers, share: Floats, index: Floats
    ) -> None:
        problem = _power_problem(prepared, carrier, index)
        self._prepared = prepared
        self._noise = carrier_noise_of(prepared, carrier[:, None])[:, 0][..., None]
        self._power_w = (share * prepared.power_budget_w)[..., None]
        self._signal = share * problem.load
        self._leaked = share * problem.leaked
        self._response = problem.response(share)
        self._epsilon = problem.ici_factor

    def __call__(self, candidate: Floats) -> Floats:
        """Sum rates [N, U, C] for candidates [N, U, C] of each ESIM."""
        prepared = self._prepared
        gain, _ = grid_value_and_slope(prepared.log_gain[:, 0, :, None], candidate)
        leakage, _ = grid_value_and_slope(prepared.log_leakage[:, 0, :, None], candidate)
        signal = self._power_w * gain / self._noise  # [N, u, C]
        change = signal - self._signal[..., None]
        own = np.diagonal(self._response, axis1=-2, axis2=-1)  # [N, u]
        factor = change / (1 + change * own[..., None])
        # [N, u, C, v]: response of v to itself when u has changed
        response = own[:, None, None, :] - factor[..., None] * self._response[:, :, None, :] ** 2
        users = np.arange(own.shape[-1])
        every = np.broadcast_to(self._signal[:, None, None, :], response.shape).copy()
        every[:, users, :, users] = np.moveaxis(signal, 1, 0)
        leaked = np.broadcast_to(self._leaked[:, None, None, :], response.shape).copy()
        leaked[:, users, :, users] = np.moveaxis(self._power_w * leakage, 1, 0)
        wanted = every * response
        ratio = wanted / (1 - wanted)
        epsilon = self._epsilon[:, None, None, :]
        rate = np.log1p(ratio / (1 + epsilon * ratio)) - np.log1p(leaked)
        return np.asarray(np.maximum(rate, 0.0).sum(axis=-1))
