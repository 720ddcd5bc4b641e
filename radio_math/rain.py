"""Attenuation by rain on an earth-space path, statistical and of an instant."""

from typing import Any

import numpy as np

from radio_math.attenuation import (
    check_elevation_deg,
    check_exceedance_percent,
    check_frequency_ghz,
)
from radio_math.link import Floats
from radio_math.tables import standard_table

CIRCULAR_TILT_DEG = 45.0
"""Tilt that stands for circular polarisation in P.838 eq. 4 and 5."""

MAX_RAIN_EXCEEDANCE_PERCENT = 5.0
"""Above it the method says nothing: it hardly ever rains longer anywhere."""

STEEP_DEG = 25.0
"""Above it beta of step 10 no longer depends on the elevation: the attenuation has a kink."""

_EFFECTIVE_EARTH_RADIUS_KM = 8500.0
_FLAT_EARTH_DEG = 5.0


def rain_coefficients(
    frequency_ghz: float, elevation_deg: Any, tilt_deg: float = CIRCULAR_TILT_DEG
) -> tuple[Floats, Floats]:
    """Coefficients k and alpha [...] of the specific attenuation of rain.

    Args:
        frequency_ghz: carrier frequency.
        elevation_deg: [...] of the path.
        tilt_deg: of the polarisation from the horizontal: 0 horizontal, 90 vertical, 45 circular.

    Raises:
        AttenuationError: the frequency is outside of 1 to 55 GHz.
    Source: ITU-R P.838-3 eq. 2 to 5.
    Not modelled: drop sizes and temperatures of a place.
    """
    check_frequency_ghz(frequency_ghz)
    k_h = 10 ** _curve("log10_k_horizontal", frequency_ghz)
    k_v = 10 ** _curve("log10_k_vertical", frequency_ghz)
    alpha_h = _curve("alpha_horizontal", frequency_ghz)
    alpha_v = _curve("alpha_vertical", frequency_ghz)
    turn = np.cos(np.radians(elevation_deg)) ** 2 * np.cos(2 * np.radians(tilt_deg))
    k = (k_h + k_v + (k_h - k_v) * turn) / 2
    alpha = (k_h * alpha_h + k_v * alpha_v + (k_h * alpha_h - k_v * alpha_v) * turn) / (2 * k)
    return np.asarray(k), np.asarray(alpha)


def specific_attenuation_db_km(rain_rate_mm_h: Any, k: Any, alpha: Any) -> Floats:
    """Specific attenuation [...] gamma_R = k R^alpha in dB/km.

    Source: ITU-R P.838-3 eq. 1.
    Not modelled: snow, hail, the melting layer.
    """
    return np.asarray(k * np.asarray(rain_rate_mm_h, dtype=np.float64) ** alpha)


def rain_path_km(
    specific_db_km: Any,
    elevation_deg: Any,
    *,
    frequency_ghz: float,
    rain_height_km: Any,
    station_height_km: Any,
    latitude_deg: Any,
) -> Floats:
    """Effective length [...] in km of the path through rain of a specific attenuation.

    The slant path below the rain height, shortened or stretched by the horizontal reduction factor
    r and the vertical adjustment factor v; 0 where the station stands above the rain.

    Args:
        specific_db_km: [...] gamma_R.
        elevation_deg: [...] above 0 and up to 90.
        frequency_ghz: carrier frequency.
        rain_height_km: [...] above sea level.
        station_height_km: [...] above sea level.
        latitude_deg: [...] of the station.

    Raises:
        AttenuationError: a frequency or elevation outside of the model.
    Source: ITU-R P.618-13 2.2.1.1 steps 2, 3, 6 to 8.
    Not modelled: cells: r and v stand for their mean shape.
    """
    check_frequency_ghz(frequency_ghz)
    check_elevation_deg(elevation_deg, 1e-6)
    elevation = np.asarray(elevation_deg, dtype=np.float64)
    gamma = np.asarray(specific_db_km, dtype=np.float64)
    sine, cosine = np.sin(np.radians(elevation)), np.cos(np.radians(elevation))
    depth_km = np.maximum(np.asarray(rain_height_km) - np.asarray(station_height_km), 0.0)
    curved = np.sqrt(sine**2 + 2 * depth_km / _EFFECTIVE_EARTH_RADIUS_KM) + sine
    slant_km = np.where(elevation >= _FLAT_EARTH_DEG, depth_km / sine, 2 * depth_km / curved)
    ground_km = slant_km * cosine
    reduction = 1 / (
        1 + 0.78 * np.sqrt(ground_km * gamma / frequency_ghz) - 0.38 * (1 - np.exp(-2 * ground_km))
    )
    rising_deg = np.degrees(np.arctan2(depth_km, ground_km * reduction))
    # At the zenith the path is the depth; the cosine would be 0.
    inclined_km = ground_km * reduction / np.maximum(cosine, 1e-12)
    rain_km = np.where(rising_deg > elevation, inclined_km, depth_km / sine)
    tropic = np.maximum(36 - np.abs(latitude_deg), 0.0)
    spread = 31 * (1 - np.exp(-elevation / (1 + tropic)))
    adjustment = 1 / (
        1 + np.sqrt(sine) * (spread * np.sqrt(rain_km * gamma) / frequency_ghz**2 - 0.45)
    )
    return np.asarray(rain_km * adjustment)


