"""Age, measurement and residual Doppler."""

import numpy as np
import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.csi import (
    MAX_CORRECTION_INTERVAL_S,
    MIN_CORRECTION_INTERVAL_S,
    Knowledge,
    csi_age_s,
    measured,
    residual_doppler_hz,
)


def test_a_report_is_as_old_as_its_longest_way() -> None:
    """1075.088 km take 3.5861 ms (TR 38.811 at 30 degrees, 600 km), and processing comes on top."""
    age_s = csi_age_s(np.array([[600e3, 1075.088e3], [700e3, 650e3]]), 0.016)
    assert age_s[0] == pytest.approx(0.016 + 3.5861e-3, abs=1e-7)
    assert age_s[1] < age_s[0]


def test_measuring_adds_what_is_said() -> None:
    """An error of the given standard deviation, none for zero, and NaN stays NaN."""
    truth = np.zeros((20_000, 2))
    seen = measured(truth, 0.5, np.random.default_rng(1))
    assert seen.std() == pytest.approx(0.5, rel=0.02)
    assert np.array_equal(measured(truth, 0.0, np.random.default_rng(1)), truth)
    assert np.isnan(measured(np.array([np.nan]), 0.5, np.random.default_rng(1))).all()


def test_the_residual_is_what_a_correction_cannot_know() -> None:
    """Rate times staleness, plus the oscillator: between the bounds of the interval."""
    rate = np.full((5, 10), -5800.0)
    speed = np.full(5, 7.5e3)
    residual = residual_doppler_hz(rate, speed, 20e9, 0.0, np.random.default_rng(2))
    assert residual.min() >= 5800 * MIN_CORRECTION_INTERVAL_S
    assert residual.max() <= 5800 * MAX_CORRECTION_INTERVAL_S + 5e3
    still = residual_doppler_hz(0 * rate, speed, 20e9, 0.0, np.random.default_rng(2))
    assert 0 < still.mean() < 2e3  # 1 kHz of oscillator, one sigma


def test_an_orbit_known_badly_adds_its_time_error() -> None:
    """An along-track error delta shifts the Doppler curve by delta / v."""
    rate, speed = np.full((3, 4000), -5800.0), np.full(3, 7.5e3)
    exact = residual_doppler_hz(rate, speed, 20e9, 0.0, np.random.default_rng(3))
    wrong = residual_doppler_hz(rate, speed, 20e9, 750.0, np.random.default_rng(3))
    # Mean of |normal| is sqrt(2 / pi); 750 m are 0.1 s, 580 Hz.
    assert (wrong - exact).mean() == pytest.approx(580 * np.sqrt(2 / np.pi), rel=0.05)
    assert (wrong >= exact).all()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"processing_delay_s": -1.0}, "knowledge.processing_delay"),
        ({"sinr_error_db": float("nan")}, "knowledge.sinr_error_db"),
        ({"ephemeris_error_m": 1e9}, "knowledge.ephemeris_error_m"),
        ({"station_error_m": -5.0}, "knowledge.station_error_m"),
        ({"detector_deflection": 1e6}, "knowledge.detector_deflection"),
    ],
)
def test_a_bad_number_is_named(values: dict[str, float], field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidArgument) as caught:
        Knowledge(**values)
    assert caught.value.metadata["field"] == field
