"""The table of block values."""

import numpy as np
import pytest

from ml_models.baselines import mrc_random
from ml_models.baselines.ascent import prepare, sum_rate_and_gradient
from ml_models.baselines.blocks import BlockTable, own_best_index
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 5, 64).estimated


def test_an_assignment_is_worth_the_sum_of_its_blocks() -> None:
    """Blocks of the table add up to the sum rate of the whole assignment, clipped by ESIM."""
    prepared = prepare(CONTEXT)
    drawn = mrc_random.decide(CONTEXT, np.random.default_rng(2))
    index = np.full(drawn.power_w.shape, 10.25)
    table = BlockTable(10, 4, 4)
    total = table.total(table.values(prepared, drawn.power_w, index), drawn.carrier[:, None])
    exact, _, _ = sum_rate_and_gradient(
        prepared, drawn.carrier[:, None], drawn.power_w[:, None], index[:, None]
    )
    np.testing.assert_allclose(total, exact, rtol=1e-5)


def test_a_set_above_the_quota_is_worth_nothing_at_all() -> None:
    """Five ESIMs on a carrier of quota four are minus infinity, unassigned ones cost nothing."""
    prepared = prepare(CONTEXT)
    power = np.full((5, 10), 0.1)
    table = BlockTable(10, 4, 4)
    values = table.values(prepared, power, own_best_index(prepared, power[:, None])[:, 0])
    crowded = np.array([0, 0, 0, 0, 0, 1, 1, 2, 2, 3])
    nobody = np.full(10, -1)
    total = table.total(values, np.broadcast_to(np.stack([crowded, nobody]), (5, 2, 10)))
    assert np.isneginf(total[:, 0]).all()
    assert (total[:, 1] == 0).all()


@pytest.mark.parametrize("esims", [3, 6])
def test_sets_are_numbered_without_clash(esims: int) -> None:
    """Every set within the quota has its own column."""
    table = BlockTable(esims, 1, 2)
    masks = [[0 if bit >> u & 1 else -1 for u in range(esims)] for bit in range(2**esims)]
    numbers = table.numbers(np.array(masks))[:, 0]
    sizes = (np.array(masks) == 0).sum(axis=1)
    small = numbers[sizes <= 2]
    assert len(set(small)) == len(small)
    assert set(numbers[sizes > 2]) <= {small.max() + 1}
