"""Line of sight, shadow fading, clutter loss and Rician K of TR 38.811, by elevation.

The numbers are the TR's tables at 10, 20 to 90 degrees, kept as data (`tables/tr38811.json`). An
elevation takes the row of the nearest reference angle; midway between two the higher one counts.
Below 10 degrees the TR has no row: from the horizon to 10 degrees the row of 10 degrees is used,
below the horizon there is no link and the lookup refuses.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.link import Floats
from radio_math.tables import standard_table

Rows = npt.NDArray[np.intp]

BAND_LIMIT_HZ = 6e9
"""TR 38.811 speaks of S band below 6 GHz and of Ka band above; nothing stands between them."""


_ZENITH_DEG = 90.0


class LargeScaleError(ValueError):
    """A large-scale parameter that the tables do not have; the message says which."""


class Surroundings(StrEnum):
    """What surrounds a terminal. Suburban and rural differ in K and correlation distances only."""

    DENSE_URBAN = "dense_urban"
    URBAN = "urban"
    SUBURBAN = "suburban"
    RURAL = "rural"


class Band(StrEnum):
    """The two bands the tables are given for."""

    S = "S"
    KA = "Ka"


def band_of(frequency_hz: float) -> Band:
    """The band whose tables serve a frequency: S below 6 GHz, Ka from there on.

    Source: TR 38.811 6.6.2.
    Not modelled: that the tables were computed for 2 to 4 GHz and 26.5 to 40 GHz.
    """
    return Band.S if frequency_hz < BAND_LIMIT_HZ else Band.KA


@dataclass(frozen=True)
class LargeScaleTable:
    """The tables of one kind of surroundings in one band; every array is [9], by reference angle.

    Attributes:
        los_probability: probability of line of sight, 0 to 1.
        shadow_sigma_los_db: standard deviation of shadow fading with line of sight.
        shadow_sigma_nlos_db: likewise without.
        clutter_nlos_db: clutter loss without line of sight; with it, it is 0 dB.
        rician_k_mean_db: mean of the K factor with line of sight.
        rician_k_sigma_db: its standard deviation.
        los_correlation_m: distance over which the line-of-sight state holds.
        shadow_los_correlation_m: distance over which shadow fading falls to a correlation of 1/e.
        shadow_nlos_correlation_m: likewise without line of sight.
        rician_k_correlation_m: likewise of K.
    """

    los_probability: Floats
    shadow_sigma_los_db: Floats
    shadow_sigma_nlos_db: Floats
    clutter_nlos_db: Floats
    rician_k_mean_db: Floats
    rician_k_sigma_db: Floats
    los_correlation_m: float
    shadow_los_correlation_m: float
    shadow_nlos_correlation_m: float
    rician_k_correlation_m: float


def large_scale_table(surroundings: Surroundings, band: Band) -> LargeScaleTable:
    """The tables of one kind of surroundings in one band.

    Source: TR 38.811 Tables 6.6.1-1, 6.6.2-1 to 6.6.2-3, 6.7.2-1 to 6.7.2-8; TR 38.901 Tables
    7.5-6 (K of rural), 7.6.3.1-2 (line-of-sight state).
    Not modelled: spreads of delay and angles, cross-polarisation, clusters.
    """
    entry = standard_table("tr38811")["surroundings"][surroundings.value]
    of_band, distance_m = entry["bands"][band.value], entry["correlation_distance_m"]
    return LargeScaleTable(
        los_probability=np.array(entry["los_probability"]),
        shadow_sigma_los_db=np.array(of_band["shadow_sigma_los_db"]),
        shadow_sigma_nlos_db=np.array(of_band["shadow_sigma_nlos_db"]),
        clutter_nlos_db=np.array(of_band["clutter_nlos_db"]),
        rician_k_mean_db=np.array(of_band["rician_k_mean_db"]),
        rician_k_sigma_db=np.array(of_band["rician_k_sigma_db"]),
        los_correlation_m=float(distance_m["los_state"]),
        shadow_los_correlation_m=float(distance_m["shadow_los"]),
        shadow_nlos_correlation_m=float(distance_m["shadow_nlos"]),
        rician_k_correlation_m=float(distance_m["rician_k"]),
    )


def reference_row(elevation_deg: Any) -> Rows:
    """Row [...] of the reference angle nearest to each elevation, floor(el / 10 + 1/2) - 1 in 0..8.

    Python's and numpy's `round` would send 25 degrees to 20: they round halves to even.

    Raises:
        LargeScaleError: an elevation is below 0, above 90 or not a number.
    Source: TR 38.811 6.6.1.
    Not modelled: anything between two reference angles.
    """
    elevation = np.asarray(elevation_deg, dtype=np.float64)
    if not ((elevation >= 0) & (elevation <= _ZENITH_DEG)).all():
        raise LargeScaleError(
            "elevation_deg holds a value that is not within 0 to 90 degrees; leave out what is "
            "below the horizon before looking up large-scale parameters"
        )
    return (np.clip(np.floor(elevation / 10 + 0.5), 1, 9) - 1).astype(np.intp)


def los_probability(elevation_deg: Any, table: LargeScaleTable) -> Floats:
    """Probability of line of sight [...], 0 to 1.

    Source: TR 38.811 Table 6.6.1-1.
    Not modelled: buildings of a place; streets and their direction.
    """
    return table.los_probability[reference_row(elevation_deg)]


def shadow_sigma_db(elevation_deg: Any, line_of_sight: Any, table: LargeScaleTable) -> Floats:
    """Standard deviation [...] in dB of shadow fading, which has a mean of 0 dB.

    Source: TR 38.811 Tables 6.6.2-1 to 6.6.2-3.
    Not modelled: dependence on frequency within a band.
    """
    row = reference_row(elevation_deg)
    return np.where(line_of_sight, table.shadow_sigma_los_db[row], table.shadow_sigma_nlos_db[row])


def clutter_loss_db(elevation_deg: Any, line_of_sight: Any, table: LargeScaleTable) -> Floats:
    """Clutter loss [...] in dB: the table's without line of sight, 0 with it.

    Source: TR 38.811 6.6.2.
    Not modelled: its spread, which is part of shadow fading without line of sight.
    """
    return np.where(line_of_sight, 0.0, table.clutter_nlos_db[reference_row(elevation_deg)])


def rician_k_db(elevation_deg: Any, standard_normal: Any, table: LargeScaleTable) -> Floats:
    """K factor [...] in dB with line of sight, mu(el) + sigma(el) n of a standard normal n [...].

    Source: TR 38.811 Tables 6.7.2-1, 6.7.2-3, 6.7.2-5, 6.7.2-7.
    Not modelled: its correlation with delay spread and shadow fading.
    """
    row = reference_row(elevation_deg)
    spread = table.rician_k_sigma_db[row] * np.asarray(standard_normal)
    return np.asarray(table.rician_k_mean_db[row] + spread)
