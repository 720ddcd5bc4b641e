"""Satellite and ESIMs relative to each other, and which of several satellites serves.

Axes: T instants, U ESIMs, B beams, C satellites.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from radio_math.channel import LinkGeometry
from ran_sim.cells import ServiceArea
from ran_sim.handover import HandoverRule, IndexArray, serving
from ran_sim.mobility import Track
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.look import Look, look_at
from ran_sim.orbit.passes import Site
from ran_sim.orbit.propagation import Ephemeris, Propagator
from ran_sim.spot_beams import SpotBeams


@dataclass(frozen=True)
class Sight:
    """Satellite and ESIMs relative to each other: arrays [T, U] and [T, U, B].

    Attributes:
        look: where the ESIMs see the satellite.
        link: what of it the channel takes.
        satellite_speed_m_s: [T] over the turning Earth.
    """

    look: Look
    link: LinkGeometry
    satellite_speed_m_s: FloatArray


def sight_of(
    satellite: Ephemeris, area: ServiceArea, tracks: list[Track], beams: SpotBeams
) -> Sight:
    """A satellite as the ESIMs see it, and the ESIMs as its beams do.

    Args:
        satellite: at T instants.
        area: the cells.
        tracks: the ESIMs' ways at the same instants.
        beams: how the satellite covers the cells.
    """
    terminals = area.terminals(tracks)
    look = look_at(satellite.position_m[:, None, :], satellite.velocity_m_s[:, None, :], terminals)
    gains = beams.gains(
        satellite.position_m, satellite.velocity_m_s, terminals.position_m, area.centre_m
    )
    link = LinkGeometry(
        azimuth_deg=look.azimuth_deg,
        elevation_deg=look.elevation_deg,
        slant_range_m=look.range_m,
        beam_amplitude=gains.amplitude,
        satellite_gain_db=gains.gain_db,
    )
    speed_m_s = np.linalg.norm(satellite.velocity_m_s, axis=-1)
    return Sight(look, link, np.asarray(speed_m_s))


def look_of(satellite: Ephemeris, site: Site) -> Look:
    """A satellite as a motionless site sees it, [T]."""
    return look_at(satellite.position_m, satellite.velocity_m_s, site.terminals())


def serving_satellites(
    propagators: list[Propagator],
    site: Site,
    start: dt.datetime,
    offset_s: FloatArray,
    rule: HandoverRule | None,
) -> IndexArray:
    """Index of the satellite that serves at each tick, [T]: by elevation over a site.

    Raises:
        FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
    """
    if rule is None or len(propagators) == 1:
        return np.zeros(len(offset_s), dtype=np.intp)
    elevation = np.stack(
        [look_of(one.ephemeris(start, offset_s), site).elevation_deg for one in propagators],
        axis=-1,
    )
    quality = np.where(elevation > 0, elevation, -np.inf)  # [T, C]
    return serving(
        quality[:, None, :],
        rule.satellite_hysteresis_deg,
        float(offset_s[1] - offset_s[0]),
        minimum_time_s=rule.satellite_minimum_time_s,
    )[:, 0]


def followed(
    propagators: list[Propagator],
    chosen: IndexArray,
    start: dt.datetime,
    offset_s: FloatArray,
) -> Ephemeris:
    """Motion of the chosen satellite at each of T instants.

    Raises:
        FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
    """
    motions = [propagators[index].ephemeris(start, offset_s) for index in np.unique(chosen)]
    place = np.searchsorted(np.unique(chosen), chosen)
    rows = np.arange(len(offset_s))
    return Ephemeris(
        offset_s=offset_s,
        position_m=np.stack([motion.position_m for motion in motions])[place, rows],
        velocity_m_s=np.stack([motion.velocity_m_s for motion in motions])[place, rows],
    )


def serving_beams(
    sight: Sight, home: IndexArray, tick_period_s: float, rule: HandoverRule | None
) -> IndexArray:
    """Index of the beam that serves each ESIM at each tick, [T, U]: its cell's, or the strongest.

    Args:
        sight: gives the beams' amplitudes.
        home: [U] beam of each ESIM's cell, which serves throughout without a rule.
        tick_period_s: time between two ticks.
        rule: hysteresis and time-to-trigger by which a stronger beam takes over.
    """
    amplitude = sight.link.beam_amplitude
    if rule is None:
        return np.broadcast_to(home, amplitude.shape[:2])
    strength_db = 20 * np.log10(np.maximum(np.abs(amplitude), 1e-10))
    return serving(
        strength_db,
        rule.beam_hysteresis_db,
        tick_period_s,
        time_to_trigger_s=rule.beam_time_to_trigger_s,
    )
