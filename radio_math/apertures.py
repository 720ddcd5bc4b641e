"""Circular apertures: the reference antenna pattern of TR 38.811, relative to its peak.

EIRP and G/T of a link budget already hold the peak gain; what a direction costs on top is the
*normalised* gain here, which is never above 0 dB.
"""

from typing import Any

import numpy as np
from scipy.optimize import brentq

from radio_math.beams import pattern_amplitude
from radio_math.link import SPEED_OF_LIGHT_MPS, Floats, to_db

PATTERN_FLOOR_DB = -50.0
"""No real reflector keeps the nulls of the ideal pattern: scatter fills them to about this."""

HALF_POWER_DB = -3.0
"""The level at which the beamwidths of TR 38.821 come out to four digits (3.0103 would not)."""

_FIRST_NULL_ARGUMENT = 3.8317059702075125  # first zero of J1
_DEEPEST_NULL_DB = -400.0  # keeps the logarithm finite where the ideal pattern is exactly zero


class ApertureError(ValueError):
    """An aperture without the quantity that was asked of it; the message says what to change."""


def electrical_radius(radius_m: float, frequency_hz: float) -> float:
    """Electrical radius k a = 2 pi f a / c [rad] of an aperture of radius (not diameter) a.

    Source: TR 38.811 6.4.1.
    Not modelled: a rim that reflects less than the rest.

    Raises:
        ApertureError: radius or frequency is not above zero.
    """
    if not (radius_m > 0 and frequency_hz > 0):
        raise ApertureError(
            f"radius_m is {radius_m:g} and frequency_hz {frequency_hz:g}; both must be above zero"
        )
    return 2 * np.pi * frequency_hz * radius_m / SPEED_OF_LIGHT_MPS


def normalised_gain_db(
    off_axis_deg: Any,
    *,
    radius_m: float,
    frequency_hz: float,
    floor_db: float | None = PATTERN_FLOOR_DB,
) -> Floats:
    """Gain relative to the peak [dB], at most 0, shape of `off_axis_deg`.

    G(theta) = 4 |J1(k a sin theta) / (k a sin theta)|^2, 1 at theta = 0.

    Args:
        off_axis_deg: angle from boresight as the antenna sees it [deg]; the sign does not matter.
        radius_m: RADIUS of the aperture; taking the diameter halves the beamwidth.
        frequency_hz: carrier [Hz].
        floor_db: least value; also the value beyond 90 degrees, where the formula is undefined.
            None leaves the nulls of the ideal pattern and gives NaN beyond 90 degrees.

    Source: TR 38.811 6.4.1.
    Not modelled: spillover, blockage, feed taper, back lobes, cross-polar lobes.

    Raises:
        ApertureError: radius or frequency is not above zero.
    """
    angle = np.abs(np.asarray(off_axis_deg, dtype=np.float64))
    argument = electrical_radius(radius_m, frequency_hz) * np.sin(np.radians(angle))
    power = np.maximum(pattern_amplitude(argument) ** 2, 10 ** (_DEEPEST_NULL_DB / 10))
    gain_db = np.minimum(to_db(power), 0.0)
    if floor_db is None:
        return np.where(angle > 90.0, np.nan, gain_db)  # noqa: PLR2004 - the edge of the formula
    return np.where(angle > 90.0, floor_db, np.maximum(gain_db, floor_db))  # noqa: PLR2004


def half_power_beamwidth_deg(radius_m: float, frequency_hz: float) -> float:
    """Full width of the beam between its -3 dB points [deg].

    2 asin(x / (k a)) with (2 J1(x) / x)^2 = -3.000 dB.

    Source: TR 38.811 6.4.1; TR 38.821 table 6.1.1.1-1.
    Not modelled: a feed taper, which widens the beam by up to a third.

    Raises:
        ApertureError: the aperture is too small to have a half-power point.
    """
    argument = brentq(
        lambda x: float(to_db(pattern_amplitude(x) ** 2)) - HALF_POWER_DB, 1e-3, 3.0, xtol=1e-12
    )
    sine = argument / electrical_radius(radius_m, frequency_hz)
    if sine > 1:
        raise ApertureError(
            f"an aperture of radius_m {radius_m:g} at frequency_hz {frequency_hz:g} never falls to "
            f"half power; use a radius of {radius_m * sine:.3g} m or more"
        )
    return float(2 * np.degrees(np.arcsin(sine)))


def first_null_deg(radius_m: float, frequency_hz: float) -> float:
    """Angle from boresight to the first null [deg]: asin(3.8317 / (k a)).

    Source: TR 38.811 6.4.1.
    Not modelled: that a real null is filled, see `PATTERN_FLOOR_DB`.

    Raises:
        ApertureError: the aperture is too small to have a null.
    """
    sine = _FIRST_NULL_ARGUMENT / electrical_radius(radius_m, frequency_hz)
    if sine > 1:
        raise ApertureError(
            f"an aperture of radius_m {radius_m:g} at frequency_hz {frequency_hz:g} has no null; "
            f"use a radius of {radius_m * sine:.3g} m or more"
        )
    return float(np.degrees(np.arcsin(sine)))


def peak_gain_dbi(radius_m: float, frequency_hz: float, *, efficiency: float) -> float:
    """Gain on boresight over isotropic [dBi]: 10 log10(eta (k a)^2).

    Args:
        radius_m: radius of the aperture.
        frequency_hz: carrier [Hz].
        efficiency: eta within (0, 1]; the reference satellites of TR 38.821 have 0.57 to 0.65.

    Source: Balanis 2016 12.6.
    Not modelled: apertures of less than a wavelength, whose gain is not that of their area.

    Raises:
        ApertureError: the efficiency is not within (0, 1], or radius or frequency not above zero.
    """
    if not 0 < efficiency <= 1:
        raise ApertureError(f"efficiency is {efficiency:g}; a fraction above 0, at most 1, is due")
    return float(to_db(efficiency * electrical_radius(radius_m, frequency_hz) ** 2))
