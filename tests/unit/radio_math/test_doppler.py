"""Doppler and the interference that its residual leaves."""

import numpy as np
import pytest

from radio_math.doppler import doppler_shift_hz, ici_factor


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
