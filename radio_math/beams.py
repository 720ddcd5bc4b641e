"""Receive spot beams of the satellite over earth-fixed cells."""

from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import j1

from radio_math.link import Floats, from_db

CELL_RADIUS_M = 150e3
CELL_SPACING_M = 260e3
REFERENCE_ALTITUDE_M = 600e3
REFERENCE_GAIN_DB = 16.0
_HALF_POWER_ARGUMENT = 1.61633995  # x where (2 J1(x) / x)^2 = 1/2


class BeamShaping(StrEnum):
    """How the width of a beam follows the geometry.

    FIXED keeps one aperture: half power at the cell edge for a cell at the nadir of the 600 km
    reference orbit, peak gain 16 dB for every beam.
    ADAPTIVE shapes every beam to its earth-fixed cell as the satellite sees it: half power at the
    cell edge in each direction, narrower with distance and foreshortened at low elevation, the
    peak gain growing as the solid angle shrinks. A 64 x 64 array (beams of 1.6 degrees) has the
    aperture for it down to about 10 degrees elevation.
    """

    FIXED = "fixed"
    ADAPTIVE = "adaptive"


def pattern_amplitude(argument: Any) -> Floats:
    """Signed amplitude 2 J1(x) / x of a circular aperture, 1 at x = 0.

    Source: TR 38.811 6.4.1. Not modelled: a taper over the aperture, what lies behind it.
    """
    x = np.maximum(np.abs(np.asarray(argument, dtype=np.float64)), 1e-9)
    return np.asarray(2 * j1(x) / x)


def hexagonal_cells(rows: int = 2, columns: int = 4, spacing_m: float = CELL_SPACING_M) -> Floats:
    """Centres of a hexagonal layout, [rows * columns, 2] east and north offsets [m], centred."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    east = (column + 0.5 * (row % 2)) * spacing_m
    north = row * spacing_m * np.sqrt(3) / 2
    offsets = np.stack([east, north], axis=-1)
    return np.asarray(offsets - offsets.mean(axis=0))


def points_in_cell(count: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Points uniform in a hexagonal cell of 150 km radius, [*count, 2] offsets [m]."""
    # Three rhombi make the hexagon: a uniform pair in one of them, turned by 0, 120 or 240 degrees.
    first, second = rng.random(count), rng.random(count)
    turn = rng.integers(0, 3, count) * (2 * np.pi / 3)
    # A vertex points north (the layout's cells are wide 260 km from east to west).
    start, end = np.pi / 2 + turn, np.pi / 2 + turn + 2 * np.pi / 3
    east = CELL_RADIUS_M * (first * np.cos(start) + second * np.cos(end))
    north = CELL_RADIUS_M * (first * np.sin(start) + second * np.sin(end))
    return np.stack([east, north], axis=-1)


def beam_amplitudes(
    satellite_m: Floats,
    esim_m: Floats,
    centre_m: Floats,
    shaping: BeamShaping,
    relative_width: float = 1.0,
) -> tuple[Floats, Floats]:
    """Signed amplitude of every ESIM in every beam, and the gain it is relative to.

    Args:
        satellite_m: [..., 3] position of the satellite, origin at the centre of the earth.
        esim_m: [..., U, 3] positions of the ESIMs in the same axes.
        centre_m: [..., B, 3] cell centres in the same axes.
        shaping: how beam widths follow the geometry.
        relative_width: of all beams to those of `shaping`, as another aperture has them; the peak
            gain goes with its inverse square.

    Returns:
        [..., U, B] amplitudes, 1 at the peak of a beam of mean gain; and [...] that mean gain [dB].

    The amplitude is 2 J1(x) / x with x = 1.616 sin(theta) / sin(theta_3dB), theta from the axis of
    the beam.

    Source: TR 38.811 6.4.1.
    Not modelled: how an array makes such a beam (`radio_math.panels` does), elements' side lobes.
    """
    axis = centre_m - satellite_m[..., None, :]  # [..., B, 3] each beam looks at its cell centre
    target = (esim_m - satellite_m[..., None, :])[..., :, None, :]  # [..., U, 1, 3]
    sine = sine_between(target, axis[..., None, :, :])  # [..., U, B]
    if shaping is BeamShaping.FIXED:
        half_power_sine = np.sin(np.arctan(CELL_RADIUS_M / REFERENCE_ALTITUDE_M))
        gain_db = np.full(axis.shape[:-1], REFERENCE_GAIN_DB)
        argument = _HALF_POWER_ARGUMENT * sine / half_power_sine
    else:
        offset = esim_m[..., :, None, :] - centre_m[..., None, :, :]  # [..., U, B, 3]
        length = np.maximum(np.sqrt(np.einsum("...i,...i->...", offset, offset)), 1.0)
        edge = axis[..., None, :, :] + offset * (CELL_RADIUS_M / length)[..., None]
        half_power_sine = np.maximum(sine_between(edge, axis[..., None, :, :]), 1e-6)
        distance = np.linalg.norm(axis, axis=-1)
        up = centre_m / np.linalg.norm(centre_m, axis=-1, keepdims=True)
        elevation_sine = -np.sum(axis * up, axis=-1) / distance
        solid_angle = (REFERENCE_ALTITUDE_M / distance) ** 2 * np.maximum(elevation_sine, 0.05)
        gain_db = REFERENCE_GAIN_DB - 10 * np.log10(solid_angle)  # [..., B]
        argument = _HALF_POWER_ARGUMENT * sine / half_power_sine
    amplitude = pattern_amplitude(argument / relative_width)
    mean_gain_db = gain_db.mean(axis=-1) - 20 * np.log10(relative_width)
    relative = np.sqrt(from_db(gain_db - gain_db.mean(axis=-1, keepdims=True)))
    return np.asarray(amplitude * relative[..., None, :]), np.asarray(mean_gain_db)


def sine_between(first: Floats, second: Floats) -> Floats:
    """Sine of the angle between vectors [..., 3], |a x b| / |(a x b, a.b)|, exact when small.

    Written out by components: [..., 3] arrays with a last axis of three are slow to sum over.
    """
    ax, ay, az = np.moveaxis(first, -1, 0)
    bx, by, bz = np.moveaxis(second, -1, 0)
    cross = (ay * bz - az * by) ** 2 + (az * bx - ax * bz) ** 2 + (ax * by - ay * bx) ** 2
    dot = ax * bx + ay * by + az * bz
    return np.asarray(np.sqrt(cross / (cross + dot**2)))
