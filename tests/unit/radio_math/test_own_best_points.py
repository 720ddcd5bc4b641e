"""Each ESIM on the point of its path that is best for it."""

from dataclasses import replace

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.context import CARRIERS, GRID_POINTS, Allocation
from radio_math.secrecy import own_best_points, secrecy_rates, sinr_without_ici

CONTEXT = draw_scenarios(ScenarioProfile(), 6, 91).estimated


@pytest.fixture
def allocation() -> Allocation:
    """Any one within the quota."""
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.ones(10), 6)
    return Allocation(
        carrier=np.stack([rng.permutation(np.arange(10) % CARRIERS) for _ in range(6)]),
        power_w=share * CONTEXT.power_budget_w[:, None],
        beamformer_index=rng.uniform(0, GRID_POINTS - 1, share.shape),
    )


@pytest.mark.parametrize("spread", [None, np.full(CONTEXT.leakage_per_w.shape, 0.8)])
def test_no_other_point_is_better_for_an_esim(
    allocation: Allocation, spread: np.ndarray | None
) -> None:
    """Moved alone to any other point it has no higher rate, expected or not."""
    ratio = sinr_without_ici(CONTEXT, allocation)
    best = own_best_points(CONTEXT, allocation, ratio, spread)
    for esim in range(10):
        rates = []
        for point in range(GRID_POINTS):
            index = allocation.beamformer_index.copy()
            index[:, esim] = point
            moved = replace(allocation, beamformer_index=index)
            rates.append(secrecy_rates(CONTEXT, moved, leakage_spread=spread)[:, esim])
        chosen = np.take_along_axis(np.array(rates), best[None, :, esim].astype(int), axis=0)[0]
        assert (chosen >= np.max(rates, axis=0) - 1e-3 * GRID_POINTS / 10).all()


def test_who_is_off_stays_at_the_beginning(allocation: Allocation) -> None:
    """Without power no point is worth more than the first."""
    power_w = allocation.power_w.copy()
    power_w[:, 3] = 1e-12
    silent = replace(allocation, power_w=power_w)
    best = own_best_points(CONTEXT, silent, sinr_without_ici(CONTEXT, silent))
    assert (best[:, 3] == 0).all()
