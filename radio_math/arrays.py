"""The terminal's antenna: a flat square array that looks at the zenith."""

from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.link import Floats, from_db

Complexes = npt.NDArray[np.complex128]

ARRAY_SIDE = 16
ELEMENT_PEAK_DBI = 5.0
ELEMENT_FLOOR_DBI = -10.0


def steering_vector(azimuth_deg: Any, elevation_deg: Any, side: int = ARRAY_SIDE) -> Complexes:
    """Response [..., side^2] of a side x side array, half a wavelength apart, to a far direction.

    Azimuth counts clockwise from north, elevation from the horizon; the array lies in the
    horizontal plane, rows east, columns north. The squared norm is side^2. The element in column m
    and row n has the phase pi cos(el) (m sin(az) + n cos(az)).

    Source: Balanis 2016 6.10.
    Not modelled: tilt of the vehicle, mutual coupling, beam squint.
    """
    rows, columns = _steering_factors(azimuth_deg, elevation_deg, side)
    product = rows[..., :, None] * columns[..., None, :]
    return np.asarray(product.reshape(*product.shape[:-2], side * side))


def superposition(
    coefficient: Any, azimuth_deg: Any, elevation_deg: Any, side: int = ARRAY_SIDE
) -> Complexes:
    """Response [..., side^2] to R rays at once: the sum of coefficient times steering vector.

    Arguments have shape [..., R]. The array is separable in rows and columns, so the sum is a
    product of two side x R matrices and no steering vector of a ray is ever written out.

    Source: Balanis 2016 6.10.
    Not modelled: as `steering_vector`.
    """
    rows, columns = _steering_factors(azimuth_deg, elevation_deg, side)
    weighted = rows * np.asarray(coefficient)[..., None]
    product = np.swapaxes(weighted, -1, -2) @ columns
    return np.asarray(product.reshape(*product.shape[:-2], side * side))


def _steering_factors(
    azimuth_deg: Any, elevation_deg: Any, side: int
) -> tuple[Complexes, Complexes]:
    """Phases along the rows and along the columns, each [..., side]."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    horizontal = np.pi * np.cos(elevation)
    phase = np.stack((horizontal * np.sin(azimuth), horizontal * np.cos(azimuth)))
    base = np.empty(phase.shape, dtype=np.complex128)
    base.real, base.imag = np.cos(phase), np.sin(phase)
    rows, columns = _powers(base, side)
    return rows, columns


def _powers(base: Complexes, count: int) -> Complexes:
    """Powers 0 to count - 1 on a new last axis: products cost a tenth of as many exponentials."""
    powers = np.empty((*base.shape, count), dtype=np.complex128)
    powers[..., 0] = 1.0
    known, step = 1, base
    while known < count:
        more = min(known, count - known)
        np.multiply(powers[..., :more], step[..., None], out=powers[..., known : known + more])
        known, step = known + more, step * step
    return powers


def element_gain(elevation_deg: Any) -> Floats:
    """Power gain [...] of one element, linear: 5 dBi + 15 log10 sin(el), at least -10 dBi.

    Source: Adam 2025 section 5 (a 16 x 16 array on a vehicle, the pattern is this project's).
    Not modelled: azimuth, coupling to the neighbours.
    """
    sine = np.sin(np.radians(np.maximum(elevation_deg, 1e-3)))
    return from_db(np.maximum(ELEMENT_PEAK_DBI + 15 * np.log10(sine), ELEMENT_FLOOR_DBI))
