"""High-altitude platforms: an access layer 8 to 50 km up, beside the satellites.

A platform is no low satellite. It keeps its station instead of orbiting, so its Doppler is that of
its wander alone (below 0.4 Hz per MHz of carrier at 100 m/s); its delay is tens of microseconds; it
flies below the ionosphere, so nothing scintillates there; and wind shakes its antenna, which moves
the footprints of beams that do not know of it.

Wander and jitter are sums of sinusoids drawn once from a seed: smooth, bounded for certain, with an
exact velocity, and the same at an instant however the instants are sampled.

Axes: T instants, U ESIMs, B beams. Positions and velocities are Earth-fixed (ECEF).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from nf_runtime.errors import InvalidArgument
from radio_math.attitude import turned
from radio_math.beams import CELL_RADIUS_M, CELL_SPACING_M, hexagonal_cells
from radio_math.channel import LinkGeometry
from radio_math.link import SPEED_OF_LIGHT_MPS
from radio_math.panels import Panel
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import displaced, ecef_position, local_axes
from ran_sim.orbit.look import Look, Terminals, look_at
from ran_sim.spot_beams import Attitude, Coverage, PanelBeams, SpotBeams, Steering

MIN_ALTITUDE_M = 8e3
MAX_ALTITUDE_M = 50e3
MAX_WANDER_M = 20e3
MAX_JITTER_DEG = 20.0

# Tones of a wander or jitter: their periods spread over this range above the shortest.
_TONES = 5
_PERIOD_SPREAD = 5.0


@dataclass(frozen=True)
class Platform:
    """A platform that keeps its station.

    Attributes:
        name: of the platform.
        latitude_deg: of its station, WGS84.
        longitude_deg: of its station.
        altitude_m: of its station above the ellipsoid, 8 to 50 km.
        wander_radius_m: it never leaves a circle of this radius round its station.
        wander_height_m: nor this height above or below it.
        wander_period_s: shortest period of the wander; with the radius it bounds the speed.
        jitter_deg: roll, pitch and yaw each stay within this.
        jitter_period_s: shortest period of the jitter.

    Source: TR 38.811 table 4.1-1, 6.10.
    Not modelled: station changes, day and night cycles of altitude, the payload's own
    stabilisation (give the jitter that is left).
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 20e3
    wander_radius_m: float = 500.0
    wander_height_m: float = 50.0
    wander_period_s: float = 120.0
    jitter_deg: float = 0.5
    jitter_period_s: float = 4.0

    crosses_ionosphere: ClassVar[bool] = False
    """Whether the path to the ground does; it begins above any platform."""

    def __post_init__(self) -> None:
        _check("latitude_deg", self.latitude_deg, -90, 90)
        _check("longitude_deg", self.longitude_deg, -180, 180)
        _check("altitude_m", self.altitude_m, MIN_ALTITUDE_M, MAX_ALTITUDE_M)
        _check("wander_radius_m", self.wander_radius_m, 0, MAX_WANDER_M)
        _check("wander_height_m", self.wander_height_m, 0, MAX_WANDER_M)
        _check("wander_period_s", self.wander_period_s, 10, 86_400)
        _check("jitter_deg", self.jitter_deg, 0, MAX_JITTER_DEG)
        _check("jitter_period_s", self.jitter_period_s, 0.1, 3_600)

    @property
    def largest_speed_m_s(self) -> float:
        """Bound of its speed: every tone at the shortest period, all axes at once [m/s]."""
        return float(
            np.hypot(self.wander_radius_m, self.wander_height_m) * 2 * np.pi / self.wander_period_s
        )


@dataclass(frozen=True)
class PlatformMotion:
    """Where a platform is at T instants and how it holds its antenna.

    Attributes:
        offset_s: [T] seconds after the start.
        position_m: [T, 3].
        velocity_m_s: [T, 3] relative to the turning Earth.
        acceleration_m_s2: [T, 3] likewise.
        attitude: commanded level, x to the north and z down; actual with the jitter, [T, 3, 3].
    """

    offset_s: FloatArray
    position_m: FloatArray
    velocity_m_s: FloatArray
    acceleration_m_s2: FloatArray
    attitude: Attitude


