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
    horizontal plane, rows east, columns north. The squared norm is side^2.
    Not modelled: tilt of the vehicle, mutual coupling, beam squint.
    """
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    east = np.cos(elevation) * np.sin(azimuth)
    north = np.cos(elevation) * np.cos(azimuth)
    order = np.pi * np.arange(side)
    rows = np.exp(1j * order * east[..., None])
    columns = np.exp(1j * order * north[..., None])
    product = rows[..., :, None] * columns[..., None, :]
    return np.asarray(product.reshape(*product.shape[:-2], side * side))


def element_gain(elevation_deg: Any) -> Floats:
    """Power gain of one element, linear: 5 dBi + 15 log10 sin(el), at least -10 dBi."""
    sine = np.sin(np.radians(np.maximum(elevation_deg, 1e-3)))
    return from_db(np.maximum(ELEMENT_PEAK_DBI + 15 * np.log10(sine), ELEMENT_FLOOR_DBI))
