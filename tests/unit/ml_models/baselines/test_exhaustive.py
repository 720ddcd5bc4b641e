"""The bound that everything is measured against."""

from itertools import product

import numpy as np
import pytest

from ml_models.baselines import local_search, mrc_random
from ml_models.baselines.ascent import ascend, prepare
from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.datasets.scenarios import ScenarioProfile, at_power, draw_scenarios
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import quota_respected, sum_secrecy_rate


@pytest.fixture(scope="module")
def search() -> ExhaustiveSearch:
    """Building it enumerates 7 * 10^5 assignments, once."""
    return ExhaustiveSearch()


@pytest.mark.parametrize("power_dbw", [0.0, 25.0])
@pytest.mark.parametrize("geometry", ["reference", "pass"])
def test_order_of_the_methods(search: ExhaustiveSearch, geometry: str, power_dbw: float) -> None:
    """On average exhaustive beats local search, which beats the benchmark by far."""
    drawn = draw_scenarios(ScenarioProfile(geometry=geometry), 12, 41).estimated
    context = at_power(drawn, power_dbw)
    _, best = search.decide(context)
    _, local = local_search.decide(context, np.random.default_rng(1))
    random = mrc_random.sum_rate(context, mrc_random.decide(context, np.random.default_rng(1)))
    assert best.mean() >= local.mean() > 1.2 * random.mean()
    assert local.mean() > 0.95 * best.mean()


def test_decisions_keep_quota_and_budget(search: ExhaustiveSearch) -> None:
    """The rate returned is that of the decision; quota and budget hold exactly."""
    context = draw_scenarios(ScenarioProfile(geometry="mixed"), 12, 42).estimated
    decision, rate = search.decide(context)
    np.testing.assert_allclose(rate, sum_secrecy_rate(context, decision))
    np.testing.assert_allclose(decision.power_w.sum(axis=-1), context.power_budget_w)
    assert quota_respected(decision, 4, 4).all()


def test_small_problem_is_solved_like_brute_force() -> None:
    """With 4 ESIMs on 2 carriers every assignment climbs, and none ends higher."""
    whole = draw_scenarios(ScenarioProfile(), 6, 43).estimated
    context = RadioContext(
        beam_amplitude=whole.beam_amplitude[:, :4],
        gain_per_w=whole.gain_per_w[:, :4],
        leakage_per_w=whole.leakage_per_w[:, :4],
        ici_factor=whole.ici_factor[:, :4],
        carrier_noise=whole.carrier_noise[:, :2],
        power_budget_w=whole.power_budget_w,
    )
    _, rate = ExhaustiveSearch(esims=4, carriers=2, quota=2).decide(context)
    every = np.array([a for a in product(range(2), repeat=4) if sum(a) == 2])
    shape = (6, len(every), 4)
    start = Allocation(
        carrier=np.broadcast_to(every, shape),
        power_w=np.broadcast_to(context.power_budget_w[:, None, None] / 4, shape),
        beamformer_index=np.full(shape, 7.0),
    )
    _, brute = ascend(prepare(context), start, steps=300)
    assert (rate >= 0.998 * brute.max(axis=1)).all()
