"""Losses and noise of a radio link."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SPEED_OF_LIGHT_MPS = 299_792_458.0
BOLTZMANN_J_PER_K = 1.380649e-23
EARTH_RADIUS_M = 6_371_000.0


def free_space_loss_db(distance_m: Any, frequency_hz: float) -> Floats:
    """Free-space path loss 20 log10(4 pi d f / c) [dB].

    Source: TR 38.811 eq. 6.6-2.
    Not modelled: the 0.002 dB by which the rounded constant of the TR is above it.
    """
    distance = np.asarray(distance_m, dtype=np.float64)
    return np.asarray(20 * np.log10(4 * np.pi * distance * frequency_hz / SPEED_OF_LIGHT_MPS))


def slant_range_m(altitude_m: Any, elevation_deg: Any) -> Floats:
    """Distance from a ground station to a satellite [m] over a spherical earth.

    sqrt(R^2 sin^2 el + h^2 + 2 h R) - R sin el, with R = 6371 km.

    Source: TR 38.811 eq. 6.6-3.
    Not modelled: the ellipsoid (`ran_sim.orbit` has it), refraction.
    """
    up = EARTH_RADIUS_M * np.sin(np.radians(elevation_deg))
    altitude = np.asarray(altitude_m, dtype=np.float64)
    return np.asarray(np.sqrt(up**2 + altitude**2 + 2 * altitude * EARTH_RADIUS_M) - up)


def air_mass(elevation_deg: Any) -> Floats:
    """Path through a flat atmosphere over the zenith path, 1/sin(el).

    Elevations below 5 degrees count as 5: the flat atmosphere diverges there.

    Source: ITU-R P.676-12 Annex 2.
    Not modelled: curvature of the layers.
    """
    return np.asarray(1 / np.sin(np.radians(np.maximum(elevation_deg, 5.0))))


def noise_power_w(temperature_k: float, bandwidth_hz: float) -> float:
    """Thermal noise power k T B [W]. Source: TR 38.821 6.1.3.1. Not modelled: quantum effects."""
    return BOLTZMANN_J_PER_K * temperature_k * bandwidth_hz


def from_db(value_db: Any) -> Floats:
    """Linear power ratio of a value in dB."""
    return np.asarray(10 ** (np.asarray(value_db, dtype=np.float64) / 10))


def to_db(ratio: Any) -> Floats:
    """Decibels of a linear power ratio."""
    return np.asarray(10 * np.log10(np.asarray(ratio, dtype=np.float64)))
