"""Doppler shift of a moving satellite and what is left of it after pre-compensation."""

from typing import Any

import numpy as np

from radio_math.link import SPEED_OF_LIGHT_MPS, Floats


def doppler_shift_hz(range_rate_mps: Any, carrier_hz: float) -> Floats:
    """Doppler shift -f v / c [Hz]: positive while the satellite approaches (range rate < 0)."""
    return np.asarray(-carrier_hz * np.asarray(range_rate_mps) / SPEED_OF_LIGHT_MPS)


def ici_factor(residual_hz: Any, subcarrier_spacing_hz: float) -> Floats:
    """Inter-carrier interference over signal power, epsilon = (pi^2 / 3) (residual / spacing)^2.

    SINR becomes SINR / (1 + epsilon SINR): the second-order expansion of 1 / sinc^2 - 1 for a small
    normalised frequency offset.

    Source: Moose 1994.
    Not modelled: offsets of more than about a tenth of the spacing, where the expansion ends.
    """
    normalised = np.asarray(residual_hz, dtype=np.float64) / subcarrier_spacing_hz
    return np.asarray(np.pi**2 / 3 * normalised**2)
