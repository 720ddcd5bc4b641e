"""Scintillation: the quick fading that turbulent air and the ionosphere make.

Two models of the troposphere stand side by side and are never mixed: the one table of TR 38.811
(20 GHz, Toulouse, 99 % of the time) that its link budgets use at any frequency from 6 GHz on, and
P.618 with the site's refractivity, antenna and exceedance. They agree to about 0.15 dB where the
table comes from. The ionosphere matters below 6 GHz near the magnetic equator.
"""

from typing import Any

import numpy as np

from radio_math.attenuation import (
    check_elevation_deg,
    check_exceedance_percent,
    check_frequency_ghz,
)
from radio_math.large_scale import BAND_LIMIT_HZ, reference_row
from radio_math.link import Floats
from radio_math.tables import standard_table

MAGNETIC_EQUATOR_DEG = 20.0
"""Ionospheric scintillation counts within this magnetic latitude. Source: TR 38.811 6.6.6.1."""

TURBULENT_LAYER_M = 1000.0
_AVERAGED_AWAY = 7.0

# Pole of the centred dipole in the northern hemisphere, epoch 2020.
_POLE_LATITUDE_DEG = 80.65
_POLE_LONGITUDE_DEG = -72.68


def tabled_scintillation_db(elevation_deg: Any) -> Floats:
    """Tropospheric scintillation loss [...] in dB, exceeded for 1 % of the time at 20 GHz.

    Source: TR 38.811 Table 6.6.6.2.1-1.
    Not modelled: frequency, antenna and place; the TR takes this table for all from 6 GHz on.
    """
    table = np.array(standard_table("tr38811")["tropospheric_scintillation_db"])
    return table[reference_row(elevation_deg)]


def ionospheric_scintillation_db(frequency_hz: float, magnetic_latitude_deg: Any) -> Floats:
    """Ionospheric scintillation loss [...] in dB: 1.1 (f / 4 GHz)^-1.5 / sqrt 2, 2.20 dB at 2 GHz.

    0 dB from 6 GHz on and farther than 20 degrees from the magnetic equator.

    Args:
        frequency_hz: carrier frequency.
        magnetic_latitude_deg: [...] of the terminal, see `magnetic_latitude_deg`.

    Source: TR 38.811 6.6.6.1.4.
    Not modelled: time of day, season, solar activity (the TR's peak-to-peak value stands for the
    worst), and the polar caps.
    """
    near = np.abs(np.asarray(magnetic_latitude_deg, dtype=np.float64)) <= MAGNETIC_EQUATOR_DEG
    if frequency_hz >= BAND_LIMIT_HZ:
        return np.zeros(near.shape)
    return np.where(near, 1.1 * (frequency_hz / 4e9) ** -1.5 / np.sqrt(2), 0.0)


def scintillation_loss_db(
    elevation_deg: Any, frequency_hz: float, magnetic_latitude_deg: Any
) -> Floats:
    """Scintillation loss [...] in dB as the TR takes it: ionosphere below 6 GHz, else the table.

    Source: TR 38.811 6.6.6.
    Not modelled: both at once; each band pays one of them.
    """
    if frequency_hz < BAND_LIMIT_HZ:
        loss_db = ionospheric_scintillation_db(frequency_hz, magnetic_latitude_deg)
        return np.broadcast_to(loss_db, np.shape(elevation_deg)).astype(np.float64)
    return tabled_scintillation_db(elevation_deg)


def magnetic_latitude_deg(latitude_deg: Any, longitude_deg: Any) -> Floats:
    """Latitude [...] with regard to the earth's magnetic dipole, degrees.

    Source: Alken 2021.
    Not modelled: the field beyond the dipole; the dip equator lies up to some 10 degrees off.
    """
    latitude, pole = np.radians(latitude_deg), np.radians(_POLE_LATITUDE_DEG)
    turn = np.radians(np.asarray(longitude_deg) - _POLE_LONGITUDE_DEG)
    sine = np.sin(latitude) * np.sin(pole) + np.cos(latitude) * np.cos(pole) * np.cos(turn)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def scintillation_sigma_db(
    elevation_deg: Any,
    *,
    frequency_ghz: float,
    wet_refractivity: Any,
    antenna_diameter_m: float,
    antenna_efficiency: float = 0.5,
) -> Floats:
    """Standard deviation [...] in dB of tropospheric scintillation over a month.

    sigma = (3.6e-3 + 1e-4 N_wet) f^(7/12) g(x) / sin(el)^1.2 with the averaging of the aperture
    g(x), x = 1.22 eta D^2 f / L; 0 where the aperture averages everything (x above 7).

    Args:
        elevation_deg: [...] from 5 to 90.
        frequency_ghz: carrier frequency.
        wet_refractivity: [...] N_wet, the wet term of the surface refractivity, N units.
        antenna_diameter_m: of the terminal.
        antenna_efficiency: of the terminal, 0 to 1.

    Raises:
        AttenuationError: a frequency or elevation outside of the model.
    Source: ITU-R P.618-13 2.4.1 steps 3 to 7.
    Not modelled: the refractivity of the month, fading below 5 degrees.
    """
    check_frequency_ghz(frequency_ghz)
    check_elevation_deg(elevation_deg)
    sine = np.sin(np.radians(elevation_deg))
    path_m = 2 * TURBULENT_LAYER_M / (np.sqrt(sine**2 + 2.35e-4) + sine)
    x = 1.22 * antenna_efficiency * antenna_diameter_m**2 * frequency_ghz / path_m
    turbulent = 3.86 * (x**2 + 1) ** (11 / 12) * np.sin(11 / 6 * np.arctan2(1, x))
    squared = turbulent - 7.08 * x ** (5 / 6)
    averaging = np.sqrt(np.where(x < _AVERAGED_AWAY, np.maximum(squared, 0.0), 0.0))
    reference_db = 3.6e-3 + 1e-4 * np.asarray(wet_refractivity, dtype=np.float64)
    return np.asarray(reference_db * frequency_ghz ** (7 / 12) * averaging / sine**1.2)


def scintillation_fade_db(sigma_db: Any, exceedance_percent: float) -> Floats:
    """Fade [...] in dB exceeded for p percent of the time: a(p) sigma.

    a(p) = -0.061 log10(p)^3 + 0.072 log10(p)^2 - 1.71 log10(p) + 3.

    Raises:
        AttenuationError: the exceedance is outside of 0.001 to 50 percent.
    Source: ITU-R P.618-13 2.4.1 steps 8, 9.
    Not modelled: enhancements, which are smaller than fades of the same share of time.
    """
    check_exceedance_percent(exceedance_percent)
    log_p = np.log10(exceedance_percent)
    factor = -0.061 * log_p**3 + 0.072 * log_p**2 - 1.71 * log_p + 3.0
    return np.asarray(factor * np.asarray(sigma_db, dtype=np.float64))
