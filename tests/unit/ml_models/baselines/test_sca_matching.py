"""The classical rival: it must be no strawman."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.baselines import local_search
from ml_models.baselines.ascent import ascend, prepare
from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.baselines.sca_matching import ScaEffort, ScaMatching
from ml_models.datasets.scenarios import ScenarioProfile, at_power, draw_scenarios
from radio_math.context import GRID_POINTS, Allocation, RadioContext
from radio_math.secrecy import quota_respected, sum_secrecy_rate

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 12, 62).estimated


def test_rate_is_that_of_the_decision() -> None:
    """What is returned is what radio_math computes; budget, grid and quota hold."""
    decision, rate = ScaMatching().decide(CONTEXT)
    np.testing.assert_allclose(rate, sum_secrecy_rate(CONTEXT, decision))
    assert (decision.power_w >= 0).all()
    assert (decision.power_w.sum(axis=-1) <= CONTEXT.power_budget_w * (1 + 1e-9)).all()
    assert decision.beamformer_index.min() >= 0
    assert decision.beamformer_index.max() <= GRID_POINTS - 1
    assert quota_respected(decision, 4, 4).all()


@pytest.mark.parametrize("power_dbw", [0.0, 10.0, 25.0])
def test_it_comes_close_to_exhaustive_search(power_dbw: float) -> None:
    """At every power above 98.5 per cent on average, and not below local search by a point."""
    context = at_power(draw_scenarios(ScenarioProfile(), 24, 63).estimated, power_dbw)
    _, best = ExhaustiveSearch().decide(context)
    _, rate = ScaMatching().decide(context)
    _, local = local_search.decide(context, np.random.default_rng(1))
    assert 0.985 * best.sum() < rate.sum() <= 1.001 * best.sum()
    assert rate.sum() > 0.99 * local.sum()


def test_nothing_is_left_to_climb() -> None:
    """Gradient steps at its carriers gain less than half a per cent."""
    decision, rate = ScaMatching().decide(CONTEXT)
    start = Allocation(**{name: value[:, None] for name, value in vars(decision).items()})
    _, climbed = ascend(prepare(CONTEXT), start, steps=80)
    assert climbed.sum() < 1.005 * rate.sum()


def test_a_batch_is_decided_like_its_contexts() -> None:
    """Contexts decided together or one at a time end at the same rates."""
    method = ScaMatching()
    _, together = method.decide(CONTEXT)
    alone = [
        method.decide(RadioContext(**{k: v[row, None] for k, v in vars(CONTEXT).items()}))[1][0]
        for row in range(4)
    ]
    np.testing.assert_allclose(together[:4], alone, rtol=1e-6)


def test_more_rounds_are_no_worse() -> None:
    """The best round is kept."""
    rates = [
        ScaMatching(effort=ScaEffort(rounds=rounds)).decide(CONTEXT)[1] for rounds in (1, 2, 3)
    ]
    assert (rates[1] >= rates[0]).all()
    assert (rates[2] >= rates[1]).all()


@given(st.integers(3, 5))
@settings(max_examples=3, deadline=None)
def test_never_breaks_the_quota(quota: int) -> None:
    """Sets above the quota have no place in the table."""
    quick = ScaEffort(rounds=1, alternations=1, power_rounds=1, golden_steps=2)
    decision, _ = ScaMatching(quota=quota, effort=quick).decide(CONTEXT)
    assert quota_respected(decision, quota, 4).all()
