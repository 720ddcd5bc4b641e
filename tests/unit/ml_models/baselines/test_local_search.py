"""Matching and polish from a random start."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.baselines import local_search, mrc_random
from ml_models.baselines.local_search import LocalSearchEffort
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.secrecy import quota_respected, sum_secrecy_rate

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 8, 31).estimated


def test_its_rate_is_the_rate_of_its_decision() -> None:
    """The rate that is returned is the one radio_math computes; the budget is spent exactly."""
    decision, rate = local_search.decide(CONTEXT, np.random.default_rng(1))
    np.testing.assert_allclose(rate, sum_secrecy_rate(CONTEXT, decision))
    np.testing.assert_allclose(decision.power_w.sum(axis=-1), CONTEXT.power_budget_w)


@given(st.integers(0, 2**32), st.integers(3, 5))
@settings(max_examples=8, deadline=None)
def test_never_breaks_the_quota(seed: int, quota: int) -> None:
    """Moves into a full carrier are not taken."""
    quick = LocalSearchEffort(rounds=1, polish_steps=2, max_matching_steps=10)
    decision, _ = local_search.decide(
        CONTEXT, np.random.default_rng(seed), quota=quota, effort=quick
    )
    assert quota_respected(decision, quota, 4).all()


def test_more_rounds_are_no_worse_on_average() -> None:
    """A second round of matching at polished powers gains."""
    rates = [
        local_search.decide(
            CONTEXT, np.random.default_rng(2), effort=LocalSearchEffort(rounds=rounds)
        )[1].mean()
        for rounds in (0, 1, 3)
    ]
    assert rates[0] < rates[1] <= rates[2] * 1.002


def test_improving_a_decision_does_not_lower_its_rate() -> None:
    """Improvement begins at the given decision and keeps the best point."""
    start = mrc_random.decide(CONTEXT, np.random.default_rng(3))
    before = sum_secrecy_rate(CONTEXT, start)
    _, after = local_search.improve(CONTEXT, start, quota=4, effort=LocalSearchEffort())
    assert (after >= before - 1e-9).all()


@pytest.mark.parametrize("seed", [4])
def test_a_seed_gives_a_decision(seed: int) -> None:
    """The same generator state finds the same decision."""
    first, _ = local_search.decide(CONTEXT, np.random.default_rng(seed))
    again, _ = local_search.decide(CONTEXT, np.random.default_rng(seed))
    np.testing.assert_array_equal(first.carrier, again.carrier)
    np.testing.assert_array_equal(first.power_w, again.power_w)
