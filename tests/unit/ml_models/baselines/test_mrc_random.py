"""The uncoordinated benchmark."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.baselines import mrc_random
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.context import Allocation
from radio_math.secrecy import quota_respected, sum_secrecy_rate

CONTEXT = draw_scenarios(ScenarioProfile(), 8, 21).estimated


@given(st.integers(0, 2**32), st.integers(3, 10))
@settings(max_examples=50, deadline=None)
def test_always_within_the_quota(seed: int, quota: int) -> None:
    """However it is drawn, no carrier takes more than the quota."""
    decision = mrc_random.decide(CONTEXT, np.random.default_rng(seed), quota)
    assert quota_respected(decision, quota, 4).all()


def test_equal_power_and_maximum_ratio() -> None:
    """The budget is split equally and leakage is ignored."""
    decision = mrc_random.decide(CONTEXT, np.random.default_rng(1))
    np.testing.assert_allclose(
        decision.power_w * 10, CONTEXT.power_budget_w[:, None] + 0 * decision.power_w
    )
    assert not decision.beamformer_index.any()


def test_a_seed_gives_a_decision() -> None:
    """The same generator state draws the same carriers; another one others."""
    first, again, other = (
        mrc_random.decide(CONTEXT, np.random.default_rng(seed)).carrier for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_one_context_without_batch_axis() -> None:
    """A single context is decided like a batch of one."""
    single = type(CONTEXT)(**{name: value[0] for name, value in vars(CONTEXT).items()})
    decision = mrc_random.decide(single, np.random.default_rng(1))
    assert decision.carrier.shape == (10,)
    assert isinstance(decision, Allocation)


def test_its_rate_is_that_of_mrc_combining() -> None:
    """MMSE would make more of the same allocation."""
    decision = mrc_random.decide(CONTEXT, np.random.default_rng(1))
    assert mrc_random.sum_rate(CONTEXT, decision).sum() < sum_secrecy_rate(CONTEXT, decision).sum()
