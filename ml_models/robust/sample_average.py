"""Local search on a sample average: the decision that is best over what the channel may really be.

The decision maker has the estimated context and the statistics of the reporting errors, not the
errors. `ReportingErrors` draws pairs of true and estimated contexts through `radio_math.channel`
and keeps, for every ESIM of them, by how much the true tables differ from the reported ones. For a
new report the errors of the ESIMs whose reports look most alike are draws of what its own may be:
deep nulls are lost more often than shallow ones, high gains are more often too high than too low.
`SampleAverageSearch` climbs the mean rate over those draws from two local searches, one on the
estimate and one with a leakage margin, and keeps the better end.
"""

from dataclasses import fields, replace

import numpy as np
from scipy.spatial import cKDTree

from ml_models.baselines import local_search
from ml_models.baselines.ascent import (
    Floats,
    Integers,
    PreparedContext,
    prepare,
    sum_rate_and_gradient,
)
from ml_models.baselines.local_search import LocalSearchEffort, climb
from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios, select
from ml_models.robust.margins import LeakageMargin, mean_excess
from radio_math.channel import ContextPair
from radio_math.context import CARRIER_QUOTA, Allocation, ContextError, RadioContext

ERRORS_SEED = 88_001
"""Seed of the pairs that reporting errors are taken from; no evaluation uses it."""


_TOGETHER = 4  # contexts whose neighbours under all draws still fit a cache


class ReportingErrors:
    """What the true tables may be, given reported ones.

    Attributes:
        margin: the mean excess of true over reported leakage.
    """

    def __init__(self, pair: ContextPair) -> None:
        if np.ndim(pair.true.power_budget_w) != 1:
            raise ContextError("learn reporting errors from contexts with one batch axis")
        self._gain = _log_ratio(pair.true.gain_per_w, pair.estimated.gain_per_w)
        self._leakage = _log_ratio(pair.true.leakage_per_w, pair.estimated.leakage_per_w)
        self.margin = LeakageMargin((0.0,), (1.0,), mean_excess(pair))
        self._alike = cKDTree(_features(prepare(pair.estimated, extra_axes=0)))

    @classmethod
    def drawn(
        cls, profile: ScenarioProfile, count: int = 2000, seed: int = ERRORS_SEED
    ) -> "ReportingErrors":
        """Errors of `count` scenarios of a profile; about 3 s for two thousand."""
        return cls(draw_scenarios(profile, count, Split.TRAIN.seed(seed)))

    def draws(self, context: RadioContext, count: int) -> PreparedContext:
        """Contexts [N] with tables [count, N, 1, U, S] that the true ones may be."""
        reported = prepare(context)
        _, alike = self._alike.query(_features(prepare(context, extra_axes=0)), k=count)
        shape = np.shape(context.gain_per_w)
        chosen = np.asarray(alike, dtype=np.int64).reshape(*shape[:-1], count)  # [N, U, count]

        def moved(table: Floats, errors: Floats) -> Floats:
            drawn = np.moveaxis(errors[chosen], 2, 0)  # [count, N, U, S]
            return table + drawn[:, :, None]

        return replace(
            reported,
            log_gain=moved(reported.log_gain, self._gain),
            log_leakage=moved(reported.log_leakage, self._leakage),
        )


class SampleAverageSearch:
    """Local search whose objective is the mean rate over draws of the true channel."""

    def __init__(
        self,
        errors: ReportingErrors,
        *,
        draws: int = 32,
        quota: int = CARRIER_QUOTA,
        effort: LocalSearchEffort | None = None,
    ) -> None:
        self._errors = errors
        self._draws = draws
        self._quota = quota
        self._effort = effort or LocalSearchEffort(rounds=3, polish_steps=20)

    def decide(self, context: RadioContext, rng: np.random.Generator) -> tuple[Allocation, Floats]:
        """An allocation for each context of a batch [N], and its mean rate [N] over the draws."""
        parts = [
            self._decide_few(select(context, slice(first, first + _TOGETHER)), rng)
            for first in range(0, len(context.power_budget_w), _TOGETHER)
        ]
        decision = Allocation(
            **{
                item.name: np.concatenate([getattr(part, item.name) for part, _ in parts])
                for item in fields(Allocation)
            }
        )
        return decision, np.concatenate([rate for _, rate in parts])

    def _decide_few(
        self, context: RadioContext, rng: np.random.Generator
    ) -> tuple[Allocation, Floats]:
        drawn = self._errors.draws(context, self._draws)
        found = []
        for believed in (context, self._errors.margin.applied(context)):
            start, _ = local_search.decide(believed, rng, quota=self._quota)
            found.append(
                climb(
                    drawn,
                    start,
                    quota=self._quota,
                    effort=self._effort,
                    objective=_mean_rate_and_gradient,
                )
            )
        (plain, plain_rate), (careful, careful_rate) = found
        better = careful_rate > plain_rate
        decision = Allocation(
            **{
                item.name: np.where(
                    better[:, None], getattr(careful, item.name), getattr(plain, item.name)
                )
                for item in fields(Allocation)
            }
        )
        return decision, np.maximum(plain_rate, careful_rate)


def _mean_rate_and_gradient(
    prepared: PreparedContext, carrier: Integers, power_w: Floats, index: Floats
) -> tuple[Floats, Floats, Floats]:
    """`sum_rate_and_gradient` averaged over the leading axis of draws."""
    value, d_power, d_index = sum_rate_and_gradient(prepared, carrier, power_w, index)
    return value.mean(axis=0), d_power.mean(axis=0), d_index.mean(axis=0)


def _features(prepared: PreparedContext) -> Floats:
    """What reports are compared by, one row an ESIM: leakage along the grid, and lost gain."""
    leakage = prepared.log_leakage[..., ::3]
    lost = prepared.log_gain[..., -1:] - prepared.log_gain[..., :1]
    rows = np.concatenate([leakage, lost], axis=-1)
    return rows.reshape(-1, rows.shape[-1])


def _log_ratio(true: Floats, estimated: Floats) -> Floats:
    ratio = np.log(np.asarray(true, dtype=np.float64) / np.asarray(estimated, dtype=np.float64))
    return ratio.reshape(-1, ratio.shape[-1])
