"""Attenuations of one place by elevation, looked up in ticks.

The nodes lie evenly, so that an elevation finds its interval by one multiplication: some 5 ns a
value, where a search among the nodes takes 50 ns and more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.attenuation import MIN_ELEVATION_DEG, check_elevation_deg
from radio_math.link import Floats
from ran_sim.atmosphere.losses import (
    ALL_TERMS,
    AtmosphericLosses,
    LossTerms,
    Terminal,
    covered,
    masked_losses,
    slant_losses,
)
from ran_sim.atmosphere.site import Exceedance, Sky, site_constants, sky_over

HOLD_DEG = 89.5
"""From here to the zenith values stay: the cosine in P.618 makes the last half degree steep."""

NODES_PER_DEG = 16
"""25 degrees, where P.618 has its kink in the tropics, and 89.5 are nodes for any even number."""


@dataclass(frozen=True)
class Curve:
    """An attenuation by elevation: a straight line in each interval between two nodes.

    Attributes:
        intercept_db: [N] of the lines, at an elevation of 0.
        slope_db_per_deg: [N] of the lines.
    """

    intercept_db: Floats
    slope_db_per_deg: Floats

    def at(self, interval: npt.NDArray[np.intp], elevation_deg: Floats) -> Floats:
        """Attenuation [...] in dB at elevations within the given intervals [...]."""
        values_db = self.slope_db_per_deg.take(interval, mode="clip")
        values_db = values_db * elevation_deg
        return np.asarray(values_db + self.intercept_db.take(interval, mode="clip"))


@dataclass(frozen=True)
class AtmosphereTable:
    """Attenuations over one place at one frequency, exceedance and terminal, by elevation.

    Linear between nodes every sixteenth of a degree, held from 89.5 degrees on.

    Attributes:
        sky: what the table was made from.
        gas, cloud, rain, scintillation, total: the curves.
    """

    sky: Sky
    gas: Curve
    cloud: Curve
    rain: Curve
    scintillation: Curve
    total: Curve

    def total_at(self, elevation_deg: Any) -> Floats:
        """Total attenuation [...] in dB, for ticks that know the satellite stands high enough.

        Raises:
            AttenuationError: an elevation is outside of 5 to 90 degrees.
        Source: ITU-R P.618-13 2.5.
        Not modelled: the last half degree to the zenith.
        """
        check_elevation_deg(elevation_deg)
        elevation = np.minimum(elevation_deg, HOLD_DEG)
        return self.total.at(_interval(elevation), elevation)

    def losses_at(self, elevation_deg: Any) -> AtmosphericLosses:
        """Every term [...] in dB at any elevation; masked where it is below 5 degrees.

        Source: ITU-R P.618-13 2.5.
        Not modelled: the last half degree to the zenith.
        """
        known = covered(elevation_deg)
        elevation = np.minimum(np.where(known, elevation_deg, HOLD_DEG), HOLD_DEG)
        interval = _interval(elevation)
        return masked_losses(
            self.gas.at(interval, elevation),
            self.cloud.at(interval, elevation),
            self.rain.at(interval, elevation),
            self.scintillation.at(interval, elevation),
            self.total.at(interval, elevation),
            known=known,
        )


def atmosphere_table(
    latitude_deg: float,
    longitude_deg: float,
    *,
    frequency_ghz: float,
    exceedance: Exceedance,
    terminal: Terminal,
    altitude_m: float | None = None,
    terms: LossTerms = ALL_TERMS,
) -> AtmosphereTable:
    """The table of a place, made from the maps in a few milliseconds once they are open.

    Raises:
        InvalidArgument: the place, frequency or exceedance is out of range; the field is named.
        FailedPrecondition: the maps are not installed.
    Source: ITU-R P.618-13 2.5.
    Not modelled: the last half degree to the zenith.
    """
    site = site_constants(latitude_deg, longitude_deg, altitude_m)
    return table_of(sky_over(site, frequency_ghz, exceedance), terminal, terms)


def table_of(sky: Sky, terminal: Terminal, terms: LossTerms = ALL_TERMS) -> AtmosphereTable:
    """The table of a sky over one place.

    Source: ITU-R P.618-13 2.5.
    Not modelled: the last half degree to the zenith.
    """
    count = round((HOLD_DEG - MIN_ELEVATION_DEG) * NODES_PER_DEG)
    nodes_deg = MIN_ELEVATION_DEG + np.arange(count + 1) / NODES_PER_DEG
    losses = slant_losses(sky, nodes_deg, terminal, terms)

    def curve(values_db: Floats) -> Curve:
        slope = np.diff(values_db) * NODES_PER_DEG
        return Curve(values_db[:-1] - slope * nodes_deg[:-1], slope)

    return AtmosphereTable(
        sky=sky,
        gas=curve(losses.gas_db.filled()),
        cloud=curve(losses.cloud_db.filled()),
        rain=curve(losses.rain_db.filled()),
        scintillation=curve(losses.scintillation_db.filled()),
        total=curve(losses.total_db.filled()),
    )


def _interval(elevation_deg: Floats) -> npt.NDArray[np.intp]:
    """Number of the interval between nodes that each elevation from 5 to 89.5 lies in."""
    return ((elevation_deg - MIN_ELEVATION_DEG) * NODES_PER_DEG).astype(np.intp)