def rain_attenuation_db(
    elevation_deg: Any,
    *,
    frequency_ghz: float,
    exceedance_percent: float,
    rain_rate_001_mm_h: Any,
    rain_height_km: Any,
    station_height_km: Any,
    latitude_deg: Any,
    tilt_deg: float = CIRCULAR_TILT_DEG,
) -> Floats:
    """Attenuation by rain [...] in dB that is exceeded for p percent of an average year.

    A(p) = A(0.01) (p / 0.01)^-(0.655 + 0.033 ln p - 0.045 ln A(0.01) - beta (1 - p) sin el), with
    A(0.01) = gamma_R L_E from the rain rate exceeded for 0.01 % of the year.

    Args:
        elevation_deg: [...] above 0 and up to 90.
        frequency_ghz: carrier frequency.
        exceedance_percent: p, from 0.001 to 5.
        rain_rate_001_mm_h: [...] exceeded for 0.01 % of the year.
        rain_height_km: [...] above sea level.
        station_height_km: [...] above sea level.
        latitude_deg: [...] of the station.
        tilt_deg: of the polarisation, see `rain_coefficients`.

    Raises:
        AttenuationError: a frequency, elevation or exceedance outside of the model.
    Source: ITU-R P.618-13 2.2.1.1.
    Not modelled: the weather of a moment. p is a share of a year, and the value stands still.
    """
    check_exceedance_percent(exceedance_percent, MAX_RAIN_EXCEEDANCE_PERCENT)
    at_001_db = momentary_rain_db(
        rain_rate_001_mm_h,
        elevation_deg,
        frequency_ghz=frequency_ghz,
        rain_height_km=rain_height_km,
        station_height_km=station_height_km,
        latitude_deg=latitude_deg,
        tilt_deg=tilt_deg,
    )
    rains = at_001_db > 0
    elevation = np.asarray(elevation_deg, dtype=np.float64)
    sine = np.sin(np.radians(elevation))
    away = np.abs(latitude_deg) - 36
    high = -0.005 * away
    low = high + 1.8 - 4.25 * sine
    tropical = (away < 0) & (exceedance_percent < 1)
    beta = np.where(tropical, np.where(elevation > STEEP_DEG, high, low), 0.0)
    exponent = -(
        0.655
        + 0.033 * np.log(exceedance_percent)
        - 0.045 * np.log(np.where(rains, at_001_db, 1.0))
        - beta * (1 - exceedance_percent) * sine
    )
    return np.where(rains, at_001_db * (exceedance_percent / 0.01) ** exponent, 0.0)


def momentary_rain_db(
    rain_rate_mm_h: Any,
    elevation_deg: Any,
    *,
    frequency_ghz: float,
    rain_height_km: Any,
    station_height_km: Any,
    latitude_deg: Any,
    tilt_deg: float = CIRCULAR_TILT_DEG,
) -> Floats:
    """Attenuation by rain [...] in dB while it rains at a rate R at the station: gamma_R L_E.

    Arguments as of `rain_attenuation_db`, with the rain rate of the moment.

    Raises:
        AttenuationError: a frequency or elevation outside of the model.
    Source: ITU-R P.838-3 eq. 1; ITU-R P.618-13 2.2.1.1 steps 2 to 8.
    Not modelled: rain along the path that differs from the station's; the factors r and v of P.618
    were fitted to rates of 0.01 % of a year, and stand here for the shape of any cell.
    """
    k, alpha = rain_coefficients(frequency_ghz, elevation_deg, tilt_deg)
    gamma = specific_attenuation_db_km(rain_rate_mm_h, k, alpha)
    path_km = rain_path_km(
        gamma,
        elevation_deg,
        frequency_ghz=frequency_ghz,
        rain_height_km=rain_height_km,
        station_height_km=station_height_km,
        latitude_deg=latitude_deg,
    )
    return np.asarray(gamma * path_km)


def _curve(name: str, frequency_ghz: float) -> float:
    """Sum of bells and a line over log10 f, as P.838-3 eq. 2 and 3 fit their coefficients."""
    fit = standard_table("p838")[name]
    log_f = np.log10(frequency_ghz)
    a, b, c = (np.array(fit[key]) for key in ("a", "b", "c"))
    return float(np.sum(a * np.exp(-(((log_f - b) / c) ** 2))) + fit["m"] * log_f + fit["n"])
