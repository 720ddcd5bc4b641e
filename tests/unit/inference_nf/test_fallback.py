"""Tests of the fallback."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_models import radio_context

from inference_nf.fallback import conservative_allocation
from radio_math.context import ContextError, RadioContext
from radio_math.secrecy import quota_respected


def context_of(esims: int, carriers: int, power_w: float = 2.0) -> RadioContext:
    """A context of that size."""
    return RadioContext(
        beam_amplitude=np.ones((esims, 8)),
        gain_per_w=np.ones((esims, 16)),
        leakage_per_w=np.ones((esims, 16)),
        ici_factor=np.zeros(esims),
        carrier_noise=np.ones(carriers),
        power_budget_w=np.asarray(power_w),
    )


@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 8), st.floats(1e-3, 1e3))
def test_is_feasible_wherever_anything_is(
    esims: int, carriers: int, quota: int, power_w: float
) -> None:
    """Quota, budget and grid hold, and carriers are balanced; otherwise it says why."""
    context = context_of(esims, carriers, power_w)
    if esims > quota * carriers:
        with pytest.raises(ContextError, match="do not fit"):
            conservative_allocation(context, quota)
        return
    allocation = conservative_allocation(context, quota)
    assert quota_respected(allocation, quota, carriers)
    loads = np.bincount(allocation.carrier, minlength=carriers)
    assert loads.max() - loads.min() <= 1
    assert allocation.power_w.sum() == pytest.approx(power_w)
    assert (allocation.beamformer_index == 0).all()


def test_is_the_same_for_the_same_context() -> None:
    """Nothing is drawn."""
    first, second = (conservative_allocation(radio_context(), 4) for _ in range(2))
    assert np.array_equal(first.carrier, second.carrier)
    assert np.array_equal(first.power_w, second.power_w)
