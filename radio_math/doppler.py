"""Doppler shift of a moving satellite and what is left of it after pre-compensation."""

from typing import Any

import numpy as np

from radio_math.link import SPEED_OF_LIGHT_MPS, Floats


def doppler_shift_hz(range_rate_mps: Any, carrier_hz: float) -> Floats:
    """Doppler shift -f v / c [Hz]: positive while the satellite approaches (range rate < 0).

    Source: TR 38.811 6.7.1.
    Not modelled: relativistic terms (v / 2c of the shift, 6 Hz at 20 GHz).
    """
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


def signal_to_ici(residual_hz: Any, subcarrier_spacing_hz: float) -> Floats:
    """Signal over inter-carrier interference, sinc^2(e) / (1 - sinc^2(e)), linear.

    `e` is the residual Doppler over the spacing; sinc(e) = sin(pi e) / (pi e). Infinite for e = 0.
    Never feed it the raw shift: at 20 GHz that is some 460 kHz, four subcarriers, and what is left
    after pre-compensation is a few kHz.

    Source: Moose 1994.
    Not modelled: unequal power of the neighbouring subcarriers, spread of the shift over paths.
    """
    kept = np.sinc(np.asarray(residual_hz, dtype=np.float64) / subcarrier_spacing_hz) ** 2
    with np.errstate(divide="ignore"):
        return np.asarray(kept / (1 - kept))


def ici_loss(sinr: Any, residual_hz: Any, subcarrier_spacing_hz: float) -> Floats:
    """Factor of at least 1 by which residual Doppler lowers a SINR, all linear.

    With k = sinc^2(e), SINR becomes k SINR / (1 + (1 - k) SINR): a part of the signal turns into
    interference, the noise stays. For a strong signal what is left is `signal_to_ici`.

    Source: Moose 1994.
    Not modelled: as `signal_to_ici`.
    """
    kept = np.sinc(np.asarray(residual_hz, dtype=np.float64) / subcarrier_spacing_hz) ** 2
    return np.asarray((1 + (1 - kept) * np.asarray(sinr, dtype=np.float64)) / kept)
