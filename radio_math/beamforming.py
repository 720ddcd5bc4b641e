"""The one-parameter family of secure beamformers and what each member achieves.

    w(mu) ~ (I + mu F F^H)^-1 h,   |w| = 1

mu -> 0 is maximum ratio transmission, mu -> infinity nulls the eavesdroppers; in between lies the
Pareto frontier of gain |h^H w|^2 against leakage |F^H w|^2, so one real number stands for the
complex weights of a terminal without loss.
"""

from typing import Any

import numpy as np

from radio_math.arrays import Complexes
from radio_math.context import GRID_POINTS
from radio_math.link import Floats, from_db

MU_MIN_DB = -30.0
MU_MAX_DB = 60.0


def mu_grid(points: int = GRID_POINTS) -> Floats:
    """Leakage prices mu at the points of the beamformer grid, [points], linear [W]."""
    return from_db(np.linspace(MU_MIN_DB, MU_MAX_DB, points))


def beamformer_family(channel: Complexes, leakage_factors: Complexes, mu: Any) -> Complexes:
    """Unit-norm beamformers w(mu), [..., S, N].

    Args:
        channel: [..., N] channel h to the satellite as reported.
        leakage_factors: [..., N, C] columns f_c such that leakage per watt is sum |f_c^H w|^2.
        mu: [S] leakage prices, linear.

    The inverse is taken in the C-dimensional space of the leakage factors (Woodbury) from one
    eigendecomposition that serves every mu.
    """
    adjoint = np.conj(np.swapaxes(leakage_factors, -1, -2))
    eigenvalue, eigenvector = np.linalg.eigh(adjoint @ leakage_factors)  # [..., C], [..., C, C]
    seen = adjoint @ channel[..., None]
    coordinates = (np.conj(np.swapaxes(eigenvector, -1, -2)) @ seen)[..., 0]  # [..., C]
    price = np.asarray(mu, dtype=np.float64)
    eigenvalue = np.maximum(eigenvalue, 0.0)
    shrink = price[:, None] / (1 + price[:, None] * eigenvalue[..., None, :])  # [..., S, C]
    basis = leakage_factors @ eigenvector  # [..., N, C]
    removed = (shrink * coordinates[..., None, :]) @ np.swapaxes(basis, -1, -2)
    weights = channel[..., None, :] - removed
    return np.asarray(weights / np.linalg.norm(weights, axis=-1, keepdims=True))


def channel_gain(channel: Complexes, weights: Complexes) -> Floats:
    """|h^H w|^2, [..., S], for channels [..., N] and weights [..., S, N]."""
    return np.abs((weights @ np.conj(channel)[..., None])[..., 0]) ** 2


def leakage_gain(leakage_factors: Complexes, weights: Complexes) -> Floats:
    """|F^H w|^2, [..., S], for leakage factors [..., N, C] and weights [..., S, N]."""
    return np.asarray(np.sum(np.abs(weights @ np.conj(leakage_factors)) ** 2, axis=-1))
