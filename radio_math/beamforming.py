"""The one-parameter family of secure beamformers and what each member achieves.

    w(mu) ~ (I + mu F F^H)^-1 h,   |w| = 1

mu -> 0 is maximum ratio transmission, mu -> infinity nulls the eavesdroppers; in between lies the
Pareto frontier of gain |h^H w|^2 against leakage |F^H w|^2, so one real number stands for the
complex weights of a terminal without loss.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from radio_math.arrays import Complexes
from radio_math.context import GRID_POINTS
from radio_math.link import Floats, from_db

MU_MIN_DB = -30.0
MU_MAX_DB = 60.0


def mu_grid(points: int = GRID_POINTS) -> Floats:
    """Leakage prices mu at the points of the beamformer grid, [points], linear [W].

    Evenly spaced in decibels from -30 to 60. Source: Khisti 2010 section III.
    Not modelled: a grid that follows the situation.
    """
    return from_db(np.linspace(MU_MIN_DB, MU_MAX_DB, points))


@dataclass(frozen=True)
class Beamformers:
    """Unit-norm beamformers of one terminal, all in the space that few vectors span.

    What they achieve follows from products with those vectors; the N weights are never needed.

    Attributes:
        basis: [..., N, 1 + C] the channel and the directions that are nulled.
        coordinates: [..., 1 + C, S] of each beamformer in it.
    """

    basis: Complexes
    coordinates: Complexes

    @property
    def weights(self) -> Complexes:
        """The weights themselves, [..., S, N]."""
        return np.swapaxes(self.basis @ self.coordinates, -1, -2)


def beamformer_family(channel: Complexes, leakage_factors: Complexes, mu: Any) -> Beamformers:
    """Unit-norm beamformers w(mu) for S prices.

    Args:
        channel: [..., N] channel h to the satellite as reported.
        leakage_factors: [..., N, C] columns f_c such that leakage per watt is sum |f_c^H w|^2.
        mu: [S] leakage prices, linear.

    The inverse is taken in the C-dimensional space of the leakage factors (Woodbury) from one
    eigendecomposition that serves every mu.

    Source: Khisti 2010 section III (signal and leakage as quadratic forms of one beamformer).
    Not modelled: a limit on the power of each element.
    """
    adjoint = np.conj(np.swapaxes(leakage_factors, -1, -2))
    eigenvalue, eigenvector = np.linalg.eigh(adjoint @ leakage_factors)  # [..., C], [..., C, C]
    seen = adjoint @ channel[..., None]
    projection = np.conj(np.swapaxes(eigenvector, -1, -2)) @ seen  # [..., C, 1]
    price = np.asarray(mu, dtype=np.float64)
    eigenvalue = np.maximum(eigenvalue, 0.0)[..., None]
    removed = -price / (1 + price * eigenvalue) * projection  # [..., C, S]
    basis = np.concatenate((channel[..., None], leakage_factors @ eigenvector), axis=-1)
    kept = np.ones((*removed.shape[:-2], 1, removed.shape[-1]))
    coordinates = np.concatenate((kept, removed), axis=-2)
    gram = np.conj(np.swapaxes(basis, -1, -2)) @ basis
    power = np.sum((np.conj(coordinates) * (gram @ coordinates)).real, axis=-2, keepdims=True)
    return Beamformers(basis, coordinates / np.sqrt(power))


def channel_gain(channel: Complexes, beamformers: Beamformers) -> Floats:
    """|h^H w|^2, [..., S], for channels [..., N], linear.

    Source: Khisti 2010 section III. Not modelled: as `beamformer_family`.
    """
    seen = np.conj(channel)[..., None, :] @ beamformers.basis @ beamformers.coordinates
    return np.abs(seen[..., 0, :]) ** 2


def leakage_gain(leakage_factors: Complexes, beamformers: Beamformers) -> Floats:
    """|F^H w|^2, [..., S], for leakage factors [..., N, C], linear.

    Source: Khisti 2010 section III. Not modelled: as `beamformer_family`.
    """
    adjoint = np.conj(np.swapaxes(leakage_factors, -1, -2))
    leaked = adjoint @ beamformers.basis @ beamformers.coordinates
    return np.asarray(np.sum(np.abs(leaked) ** 2, axis=-2))
