"""Attenuations of one place by elevation, looked up in ticks."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from radio_math.attenuation import MIN_ELEVATION_DEG, check_elevation_deg
from radio_math.link import Floats
from radio_math.rain import STEEP_DEG
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

# 1 / sin(el) bends most near the horizon: the nodes are dense there.
_BEND_DEG = 15.0
_LOW_STEP_DEG = 0.1
_HIGH_STEP_DEG = 0.25


@dataclass(frozen=True)
class AtmosphereTable:
    """Attenuations over one place at one frequency, exceedance and terminal, by elevation.

    Between the nodes linear; from 89.5 degrees on held.

    Attributes:
        sky: what the table was made from.
        terms: which terms count.
        elevation_deg: [N] nodes from 5 to 89.5 degrees, 25 among them.
        gas_db: [N], and so on.
    """

    sky: Sky
    terms: LossTerms
    elevation_deg: Floats
    gas_db: Floats
    cloud_db: Floats
    rain_db: Floats
    scintillation_db: Floats
    total_db: Floats

    def total_at(self, elevation_deg: Any) -> Floats:
        """Total attenuation [...] in dB: one interpolation, for ticks that know the sky is clear.

        Raises:
            AttenuationError: an elevation is outside of 5 to 90 degrees.
        """
        check_elevation_deg(elevation_deg)
        return np.asarray(np.interp(elevation_deg, self.elevation_deg, self.total_db))

    def losses_at(self, elevation_deg: Any) -> AtmosphericLosses:
        """Every term [...] in dB at any elevation; masked where it is below 5 degrees."""
        known = covered(elevation_deg)
        elevation = np.where(known, elevation_deg, HOLD_DEG)

        def at(values_db: Floats) -> Floats:
            return np.asarray(np.interp(elevation, self.elevation_deg, values_db))

        return masked_losses(
            at(self.gas_db),
            at(self.cloud_db),
            at(self.rain_db),
            at(self.scintillation_db),
            known=known,
            terms=self.terms,
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
    """
    site = site_constants(latitude_deg, longitude_deg, altitude_m)
    return table_of(sky_over(site, frequency_ghz, exceedance), terminal, terms)


def table_of(sky: Sky, terminal: Terminal, terms: LossTerms = ALL_TERMS) -> AtmosphereTable:
    """The table of a sky over one place.

    Raises:
        AttenuationError: rain is on and the exceedance above 5 %.
    """
    nodes = _nodes()
    losses = slant_losses(sky, nodes, terminal, terms)
    return AtmosphereTable(
        sky=sky,
        terms=terms,
        elevation_deg=nodes,
        gas_db=losses.gas_db.filled(),
        cloud_db=losses.cloud_db.filled(),
        rain_db=losses.rain_db.filled(),
        scintillation_db=losses.scintillation_db.filled(),
        total_db=losses.total_db.filled(),
    )


def _nodes() -> Floats:
    low = np.arange(MIN_ELEVATION_DEG, _BEND_DEG, _LOW_STEP_DEG)
    high = np.arange(_BEND_DEG, HOLD_DEG, _HIGH_STEP_DEG)
    return np.unique(np.concatenate((low, high, (STEEP_DEG, HOLD_DEG))))
