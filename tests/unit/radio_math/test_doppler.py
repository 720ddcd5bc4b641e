"""Doppler and the interference that its residual leaves."""

import numpy as np
import pytest

from radio_math.doppler import doppler_shift_hz, ici_factor, ici_loss, signal_to_ici
from radio_math.link import to_db


def test_approaching_is_positive() -> None:
    """Range falls, frequency rises: f v / c."""
    assert float(doppler_shift_hz(-7000.0, 20e9)) == pytest.approx(466_990, abs=1)
    assert float(doppler_shift_hz(7000.0, 20e9)) < 0


def test_ici_factor_formula() -> None:
    """(pi^2 / 3) f^2 of the residual over the spacing."""
    assert float(ici_factor(7200.0, 120e3)) == pytest.approx(np.pi**2 / 3 * 0.06**2)


@pytest.mark.parametrize("normalised", [0.01, 0.03, 0.06])
def test_ici_factor_expands_the_sinc(normalised: float) -> None:
    """It is interference over signal, 1/sinc^2 - 1, of a small offset."""
    exact = 1 / np.sinc(normalised) ** 2 - 1
    assert float(ici_factor(normalised, 1.0)) == pytest.approx(exact, rel=0.02)


@pytest.mark.pitfall(23)
@pytest.mark.parametrize(
    ("spacing_hz", "residual_hz", "ratio_db"),
    [(120e3, 5.8e3, 21.0), (120e3, 30e3, 6.3), (60e3, 5.8e3, 15.0), (120e3, 2.2e3, 29.5)],
)
def test_the_residual_limits_the_signal(
    spacing_hz: float, residual_hz: float, ratio_db: float
) -> None:
    """A correction one second old at the zenith leaves 21 dB; the ESIM's own speed is harmless."""
    assert float(to_db(signal_to_ici(residual_hz, spacing_hz))) == pytest.approx(ratio_db, abs=0.2)


@pytest.mark.pitfall(23)
def test_the_raw_shift_would_leave_nothing() -> None:
    """At 460 kHz no signal is left on its subcarrier: whoever feeds the raw shift always fires."""
    assert float(to_db(signal_to_ici(460e3, 120e3))) < -20
    assert float(signal_to_ici(0.0, 120e3)) == np.inf


@pytest.mark.parametrize("sinr", [0.01, 1.0, 100.0])
def test_what_is_left_is_signal_over_noise_and_interference(sinr: float) -> None:
    """K S over N + (1 - k) S, computed from powers."""
    kept = np.sinc(0.05) ** 2
    signal, noise = sinr, 1.0
    left = kept * signal / (noise + (1 - kept) * signal)
    assert float(ici_loss(sinr, 6e3, 120e3)) == pytest.approx(sinr / left)
    assert float(ici_loss(sinr, 0.0, 120e3)) == 1.0


def test_a_strong_signal_ends_at_its_own_interference() -> None:
    """However strong, the SINR does not pass the ratio of signal to interference."""
    sinr = 1e9
    left = sinr / float(ici_loss(sinr, 5.8e3, 120e3))
    assert left == pytest.approx(float(signal_to_ici(5.8e3, 120e3)), rel=1e-3)
