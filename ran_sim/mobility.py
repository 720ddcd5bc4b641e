"""The ESIMs: vehicles on a random-waypoint walk, each within its home cell."""

from dataclasses import dataclass

import numpy as np

from radio_math.beams import CELL_RADIUS_M, points_in_cell
from ran_sim.orbit.frames import FloatArray

MIN_SPEED_KM_H = 70.0
MAX_SPEED_KM_H = 120.0

_M_S_PER_KM_H = 1 / 3.6


@dataclass(frozen=True)
class Track:
    """One vehicle's way over T instants in the tangent plane of its cell.

    Attributes:
        position_m: [T, 2] east and north of the cell's centre.
        velocity_m_s: [T, 2] east and north.
    """

    position_m: FloatArray
    velocity_m_s: FloatArray


def random_waypoint_track(
    offset_s: FloatArray, rng: np.random.Generator, cell_radius_m: float = CELL_RADIUS_M
) -> Track:
    """A track over the given [T] offsets, uniform in the hexagonal cell at offset 0.

    Each leg goes straight to a point drawn uniformly in the cell, at a speed drawn uniformly from
    70 to 120 km/h. Offsets before 0 continue the first leg backwards.

    Source: Johnson 1996.
    Not modelled: roads, pauses, acceleration; the walk's long-run density is not uniform (it
    gathers in the middle), which a pass of some minutes cannot show.
    """
    end_s = float(offset_s[-1])
    scale = cell_radius_m / CELL_RADIUS_M
    corners = [scale * points_in_cell((), rng)]
    corner_s = [0.0]
    while corner_s[-1] <= end_s:
        corner = scale * points_in_cell((), rng)
        speed_m_s = rng.uniform(MIN_SPEED_KM_H, MAX_SPEED_KM_H) * _M_S_PER_KM_H
        corner_s.append(corner_s[-1] + float(np.hypot(*(corner - corners[-1]))) / speed_m_s)
        corners.append(corner)
    start_s = np.array(corner_s)
    velocity = np.diff(np.array(corners), axis=0) / np.diff(start_s)[:, None]
    leg = np.clip(np.searchsorted(start_s, offset_s, side="right") - 1, 0, len(velocity) - 1)
    position = np.array(corners)[leg] + velocity[leg] * (offset_s - start_s[leg])[:, None]
    return Track(position, velocity[leg])
