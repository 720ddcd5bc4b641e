"""When a satellite passes over a site."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.look import Look, Terminals, look_at
from ran_sim.orbit.propagation import Propagator

# A low orbit crosses the sky in ten minutes: a coarse step of 20 s cannot miss its maximum, and
# the refinement needs only the neighbourhood of it.
_COARSE_STEP_S = 20.0
_FINE_STEP_S = 0.05


@dataclass(frozen=True)
class Site:
    """A point fixed to the Earth (WGS84)."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0

    def terminals(self) -> Terminals:
        """The site as a motionless terminal."""
        position = ecef_position(self.latitude_deg, self.longitude_deg, self.altitude_m)
        east, north, up = local_axes(self.latitude_deg, self.longitude_deg)
        return Terminals(position, np.zeros_like(position), east, north, up)


@dataclass(frozen=True)
class Culmination:
    """The highest point of a pass: simulated UTC and elevation above the WGS84 horizon."""

    time: dt.datetime
    elevation_deg: float


def look_from(
    propagator: Propagator, site: Site, start: dt.datetime, offset_s: npt.ArrayLike
) -> Look:
    """The satellite as a site sees it at `start` plus each of the [T] offsets.

    Raises:
        FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
    """
    ephemeris = propagator.ephemeris(start, offset_s)
    return look_at(ephemeris.position_m, ephemeris.velocity_m_s, site.terminals())


def culminations(
    propagator: Propagator,
    site: Site,
    start: dt.datetime,
    end: dt.datetime,
    minimum_elevation_deg: float = 0.0,
) -> list[Culmination]:
    """Every culmination at or above the least elevation within [start, end], in time order.

    Raises:
        FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
    """
    span_s = (end - start).total_seconds()
    offsets = np.arange(0.0, span_s + _COARSE_STEP_S, _COARSE_STEP_S)
    elevation = look_from(propagator, site, start, offsets).elevation_deg
    peaks = _local_maxima(elevation)
    found = [_refined(propagator, site, start, float(offsets[peak])) for peak in peaks]
    return [
        entry
        for entry in found
        if entry.elevation_deg >= minimum_elevation_deg and start <= entry.time <= end
    ]


def highest_culmination(
    propagator: Propagator, site: Site, start: dt.datetime, end: dt.datetime
) -> Culmination:
    """The culmination with the greatest elevation within [start, end].

    Raises:
        FailedPrecondition: the satellite never rises above the site's horizon in that time.
    """
    found = culminations(propagator, site, start, end)
    if not found:
        raise FailedPrecondition(
            f"{propagator.elements.name} never rises above the horizon of latitude_deg "
            f"{site.latitude_deg:g}, longitude_deg {site.longitude_deg:g} between "
            f"{start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} UTC; choose another satellite, site "
            "or start_time.",
            reason="SATELLITE_NOT_VISIBLE",
            field="latitude_deg",
            satellite_id=propagator.elements.satellite_id,
        )
    return max(found, key=lambda entry: entry.elevation_deg)


def _local_maxima(elevation_deg: FloatArray) -> npt.NDArray[np.intp]:
    inner = elevation_deg[1:-1]
    return np.flatnonzero((inner >= elevation_deg[:-2]) & (inner > elevation_deg[2:])) + 1


def _refined(
    propagator: Propagator, site: Site, start: dt.datetime, peak_offset_s: float
) -> Culmination:
    low, high = peak_offset_s - _COARSE_STEP_S, peak_offset_s + _COARSE_STEP_S
    offsets = np.arange(low, high + _FINE_STEP_S, _FINE_STEP_S)
    elevation = look_from(propagator, site, start, offsets).elevation_deg
    best = int(np.argmax(elevation))
    return Culmination(
        time=start + dt.timedelta(seconds=float(offsets[best])),
        elevation_deg=float(elevation[best]),
    )
