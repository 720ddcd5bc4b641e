"""How a satellite looks from a terminal: angles, range, range rate and Doppler."""

from dataclasses import dataclass

import numpy as np

from radio_math.doppler import doppler_shift_hz
from ran_sim.orbit.frames import EARTH_ROTATION_RAD_S, FloatArray
from ran_sim.orbit.geodesy import SEMI_MAJOR_AXIS_M

_GRAVITATIONAL_PARAMETER_M3_S2 = 3.986004418e14
_J2 = 1.08262668e-3


@dataclass(frozen=True)
class Look:
    """A satellite seen from terminals. All arrays [...].

    Attributes:
        elevation_deg: above the WGS84 horizon; negative below it.
        azimuth_deg: from north over east, [0, 360).
        range_m: slant range.
        range_rate_m_s: negative while the satellite approaches.
        range_acceleration_m_s2: derivative of the range rate.
    """

    elevation_deg: FloatArray
    azimuth_deg: FloatArray
    range_m: FloatArray
    range_rate_m_s: FloatArray
    range_acceleration_m_s2: FloatArray

    def doppler_hz(self, carrier_frequency_hz: float) -> FloatArray:
        """Doppler shift [...] `-f/c d(range)/dt` in Hz: positive while the satellite approaches.

        Source: TR 38.811 6.7.1.
        Not modelled: terms of second order in v/c (below 1e-9 of the carrier, 10 Hz at 20 GHz).
        """
        return doppler_shift_hz(self.range_rate_m_s, carrier_frequency_hz)

    def doppler_rate_hz_s(self, carrier_frequency_hz: float) -> FloatArray:
        """Rate of the Doppler shift [...] `-f/c d²(range)/dt²` in Hz/s.

        Negative throughout a pass over a fixed point.

        Source: TR 38.811 6.7.1.
        Not modelled: what `look_at` leaves out of the acceleration.
        """
        return doppler_shift_hz(self.range_acceleration_m_s2, carrier_frequency_hz)


@dataclass(frozen=True)
class Terminals:
    """Where terminals are and how they move, Earth-fixed, with their local axes.

    Attributes:
        position_m: [..., 3] ECEF.
        velocity_m_s: [..., 3] ECEF.
        east, north, up: [..., 3] unit vectors of the local horizon.
    """

    position_m: FloatArray
    velocity_m_s: FloatArray
    east: FloatArray
    north: FloatArray
    up: FloatArray


def look_at(
    satellite_position_m: FloatArray, satellite_velocity_m_s: FloatArray, terminals: Terminals
) -> Look:
    """The satellite [..., 3] seen from the terminals, broadcast against each other.

    With line of sight `d`, relative velocity `v` and relative acceleration `a`:
    `range' = v·d/|d|` and `range'' = (|v|² - range'²)/|d| + a·d/|d|`.

    Source: Vallado 2013 4.4.
    Not modelled: light time, refraction, acceleration of the terminals, drag and harmonics above
    J2 in the acceleration (below 0.02 % of the Doppler rate).
    """
    # Component by component: arrays that lie in one piece are several times as fast.
    sight = _difference(satellite_position_m, terminals.position_m)
    velocity = _difference(satellite_velocity_m_s, terminals.velocity_m_s)
    range_m = np.sqrt(_dot(sight, sight))
    range_rate = _dot(velocity, sight) / range_m
    acceleration = _parts(earth_fixed_acceleration(satellite_position_m, satellite_velocity_m_s))
    east, north, up = (
        _dot(_parts(axis), sight) for axis in (terminals.east, terminals.north, terminals.up)
    )
    return Look(
        elevation_deg=np.degrees(np.arctan2(up, np.sqrt(east * east + north * north))),
        # Twice: a tiny negative angle becomes exactly 360 the first time.
        azimuth_deg=np.degrees(np.arctan2(east, north)) % 360.0 % 360.0,
        range_m=range_m,
        range_rate_m_s=range_rate,
        range_acceleration_m_s2=(
            (_dot(velocity, velocity) - range_rate * range_rate + _dot(acceleration, sight))
            / range_m
        ),
    )


def earth_fixed_acceleration(position_m: FloatArray, velocity_m_s: FloatArray) -> FloatArray:
    """Acceleration [..., 3] in m/s² of a satellite in the turning frame.

    Gravity with the J2 term, minus 2 omega x v and omega x (omega x r).

    Source: Vallado 2013 8.7.
    Not modelled: harmonics above J2, drag, the Sun and the Moon.
    """
    x, y, z = _parts(position_m)
    speed_x, speed_y, _ = _parts(velocity_m_s)
    squared = x * x + y * y + z * z
    scale = 1.5 * _J2 * SEMI_MAJOR_AXIS_M**2 / squared
    ratio = 5 * z * z / squared
    gravity = -_GRAVITATIONAL_PARAMETER_M3_S2 / (squared * np.sqrt(squared))
    equatorial = gravity * (1 + scale * (1 - ratio)) + EARTH_ROTATION_RAD_S**2
    turning = 2 * EARTH_ROTATION_RAD_S
    found = np.empty(position_m.shape)
    found[..., 0] = x * equatorial + turning * speed_y
    found[..., 1] = y * equatorial - turning * speed_x
    found[..., 2] = z * gravity * (1 + scale * (3 - ratio))
    return found


_Vector = tuple[FloatArray, FloatArray, FloatArray]


def _parts(vector: FloatArray) -> _Vector:
    return vector[..., 0], vector[..., 1], vector[..., 2]


def _difference(a: FloatArray, b: FloatArray) -> _Vector:
    x, y, z = (p - q for p, q in zip(_parts(a), _parts(b), strict=True))
    return x, y, z


def _dot(a: _Vector, b: _Vector) -> FloatArray:
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])
