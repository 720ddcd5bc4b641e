"""From SGP4's inertial frame to the rotating Earth.

Vectors have shape [..., 3]; times are Julian dates split in two (`jd` whole or half days, `fr` the
rest), because one float64 resolves only 4e-5 s of a Julian date, which ruins Doppler.
"""

import datetime as dt

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

EARTH_ROTATION_RAD_S = 7.292115146706979e-5
"""Rotation rate of the Earth in rad/s (Vallado et al. 2006, the value that goes with SGP4)."""

_J2000_JD = 2451545.0
_SECONDS_PER_DAY = 86400.0
_DAYS_PER_CENTURY = 36525.0
_UNIX_EPOCH_JD = 2440587.5
_UNIX_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def julian_date(start: dt.datetime, offset_s: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Split Julian date (UTC) of `start` plus seconds, each of the shape of `offset_s`.

    Raises:
        TypeError: `start` has no time zone.

    Source: Vallado 2013 3.5.
    Not modelled: the 86401st second of a day that ends with a leap second.
    """
    since = start - _UNIX_EPOCH
    offset = np.asarray(offset_s, dtype=np.float64)
    seconds = since.seconds + since.microseconds * 1e-6 + offset
    whole = np.floor(seconds / _SECONDS_PER_DAY)
    jd = _UNIX_EPOCH_JD + since.days + whole
    return jd, (seconds - whole * _SECONDS_PER_DAY) / _SECONDS_PER_DAY


def utc_of(jd: float, fr: float) -> dt.datetime:
    """The UTC of a split Julian date, to the microsecond."""
    return (
        _UNIX_EPOCH + dt.timedelta(days=float(jd) - _UNIX_EPOCH_JD) + dt.timedelta(days=float(fr))
    )


def sidereal_angle_rad(
    jd: FloatArray, fr: FloatArray, dut1_s: FloatArray | float = 0.0
) -> FloatArray:
    """Greenwich mean sidereal time of the 1982 model in radians, shape of `jd`.

    Args:
        jd: Julian date UTC, whole part [day].
        fr: Julian date UTC, fraction [day].
        dut1_s: UT1 - UTC [s], from `earth_rotation`. Leaving out the real value (under 0.9 s by
            definition, under 0.1 s since 2022) turns the Earth by 15 arc seconds a second: at most
            47 m and 50 mm/s (3 Hz at 20 GHz) for 0.1 s.

    Source: Aoki 1982; Vallado 2006 appendix C.
    Not modelled: nutation, which SGP4's own frame has no part in.
    """
    centuries = ((jd - _J2000_JD) + fr + dut1_s / _SECONDS_PER_DAY) / _DAYS_PER_CENTURY
    seconds = (
        67310.54841
        + (876600.0 * 3600.0 + 8640184.812866) * centuries
        + 0.093104 * centuries**2
        - 6.2e-6 * centuries**3
    )
    return np.asarray((seconds % _SECONDS_PER_DAY) / _SECONDS_PER_DAY * 2 * np.pi)


def teme_to_ecef(
    position_m: FloatArray, velocity_m_s: FloatArray, sidereal_rad: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Position and velocity in the Earth-fixed frame, each [..., 3].

    The velocity is the one seen by somebody who turns with the Earth:
    `v_ecef = R3(GMST) v_teme - omega x r_ecef`. Without the second term Doppler is wrong by up to
    30 kHz at 20 GHz.

    Source: Vallado 2006 appendix C.
    Not modelled: polar motion (some 15 m on a low orbit) and the equation of the equinoxes' terms
    of 1994 (1 m).
    """
    cos, sin = np.cos(sidereal_rad), np.sin(sidereal_rad)
    position = _rotate_about_z(position_m, cos, sin)
    velocity = _rotate_about_z(velocity_m_s, cos, sin)
    velocity[..., 0] += EARTH_ROTATION_RAD_S * position[..., 1]
    velocity[..., 1] -= EARTH_ROTATION_RAD_S * position[..., 0]
    return position, velocity


def rotation_velocity(position_m: FloatArray) -> FloatArray:
    """Velocity omega x r in m/s with which the turning Earth carries a point, [..., 3].

    Source: Vallado 2013 3.7.
    Not modelled: changes of the length of the day (1e-8 of it).
    """
    turned = np.stack(
        (-position_m[..., 1], position_m[..., 0], np.zeros_like(position_m[..., 2])), axis=-1
    )
    return EARTH_ROTATION_RAD_S * turned


def _rotate_about_z(vector: FloatArray, cos: FloatArray, sin: FloatArray) -> FloatArray:
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    return np.stack(np.broadcast_arrays(cos * x + sin * y, cos * y - sin * x, z), axis=-1)
