"""Attenuation by oxygen and water vapour."""

from typing import Any

import numpy as np

from radio_math.attenuation import check_elevation_deg, check_frequency_ghz
from radio_math.link import Floats
from radio_math.tables import standard_table

# TR 38.811 leaves gas out below 10 GHz as long as the satellite stands 10 degrees high.
_TR_FREQUENCY_GHZ = 10.0
_TR_ELEVATION_DEG = 10.0


def standard_zenith_gas_db(frequency_ghz: float) -> float:
    """Attenuation by gases to the zenith in dB, over a place at sea level of 288.15 K, 7.5 g/m3.

    Raises:
        AttenuationError: the frequency is outside of 1 to 55 GHz.
    Source: ITU-R P.676-12 Annex 2.
    Not modelled: the weather and height of the place; `ran_sim.atmosphere` knows those of a site.
    """
    check_frequency_ghz(frequency_ghz)
    table = standard_table("p676_zenith")
    return float(np.interp(frequency_ghz, table["frequency_ghz"], table["zenith_db"]))


def slant_gas_db(zenith_gas_db: Any, elevation_deg: Any) -> Floats:
    """Attenuation by gases along a slant path [...] in dB: A_zenith / sin(el).

    Raises:
        AttenuationError: an elevation is below 5 degrees, where a flat atmosphere does not hold.
    Source: ITU-R P.676-12 Annex 2 2.2; TR 38.811 6.6.4.
    Not modelled: curvature of the layers, refraction.
    """
    check_elevation_deg(elevation_deg)
    zenith_db = np.asarray(zenith_gas_db, dtype=np.float64)
    return np.asarray(zenith_db / np.sin(np.radians(elevation_deg)))


def tr38811_gas_db(
    frequency_ghz: float, elevation_deg: Any, zenith_gas_db: float | None = None
) -> Floats:
    """Attenuation by gases [...] in dB by the rule of TR 38.811.

    As `slant_gas_db`, but 0 dB below 10 GHz for elevations from 10 degrees on.

    Args:
        frequency_ghz: carrier frequency.
        elevation_deg: [...] from 5 to 90.
        zenith_gas_db: to the zenith; without it, that of the standard atmosphere.

    Raises:
        AttenuationError: a frequency or elevation outside of the model.
    Source: TR 38.811 6.6.4.
    Not modelled: the lines of water vapour and oxygen between the frequencies of the table.
    """
    zenith_db = standard_zenith_gas_db(frequency_ghz) if zenith_gas_db is None else zenith_gas_db
    slant_db = slant_gas_db(zenith_db, elevation_deg)
    if frequency_ghz >= _TR_FREQUENCY_GHZ:
        return slant_db
    return np.where(np.asarray(elevation_deg) < _TR_ELEVATION_DEG, slant_db, 0.0)
