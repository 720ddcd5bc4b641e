"""Satellite and ESIMs relative to each other, and which satellite or platform serves.

Axes: T instants, U ESIMs, B beams, C satellites and platforms.
"""

import datetime as dt
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from radio_math.channel import LinkGeometry
from ran_sim.cells import ServiceArea
from ran_sim.handover import BoolArray, HandoverRule, IndexArray, serving
from ran_sim.haps import (
    PlatformMotion,
    PlatformSight,
    StationKeeping,
    look_at_platform,
    platform_beams,
    platform_sight,
)
from ran_sim.mobility import Track
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.look import Look, Terminals, look_at
from ran_sim.orbit.passes import Site
from ran_sim.orbit.propagation import Ephemeris, Propagator
from ran_sim.spot_beams import SpotBeams


@dataclass(frozen=True)
class Sight:
    """Satellite and ESIMs relative to each other: arrays [T, U] and [T, U, B].

    Attributes:
        look: where the ESIMs see the satellite.
        link: what of it the channel takes.
        satellite_speed_m_s: [T] over the turning Earth; infinite for a platform, whose position is
            told and not predicted.
    """

    look: Look
    link: LinkGeometry
    satellite_speed_m_s: FloatArray


@dataclass(frozen=True)
class Access:
    """All that may serve the ESIMs of an area: satellites, then a platform if there is one.

    Attributes:
        propagators: the satellites.
        beams: how a satellite covers the cells.
        start: simulated UTC of offset 0.
        area: the cells.
        platform: how the platform wanders and shakes.
        platform_worth_deg: elevation of a satellite that makes it worth as much as the platform.
    """

    propagators: list[Propagator]
    beams: SpotBeams
    start: dt.datetime
    area: ServiceArea
    platform: StationKeeping | None
    platform_worth_deg: float

    def serving(self, offset_s: FloatArray, rule: HandoverRule | None) -> IndexArray:
        """Index of what serves at each tick, [T]; the first satellite without a rule.

        Satellites count by their elevation over the area's centre, the platform by its worth.

        Raises:
            FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
        """
        if rule is None:
            return np.zeros(len(offset_s), dtype=np.intp)
        worth = [
            look_of(one.ephemeris(self.start, offset_s), self.area.site).elevation_deg
            for one in self.propagators
        ]
        quality = np.stack(worth, axis=-1)  # [T, C]
        quality = np.where(quality > 0, quality, -np.inf)
        if self.platform is not None:
            always = np.full((len(offset_s), 1), self.platform_worth_deg)
            quality = np.concatenate((quality, always), axis=-1)
        return serving(
            quality[:, None, :],
            rule.satellite_hysteresis_deg,
            float(offset_s[1] - offset_s[0]),
            minimum_time_s=rule.satellite_minimum_time_s,
        )[:, 0]

    def followed(self, chosen: IndexArray, offset_s: FloatArray) -> Ephemeris:
        """Motion of what serves at each of T instants.

        Raises:
            FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
        """
        used = np.unique(chosen)
        motions = [
            self.propagators[index].ephemeris(self.start, offset_s)
            if index < len(self.propagators)
            else _ephemeris(self._platform_motion(offset_s))
            for index in used
        ]
        place, rows = np.searchsorted(used, chosen), np.arange(len(offset_s))
        return Ephemeris(
            offset_s=offset_s,
            position_m=np.stack([motion.position_m for motion in motions])[place, rows],
            velocity_m_s=np.stack([motion.velocity_m_s for motion in motions])[place, rows],
        )

    def sight(self, chosen: IndexArray, offset_s: FloatArray, tracks: list[Track]) -> Sight:
        """What serves as the ESIMs see it, and the ESIMs as its beams do.

        Args:
            chosen: [T] index of what serves.
            offset_s: [T].
            tracks: the ESIMs' ways at the same instants.

        Raises:
            FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
        """
        moving = self.followed(chosen, offset_s)
        terminals = self.area.terminals(tracks)
        look = look_at(moving.position_m[:, None, :], moving.velocity_m_s[:, None, :], terminals)
        gains = self.beams.gains(
            moving.position_m, moving.velocity_m_s, terminals.position_m, self.area.centre_m
        )
        link = gains.link(look)
        by_platform = chosen == len(self.propagators)
        speed_m_s = np.where(by_platform, np.inf, np.linalg.norm(moving.velocity_m_s, axis=-1))
        if by_platform.any():
            seen = self._platform_sight(offset_s, terminals)
            look = _merged(by_platform, seen.look, look)
            link = _merged(by_platform, seen.link, link)
        return Sight(look, link, speed_m_s)

    def centre_look(self, chosen: IndexArray, offset_s: FloatArray) -> Look:
        """What serves as the area's centre sees it, [T].

        Raises:
            FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
        """
        look = look_of(self.followed(chosen, offset_s), self.area.site)
        by_platform = chosen == len(self.propagators)
        if not by_platform.any():
            return look
        seen = look_at_platform(self._platform_motion(offset_s), self.area.site.terminals())
        alone = Look(**{item.name: getattr(seen, item.name)[:, 0] for item in fields(Look)})
        return _merged(by_platform, alone, look)

    def _platform_motion(self, offset_s: FloatArray) -> PlatformMotion:
        if self.platform is None:
            raise ValueError("this area has no platform")
        return self.platform.motion(offset_s)

    def _platform_sight(self, offset_s: FloatArray, terminals: Terminals) -> PlatformSight:
        if self.platform is None:
            raise ValueError("this area has no platform")
        beams = platform_beams(self.platform.platform, self.area.cell_radius_m)
        motion = self.platform.motion(offset_s)
        return platform_sight(motion, terminals, self.area.centre_m, beams)


def look_of(satellite: Ephemeris, site: Site) -> Look:
    """A satellite as a motionless site sees it, [T]."""
    return look_at(satellite.position_m, satellite.velocity_m_s, site.terminals())


def _ephemeris(motion: PlatformMotion) -> Ephemeris:
    return Ephemeris(motion.offset_s, motion.position_m, motion.velocity_m_s)


Rows = TypeVar("Rows", Look, LinkGeometry)


def _merged(chosen: BoolArray, yes: Rows, no: Rows) -> Rows:
    """Rows [T, ...] of one where it is chosen [T], of the other elsewhere."""
    return type(no)(
        **{
            item.name: np.where(
                chosen.reshape(-1, *(1,) * (getattr(no, item.name).ndim - 1)),
                getattr(yes, item.name),
                getattr(no, item.name),
            )
            for item in fields(no)
        }
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
