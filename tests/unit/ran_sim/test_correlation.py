"""Processes that go on."""

import numpy as np
import pytest

from ran_sim.correlation import correlated_normals


def test_each_step_is_standard_normal() -> None:
    """Mean 0 and variance 1 at the first step and at the last."""
    values = correlated_normals(np.full((50, 20_000), 0.3), np.random.default_rng(0))
    assert values.shape == (51, 20_000)
    assert values.mean(axis=1) == pytest.approx(0.0, abs=4 / np.sqrt(20_000))
    assert values.std(axis=1) == pytest.approx(1.0, abs=4 / np.sqrt(40_000))


def test_correlation_falls_with_the_sum_of_the_lags() -> None:
    """Uneven steps: 0.1 + 0.5 + 0.4 make 1/e."""
    lag = np.array([0.1, 0.5, 0.4])[:, None] + np.zeros(20_000)
    values = correlated_normals(lag, np.random.default_rng(1))
    assert np.corrcoef(values[0], values[3])[0, 1] == pytest.approx(np.exp(-1), abs=0.02)


def test_nothing_changes_without_a_step() -> None:
    """A lag of 0 keeps the value to the last bit."""
    values = correlated_normals(np.zeros((5, 3)), np.random.default_rng(2))
    np.testing.assert_array_equal(values, np.broadcast_to(values[0], values.shape))
