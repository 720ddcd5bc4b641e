"""Scintillation in time."""

import numpy as np
import pytest

from ran_sim.atmosphere.turbulence import CORRELATION_TIME_S, scintillation_series_db


def test_scintillation_keeps_its_spread_and_its_pace() -> None:
    """Mean 0, the asked standard deviation, and 1/e after the correlation time."""
    offset_s = np.arange(0.0, 4.0, 0.1)
    sigma = np.full((len(offset_s), 4000), 0.4)
    series = scintillation_series_db(sigma, offset_s, np.random.default_rng(1))
    assert series.mean(axis=1) == pytest.approx(0.0, abs=4 * 0.4 / np.sqrt(4000))
    assert series.std(axis=1) == pytest.approx(0.4, rel=0.05)
    later = round(CORRELATION_TIME_S / 0.1)
    found = np.corrcoef(series[0], series[later])[0, 1]
    assert found == pytest.approx(np.exp(-later * 0.1 / CORRELATION_TIME_S), abs=0.05)


def test_scintillation_grows_with_its_sigma() -> None:
    """A lower satellite makes it stronger without a new draw."""
    offset_s = np.arange(0.0, 1.0, 0.1)
    sigma = np.full((10, 2), 0.2)
    weak = scintillation_series_db(sigma, offset_s, np.random.default_rng(2))
    strong = scintillation_series_db(3 * sigma, offset_s, np.random.default_rng(2))
    np.testing.assert_allclose(strong, 3 * weak)
