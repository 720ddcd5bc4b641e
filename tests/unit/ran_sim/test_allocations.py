"""What may be put in force."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf_runtime.errors import InvalidArgument
from radio_math.context import Allocation
from radio_math.secrecy import quota_respected
from ran_sim.allocations import benchmark_allocation, check_allocation

BUDGET_W = 30.0


def allocation(**changes: Any) -> Allocation:
    """A good allocation with other values."""
    values: dict[str, Any] = {
        "carrier": np.arange(10) % 4,
        "power_w": np.full(10, 3.0),
        "beamformer_index": np.full(10, 7.5),
    }
    return Allocation(**{**values, **changes})


@given(st.integers(0, 2**32))
def test_the_benchmark_is_always_allowed(seed: int) -> None:
    """Equal power, maximum ratio, and never more ESIMs on a carrier than the quota."""
    benchmark = benchmark_allocation(BUDGET_W, np.random.default_rng(seed))
    check_allocation(benchmark, BUDGET_W)
    assert bool(quota_respected(benchmark, 4, 4))
    assert benchmark.power_w.tolist() == [3.0] * 10
    assert benchmark.beamformer_index.tolist() == [0.0] * 10


def test_the_whole_grid_and_the_whole_budget_may_be_used() -> None:
    """Bounds belong to the range, and rounding of float32 is forgiven."""
    index = np.linspace(0, 15, 10)
    power = np.full(10, np.float32(3.0 * (1 + 5e-6)), dtype=np.float64)
    check_allocation(allocation(beamformer_index=index, power_w=power), BUDGET_W)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"carrier": np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 0])}, "carrier", "outside 0 to 3"),
        ({"carrier": np.array([0, 1, 2, 3, -1, 0, 1, 2, 3, 0])}, "carrier", "outside 0 to 3"),
        ({"carrier": np.array([0] * 5 + [1, 2, 3, 1, 2])}, "carrier", "5 ESIMs on one carrier"),
        ({"power_w": np.array([-1.0] + [1.0] * 9)}, "power_w", "cannot be negative"),
        ({"power_w": np.full(10, 3.01)}, "power_w", "the budget is 30 W"),
        ({"beamformer_index": np.full(10, 19.1)}, "beamformer_index", "grid from 0 to 19"),
        ({"beamformer_index": np.full(10, -0.1)}, "beamformer_index", "grid from 0 to 19"),
    ],
)
def test_a_bad_part_is_named(changes: dict[str, Any], field: str, words: str) -> None:
    """The error names the field and the bound."""
    with pytest.raises(InvalidArgument, match=words) as caught:
        check_allocation(allocation(**changes), BUDGET_W)
    assert caught.value.metadata["field"] == f"allocation.{field}"
