"""Which way an antenna looks: angles off its axis are taken at the antenna, in its own frame.

A frame is an array [..., 3, 3] whose rows are the unit vectors of its axes in the outer frame:
x forward, y right, z along the boresight of a panel that looks down. Directions in the frame are
unit vectors [..., 3]; their first two components are the direction cosines (u, v).
"""

from typing import Any

import numpy as np

from radio_math.link import Floats

_NEXT, _AFTER = [1, 2, 0], [2, 0, 1]


def local_orbital_axes(position_m: Floats, inertial_velocity_m_s: Floats) -> Floats:
    """Local-vertical local-horizontal frame [..., 3, 3] of a satellite.

    z points to the centre of the earth (geocentric nadir), y against the orbit's normal, x
    completes the right-handed frame, forward.

    Args:
        position_m: [..., 3] from the centre of the earth.
        inertial_velocity_m_s: [..., 3] in the same axes, seen by somebody who does not turn with
            the earth: with the earth-fixed velocity the frame would be yawed by up to 4 degrees.

    Source: Wertz 1978 2.2.
    Not modelled: the ellipsoid: its normal is up to 0.19 degrees off the geocentric nadir.
    """
    nadir = -_unit(position_m)
    right = _unit(_cross(inertial_velocity_m_s, position_m))
    return np.stack((_cross(right, nadir), right, nadir), axis=-2)


def turned(axes: Floats, roll_deg: Any, pitch_deg: Any, yaw_deg: Any) -> Floats:
    """The frame [..., 3, 3] after yaw about z, then pitch about y, then roll about x.

    Positive angles follow the right hand: pitch lifts x away from z, roll turns z towards -y, yaw
    turns x towards y. Angles [...] [deg].

    Source: Wertz 1978 appendix E.
    Not modelled: flexing between the body and the antenna.
    """
    roll, pitch, yaw = np.broadcast_arrays(
        np.radians(roll_deg), np.radians(pitch_deg), np.radians(yaw_deg)
    )
    cr, sr, cp, sp, cy, sy = (
        np.cos(roll),
        np.sin(roll),
        np.cos(pitch),
        np.sin(pitch),
        np.cos(yaw),
        np.sin(yaw),
    )
    rotation = np.stack(
        (
            np.stack((cp * cy, cp * sy, -sp), axis=-1),
            np.stack((sr * sp * cy - cr * sy, sr * sp * sy + cr * cy, sr * cp), axis=-1),
            np.stack((cr * sp * cy + sr * sy, cr * sp * sy - sr * cy, cr * cp), axis=-1),
        ),
        axis=-2,
    )
    return np.asarray(rotation @ axes)


def seen_from(axes: Floats, position_m: Floats, target_m: Floats) -> Floats:
    """Directions [..., P, 3] of P targets in the frame of the antenna.

    Args:
        axes: [..., 3, 3] frame.
        position_m: [..., 3] where the antenna is.
        target_m: [..., P, 3] targets, same outer axes.

    Source: Wertz 1978 2.2.
    Not modelled: light time (aberration of some 5 arc seconds), refraction.
    """
    sight = _unit(target_m - position_m[..., None, :])
    return np.asarray(sight @ np.swapaxes(axes, -1, -2))


def off_axis_deg(direction: Floats) -> Floats:
    """Angle from boresight [...] [deg], from directions [..., 3] in the antenna's frame.

    atan2(|cross|, dot) with the boresight z: exact for small angles, where acos(dot) is off by
    0.008 degrees for an error of 1e-8 and NaN when rounding lifts the product above 1.

    Source: TR 38.811 6.4.1.
    Not modelled: nothing, it is exact for any direction.
    """
    return np.asarray(
        np.degrees(np.arctan2(np.hypot(direction[..., 0], direction[..., 1]), direction[..., 2]))
    )


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.sqrt(np.vecdot(vector, vector))[..., None])


def _cross(first: Floats, second: Floats) -> Floats:
    # As np.cross, which spends ten times as long on its arguments as on a few vectors.
    return np.asarray(
        first[..., _NEXT] * second[..., _AFTER] - first[..., _AFTER] * second[..., _NEXT]
    )