@dataclass(frozen=True)
class _Tones:
    """Sums of sinusoids: three components that each stay within a bound."""

    amplitude: FloatArray  # [3, K], the sum of a row is its bound
    rate_rad_s: FloatArray  # [3, K]
    phase_rad: FloatArray  # [3, K]

    @classmethod
    def drawn(cls, bound: FloatArray, shortest_s: float, rng: np.random.Generator) -> "_Tones":
        share = rng.uniform(0.5, 1.5, (3, _TONES))
        period_s = shortest_s * _PERIOD_SPREAD ** rng.random((3, _TONES))
        return cls(
            amplitude=bound[:, None] * share / share.sum(axis=1, keepdims=True),
            rate_rad_s=2 * np.pi / period_s,
            phase_rad=rng.uniform(0, 2 * np.pi, (3, _TONES)),
        )

    def at(self, offset_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, first and second derivative, each [T, 3]."""
        angle = self.rate_rad_s * offset_s[:, None, None] + self.phase_rad
        sine, cosine = self.amplitude * np.sin(angle), self.amplitude * np.cos(angle)
        return (
            sine.sum(axis=-1),
            (self.rate_rad_s * cosine).sum(axis=-1),
            -(self.rate_rad_s**2 * sine).sum(axis=-1),
        )


@dataclass(frozen=True)
class StationKeeping:
    """How one platform wanders and shakes in one run; drawn once, asked for any instants."""

    platform: Platform
    wander: _Tones
    jitter: _Tones

    @classmethod
    def drawn(cls, platform: Platform, rng: np.random.Generator) -> "StationKeeping":
        """The station keeping of a run, from its generator."""
        # Either axis within radius / sqrt 2 keeps the platform in its circle.
        along = platform.wander_radius_m / np.sqrt(2)
        wander = np.array([along, along, platform.wander_height_m])
        jitter = np.full(3, platform.jitter_deg)
        return cls(
            platform=platform,
            wander=_Tones.drawn(wander, platform.wander_period_s, rng),
            jitter=_Tones.drawn(jitter, platform.jitter_period_s, rng),
        )

    def motion(self, offset_s: FloatArray) -> PlatformMotion:
        """Motion and attitude at [T] offsets from the start of the run.

        Each axis is a sum of sinusoids a_k sin(w_k t + phi_k), with its exact derivatives.

        Source: TR 38.811 6.10. Not modelled: as `Platform`.
        """
        here = self.platform
        east, north, up = local_axes(here.latitude_deg, here.longitude_deg)
        axes = np.stack((east, north, up))
        moved, velocity, acceleration = (part @ axes for part in self.wander.at(offset_s))
        station = ecef_position(here.latitude_deg, here.longitude_deg, here.altitude_m)
        level = np.broadcast_to(np.stack((north, east, -up)), (len(offset_s), 3, 3))
        angle, _, _ = self.jitter.at(offset_s)
        return PlatformMotion(
            offset_s=offset_s,
            position_m=station + moved,
            velocity_m_s=velocity,
            acceleration_m_s2=acceleration,
            attitude=Attitude(level, turned(level, angle[:, 0], angle[:, 1], angle[:, 2])),
        )


@dataclass(frozen=True)
class PlatformSight:
    """A platform as the ESIMs see it: what a satellite gives them, from its own layer.

    Attributes:
        look: [T, U] angles, range, range rate; Doppler of the wander and the ESIMs alone.
        link: [T, U] and [T, U, B] the geometry that `radio_math.channel` takes.
        share: [T, U] see `ran_sim.spot_beams.BeamGains`.
    """

    look: Look
    link: LinkGeometry
    share: FloatArray

    @property
    def delay_s(self) -> FloatArray:
        """One-way delay [T, U]: slant range over the speed of light."""
        return self.look.range_m / SPEED_OF_LIGHT_MPS


def look_at_platform(motion: PlatformMotion, terminals: Terminals) -> Look:
    """The platform seen from terminals [T, U, 3] or [U, 3]; arrays [T, U].

    As `look_at` for a satellite, but with the platform's own acceleration: gravity does not bend
    its path.

    Source: TR 38.811 6.10.
    Not modelled: refraction, acceleration of the terminals.
    """
    position, velocity = motion.position_m[:, None, :], motion.velocity_m_s[:, None, :]
    look = look_at(position, velocity, terminals)
    unit = (position - terminals.position_m) / look.range_m[..., None]
    relative = velocity - terminals.velocity_m_s
    turning = (np.sum(relative**2, axis=-1) - look.range_rate_m_s**2) / look.range_m
    along = np.sum(motion.acceleration_m_s2[:, None, :] * unit, axis=-1)
    return replace(look, range_acceleration_m_s2=turning + along)


def platform_sight(
    motion: PlatformMotion, terminals: Terminals, cell_centre_m: FloatArray, beams: SpotBeams
) -> PlatformSight:
    """Look angles and link geometry of a platform's beams, ready for a handover from a satellite.

    Args:
        motion: of the platform at T instants.
        terminals: the ESIMs [T, U, 3].
        cell_centre_m: [B, 3] its cells, such as those of `platform_cells`.
        beams: how it covers them, such as `platform_beams`.

    Source: TR 38.811 6.10.
    Not modelled: what stands between the platform and the ESIM.
    """
    look = look_at_platform(motion, terminals)
    gains = beams.gains(
        motion.position_m,
        motion.velocity_m_s,
        np.broadcast_to(terminals.position_m, (*look.range_m.shape, 3)),
        cell_centre_m,
        motion.attitude,
    )
    return PlatformSight(look, gains.link(look), gains.share)


def platform_cells(platform: Platform, cell_radius_m: float) -> FloatArray:
    """Centres [B, 3] of eight hexagonal cells round the platform's nadir, on the ground."""
    offset = hexagonal_cells(spacing_m=CELL_SPACING_M * cell_radius_m / CELL_RADIUS_M)
    return ecef_position(
        *displaced(platform.latitude_deg, platform.longitude_deg, offset[:, 0], offset[:, 1])
    )


def platform_beams(
    platform: Platform, cell_radius_m: float, steering: Steering = Steering.EARTH_FIXED
) -> PanelBeams:
    """Widened beams of a 32 x 32 panel that looks down from the platform.

    Earth-moving beams keep their direction in the platform's frame. Neither kind knows of the
    jitter, so it moves the footprints of both, by altitude times the tangent of the angle.
    """
    return PanelBeams(
        coverage=Coverage.TAPERED,
        steering=steering,
        panel=Panel(32, 32),
        cell_radius_m=cell_radius_m,
        altitude_m=platform.altitude_m,
    )


def _check(field: str, value: float, lowest: float, highest: float) -> None:
    # Written so that NaN fails too.
    if not lowest <= value <= highest:
        raise InvalidArgument(
            f"{field} of the platform is {value:g}; use {lowest:g} to {highest:g}.",
            reason="INVALID_FIELD",
            field=field,
        )
