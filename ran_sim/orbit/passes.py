"""When a satellite passes over a site."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import WGS84, Ellipsoid, ecef_position, local_axes
from ran_sim.orbit.look import Look, Terminals, look_at
from ran_sim.orbit.propagation import Propagator

# A low orbit crosses the sky in ten minutes: a coarse step of 20 s cannot miss its maximum, and
# the refinement needs only the neighbourhood of it.
_COARSE_STEP_S = 20.0
_FINE_STEP_S = 0.05
# Halvings of a coarse step: rise and set are found to a millisecond.
_HALVINGS = 15


@dataclass(frozen=True)
class Site:
    """A point fixed to the Earth (WGS84, unless another figure is asked for)."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0
    earth: Ellipsoid = WGS84

    def terminals(self) -> Terminals:
        """The site as a motionless terminal, Earth-fixed, with its horizon.

        Source: NGA.STND.0036 4.14.
        Not modelled: tides and plate motion (decimetres).
        """
        position = ecef_position(self.latitude_deg, self.longitude_deg, self.altitude_m, self.earth)
        east, north, up = local_axes(self.latitude_deg, self.longitude_deg)
        return Terminals(position, np.zeros_like(position), east, north, up)


@dataclass(frozen=True)
class Culmination:
    """The highest point of a pass: simulated UTC and elevation above the WGS84 horizon."""

    time: dt.datetime
    elevation_deg: float


@dataclass(frozen=True)
class Pass:
    """One pass over a site, above a mask.

    Attributes:
        rise_time: when the satellite comes above the mask; None where it stood there at the start.
        culmination: the highest point within the asked time.
        set_time: when it goes below the mask; None where it still stands above it at the end.
    """

    rise_time: dt.datetime | None
    culmination: Culmination
    set_time: dt.datetime | None


def look_from(
    propagator: Propagator, site: Site, start: dt.datetime, offset_s: npt.ArrayLike
) -> Look:
    """The satellite as a site sees it at `start` plus each of the [T] offsets.

    Source: Vallado 2013 4.4.
    Not modelled: what `look.look_at` leaves out.

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

    The elevation's maxima on a grid of 20 s, each refined to 0.05 s.

    Source: Vallado 2013 11.4.
    Not modelled: refraction.

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


def passes(
    propagator: Propagator,
    site: Site,
    start: dt.datetime,
    end: dt.datetime,
    minimum_elevation_deg: float = 0.0,
) -> list[Pass]:
    """Every pass above a mask within [start, end], in time order.

    Rise and set are where the elevation crosses the mask, found to a millisecond by halving.

    Source: Vallado 2013 11.4.
    Not modelled: refraction, which lifts the horizon by half a degree; terrain.

    Raises:
        FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
    """
    span_s = (end - start).total_seconds()
    offsets = np.append(np.arange(0.0, span_s, _COARSE_STEP_S), span_s)
    # A pass shorter than the coarse step shows itself by its culmination only.
    peaks = culminations(propagator, site, start, end, minimum_elevation_deg)
    peak_offsets = [(peak.time - start).total_seconds() for peak in peaks]
    offsets = np.unique(np.concatenate((offsets, peak_offsets)))

    def elevation_of(offset_s: FloatArray) -> FloatArray:
        return look_from(propagator, site, start, offset_s).elevation_deg

    elevation = elevation_of(offsets)
    above = elevation >= minimum_elevation_deg
    changes = np.flatnonzero(above[1:] != above[:-1])
    crossings = _crossings(
        elevation_of, offsets[changes], offsets[changes + 1], minimum_elevation_deg
    )
    return [
        _pass_between(first, last, start, offsets, elevation)
        for first, last in _spans_above(crossings, starts_above=bool(above[0]))
    ]


def _spans_above(
    crossings: FloatArray, *, starts_above: bool
) -> list[tuple[float | None, float | None]]:
    edges: list[float | None] = [float(offset) for offset in crossings]
    if starts_above:
        edges.insert(0, None)
    if len(edges) % 2:
        edges.append(None)
    return list(zip(edges[::2], edges[1::2], strict=True))


def _pass_between(
    first_s: float | None,
    last_s: float | None,
    start: dt.datetime,
    offsets_s: FloatArray,
    elevation_deg: FloatArray,
) -> Pass:
    inside = (offsets_s >= (first_s or 0.0)) & (
        offsets_s <= (offsets_s[-1] if last_s is None else last_s)
    )
    best = int(np.argmax(np.where(inside, elevation_deg, -np.inf)))

    def moment(offset_s: float | None) -> dt.datetime | None:
        return None if offset_s is None else start + dt.timedelta(seconds=offset_s)

    highest = start + dt.timedelta(seconds=float(offsets_s[best]))
    return Pass(
        rise_time=moment(first_s),
        culmination=Culmination(highest, float(elevation_deg[best])),
        set_time=moment(last_s),
    )


def _crossings(
    elevation_of: Callable[[FloatArray], FloatArray],
    before_s: FloatArray,
    after_s: FloatArray,
    mask_deg: float,
) -> FloatArray:
    """Offsets [C] at which the elevation crosses the mask, all brackets halved together."""
    if not len(before_s):
        return before_s
    began_above = elevation_of(before_s) >= mask_deg
    for _ in range(_HALVINGS):
        middle_s = (before_s + after_s) / 2
        same = (elevation_of(middle_s) >= mask_deg) == began_above
        before_s, after_s = np.where(same, middle_s, before_s), np.where(same, after_s, middle_s)
    return (before_s + after_s) / 2


def highest_culmination(
    propagator: Propagator, site: Site, start: dt.datetime, end: dt.datetime
) -> Culmination:
    """The culmination with the greatest elevation within [start, end].

    Source: Vallado 2013 11.4.
    Not modelled: refraction.

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
