"""What the atmosphere's attenuations have in common: their ranges, and how they add up."""

from enum import StrEnum
from typing import Any

import numpy as np

from radio_math.link import Floats

MIN_FREQUENCY_GHZ = 1.0
MAX_FREQUENCY_GHZ = 55.0
MIN_ELEVATION_DEG = 5.0
ZENITH_DEG = 90.0
MIN_EXCEEDANCE_PERCENT = 0.001
MAX_EXCEEDANCE_PERCENT = 50.0


class AttenuationError(ValueError):
    """An attenuation that is asked for outside of its model's range; the message says what fits."""


class Combination(StrEnum):
    """How attenuations that are each exceeded for p percent of the time make a total.

    SUM adds them, as TR 38.821 does: all at their worst at once, an upper bound.
    P618 lets scintillation and the rest be independent: A_G + sqrt((A_R + A_C)^2 + A_S^2).
    """

    SUM = "sum"
    P618 = "p618"


def total_attenuation_db(
    gas_db: Any, cloud_db: Any, rain_db: Any, scintillation_db: Any, combination: Combination
) -> Floats:
    """Total attenuation [...] in dB of four that share one exceedance, broadcast over [...].

    SUM: A_G + A_C + A_R + A_S. P618: A_G + sqrt((A_R + A_C)^2 + A_S^2).

    Source: TR 38.821 6.1.3.1; ITU-R P.618-13 2.5 eq. 64.
    Not modelled: that for p below 1 % gas and cloud stand at 1 % (the caller's inputs say that).
    """
    gas, cloud = np.asarray(gas_db, dtype=np.float64), np.asarray(cloud_db, dtype=np.float64)
    if combination is Combination.SUM:
        return np.asarray(gas + cloud + rain_db + scintillation_db)
    return np.asarray(gas + np.hypot(cloud + rain_db, scintillation_db))


def check_frequency_ghz(frequency_ghz: float) -> None:
    """Returns nothing; raises `AttenuationError` for what cannot be a frequency in GHz."""
    if not MIN_FREQUENCY_GHZ <= frequency_ghz <= MAX_FREQUENCY_GHZ:
        raise AttenuationError(
            f"frequency_ghz is {frequency_ghz:g}, outside of {MIN_FREQUENCY_GHZ:g} to "
            f"{MAX_FREQUENCY_GHZ:g}; give it in GHz: 20 for 20e9 Hz"
        )


def check_elevation_deg(elevation_deg: Any, lowest_deg: float = MIN_ELEVATION_DEG) -> None:
    """Returns nothing; raises `AttenuationError` unless all angles are from `lowest_deg` to 90."""
    elevation = np.asarray(elevation_deg)
    if elevation.size and not (elevation.min() >= lowest_deg and elevation.max() <= ZENITH_DEG):
        raise AttenuationError(
            f"elevation_deg spans {elevation.min():g} to {elevation.max():g}; mask what is not "
            f"within {lowest_deg:g} to 90 degrees before"
        )


def check_exceedance_percent(
    exceedance_percent: float, highest: float = MAX_EXCEEDANCE_PERCENT
) -> None:
    """Returns nothing; raises `AttenuationError` for what no model covers as a percentage."""
    if not MIN_EXCEEDANCE_PERCENT <= exceedance_percent <= highest:
        raise AttenuationError(
            f"exceedance_percent is {exceedance_percent:g}, outside of {MIN_EXCEEDANCE_PERCENT:g} "
            f"to {highest:g}; give percent of an average year: 1 for 1 %, not the fraction 0.01"
        )
