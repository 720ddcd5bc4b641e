"""The load forecaster, beside persistence."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nwdaf.anlf.load_forecast import FEWEST_SAMPLES, Autoregression, skill_against_persistence


def bursty_load(seed: int) -> npt.NDArray[np.float64]:
    """Percent of a core: a level that drifts and comes back, with short bursts on top."""
    rng = np.random.default_rng(seed)
    drift = np.zeros(600)
    for step in range(1, len(drift)):
        drift[step] = 0.85 * drift[step - 1] + rng.normal(0, 4)
    bursts = np.where(rng.random(len(drift)) < 0.03, rng.exponential(30, len(drift)), 0)
    return np.clip(30 + drift + bursts, 0, 100)


def test_an_autoregression_is_found_again() -> None:
    """x[t] = 0.6 x[t-1] + 0.3 x[t-2] + noise."""
    rng = np.random.default_rng(2)
    series = np.zeros(5_000)
    for step in range(2, len(series)):
        series[step] = 0.6 * series[step - 1] + 0.3 * series[step - 2] + rng.normal()
    fitted = Autoregression.through(50 + series)
    assert fitted.weights[:2] == pytest.approx([0.6, 0.3], abs=0.05)
    assert fitted.innovation == pytest.approx(1.0, abs=0.05)


def test_a_forecast_begins_at_the_latest_sample_and_ends_at_the_level() -> None:
    """Its deviation grows to that of the whole history."""
    load = bursty_load(0)
    forecast = Autoregression.through(load).forecast(200)
    assert abs(forecast.mean[-1] - load.mean()) < 0.2
    assert np.all(np.diff(forecast.deviation) >= -1e-12)
    assert forecast.deviation[-1] == pytest.approx(load.std(), rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_bursty_loads_are_forecast_better_than_by_persistence(seed: int) -> None:
    """Ten samples ahead on samples it has not seen; `docs/analytics.md` has the figures."""
    skill = skill_against_persistence(bursty_load(seed))
    assert skill is not None
    assert skill > 0.1


@pytest.mark.parametrize("load", [np.arange(20.0), np.full(200, 7.0)])
def test_short_and_still_histories_have_no_skill(load: npt.NDArray[np.float64]) -> None:
    """There is nothing to compare."""
    assert skill_against_persistence(load) is None


@settings(deadline=None)
@given(
    npst.arrays(np.float64, st.integers(FEWEST_SAMPLES, 80), elements=st.floats(0, 400)),
)
def test_no_history_makes_a_forecast_run_away(load: npt.NDArray[np.float64]) -> None:
    """Finite, and not far beyond what was seen."""
    forecast = Autoregression.through(load).forecast(700)
    assert np.all(np.isfinite(forecast.mean))
    assert np.all(np.isfinite(forecast.deviation))
    assert np.abs(forecast.mean - load.mean()).max() <= 20 * np.ptp(load) + 1e-6
