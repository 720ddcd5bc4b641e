"""Attenuations of the atmosphere along a path, every term by itself and each to be switched off."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.attenuation import (
    MIN_ELEVATION_DEG,
    ZENITH_DEG,
    Combination,
    check_elevation_deg,
    total_attenuation_db,
)
from radio_math.gases import slant_gas_db
from radio_math.link import Floats
from radio_math.rain import (
    CIRCULAR_TILT_DEG,
    MAX_RAIN_EXCEEDANCE_PERCENT,
    rain_attenuation_db,
)
from radio_math.scintillation import scintillation_fade_db, scintillation_sigma_db
from ran_sim.atmosphere.site import Sky

MaskedFloats = np.ma.MaskedArray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Terminal:
    """What of a terminal matters to the atmosphere's losses.

    Attributes:
        antenna_diameter_m: of its aperture; for an array, that of a dish of the same area.
        antenna_efficiency: 0 to 1.
        tilt_deg: of its polarisation from the horizontal; 45 stands for circular.
    """

    antenna_diameter_m: float = 0.6
    antenna_efficiency: float = 0.5
    tilt_deg: float = CIRCULAR_TILT_DEG


@dataclass(frozen=True)
class LossTerms:
    """Which terms count, and how they make a total. What is switched off is 0 dB."""

    gas: bool = True
    cloud: bool = True
    rain: bool = True
    scintillation: bool = True
    combination: Combination = Combination.P618


ALL_TERMS = LossTerms()


@dataclass(frozen=True)
class AtmosphericLosses:
    """Attenuations [...] in dB, masked where the satellite stands below 5 degrees.

    A masked value is infinite underneath: whoever drops the mask gets no signal, never 0 dB and
    never NaN. `tolist()` gives None there, and JSON gets its null.
    """

    gas_db: MaskedFloats
    cloud_db: MaskedFloats
    rain_db: MaskedFloats
    scintillation_db: MaskedFloats
    total_db: MaskedFloats


def covered(elevation_deg: Any) -> npt.NDArray[np.bool_]:
    """Whether the models hold at each elevation [...]: from 5 to 90 degrees; False for NaN."""
    elevation = np.asarray(elevation_deg, dtype=np.float64)
    return np.asarray((elevation >= MIN_ELEVATION_DEG) & (elevation <= ZENITH_DEG))


def slant_losses(
    sky: Sky, elevation_deg: Any, terminal: Terminal, terms: LossTerms = ALL_TERMS
) -> AtmosphericLosses:
    """Attenuations [...] over elevations and the places of the sky, which broadcast.

    Closed formulas over the sky's constants: some 0.3 us an element, and no call of itur.

    Args:
        sky: its places [...], such as [U] terminals or a grid [H, W].
        elevation_deg: [...] such as [T, U] or [H, W]; any value, below 5 degrees is masked.
        terminal: at every place.
        terms: which terms count.

    Source: ITU-R P.618-13 2.2.1, 2.4.1, 2.5; ITU-R P.676-12 Annex 2; ITU-R P.840-8.
    Not modelled: melting layer, sand, focusing, what happens below 5 degrees.
    """
    known = covered(elevation_deg)
    elevation = np.where(known, elevation_deg, ZENITH_DEG)
    shape = np.broadcast_shapes(elevation.shape, sky.zenith_gas_db.shape)
    nothing = np.zeros(shape)
    gas = slant_gas_db(sky.zenith_gas_db, elevation) if terms.gas else nothing
    cloud = sky.zenith_cloud_db / np.sin(np.radians(elevation)) if terms.cloud else nothing
    rain = slant_rain_db(sky, elevation, terminal) if terms.rain else nothing
    if terms.scintillation:
        sigma_db = slant_sigma_db(sky, elevation, terminal)
        scintillation = scintillation_fade_db(sigma_db, sky.exceedance.percent)
    else:
        scintillation = nothing
    total = total_attenuation_db(gas, cloud, rain, scintillation, terms.combination)
    parts = (np.broadcast_to(term, shape) for term in (gas, cloud, rain, scintillation, total))
    return masked_losses(*parts, known=known)


def slant_rain_db(sky: Sky, elevation_deg: Any, terminal: Terminal) -> Floats:
    """Attenuation by rain [...] in dB at the dial's exceedance, for elevations of 5 to 90 degrees.

    0 dB above 5 % of the year: there the method ends, because hardly any path has rain for longer.

    Raises:
        AttenuationError: an elevation is outside of the model.
    Source: ITU-R P.618-13 2.2.1.1.
    Not modelled: as `rain_attenuation_db`.
    """
    if sky.exceedance.percent > MAX_RAIN_EXCEEDANCE_PERCENT:
        check_elevation_deg(elevation_deg)
        return np.zeros(np.broadcast_shapes(np.shape(elevation_deg), sky.zenith_gas_db.shape))
    return rain_attenuation_db(
        elevation_deg,
        frequency_ghz=sky.frequency_ghz,
        exceedance_percent=sky.exceedance.percent,
        rain_rate_001_mm_h=sky.site.rain_rate_001_mm_h,
        rain_height_km=sky.site.rain_height_km,
        station_height_km=sky.site.height_km,
        latitude_deg=sky.site.latitude_deg,
        tilt_deg=terminal.tilt_deg,
    )


def slant_sigma_db(sky: Sky, elevation_deg: Any, terminal: Terminal) -> Floats:
    """Standard deviation [...] in dB of scintillation, for elevations of 5 to 90 degrees.

    Raises:
        AttenuationError: an elevation is outside of the model.
    Source: ITU-R P.618-13 2.4.1.
    Not modelled: as `scintillation_sigma_db`.
    """
    return scintillation_sigma_db(
        elevation_deg,
        frequency_ghz=sky.frequency_ghz,
        wet_refractivity=sky.site.wet_refractivity,
        antenna_diameter_m=terminal.antenna_diameter_m,
        antenna_efficiency=terminal.antenna_efficiency,
    )


def masked_losses(
    gas_db: Floats,
    cloud_db: Floats,
    rain_db: Floats,
    scintillation_db: Floats,
    total_db: Floats,
    *,
    known: npt.NDArray[np.bool_],
) -> AtmosphericLosses:
    """Losses of four terms and their total [...], masked where a path is not `known`."""
    hidden = np.broadcast_to(~known, total_db.shape)
    anything_hidden = bool(hidden.any())

    def masked(values_db: Floats) -> MaskedFloats:
        filled = np.where(hidden, np.inf, values_db) if anything_hidden else values_db
        return np.ma.MaskedArray(filled, mask=hidden, fill_value=np.inf)

    return AtmosphericLosses(
        gas_db=masked(gas_db),
        cloud_db=masked(cloud_db),
        rain_db=masked(rain_db),
        scintillation_db=masked(scintillation_db),
        total_db=masked(total_db),
    )
