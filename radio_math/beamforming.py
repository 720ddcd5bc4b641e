"""The path through the secure beamformers of a terminal, and what each of them achieves.

    w(mu, kappa) ~ (I + kappa R + mu F F^H)^-1 h,   |w| = 1

At kappa = 0, mu -> 0 is maximum ratio transmission and mu -> infinity nulls the eavesdroppers as
reported; in between lies the Pareto frontier of gain |h^H w|^2 against reported leakage |F^H w|^2,
so one real number stands for the complex weights of a terminal without loss.

A report is wrong, and then its nulls are beside the stations. R, the mean of f f^H over all the
stations that there may be, puts a price on what is radiated anywhere along the horizon. So the path
goes on from the last point of the frontier with kappa rising: less gain, hardly more said against
the reported stations, and far less leakage to where they really are. On what is reported, points
beyond the frontier are never better, so who takes reports at their word stays on the frontier.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from radio_math.arrays import Complexes
from radio_math.context import HORIZON_POINTS, REPORT_POINTS
from radio_math.ground_stations import StationPrior
from radio_math.link import Floats, from_db

MU_MIN_DB = -30.0
MU_MAX_DB = 60.0
KAPPA_MIN_DB = -24.0
KAPPA_MAX_DB = 12.0


def mu_grid(points: int = REPORT_POINTS) -> Floats:
    """Prices mu of reported leakage along the frontier, [points], linear [W].

    Evenly spaced in decibels from -30 to 60. Source: Khisti 2010 section III.
    Not modelled: a grid that follows the situation.
    """
    return from_db(np.linspace(MU_MIN_DB, MU_MAX_DB, points))


def kappa_grid(points: int = HORIZON_POINTS) -> Floats:
    """Prices kappa of expected leakage along the rest of the path, [points], linear [W].

    Evenly spaced in decibels from -24 to 12, where a decibel of gain is spent.
    Source: Gershman 1999 (diagonal and covariance loading of adaptive beamformers).
    Not modelled: as `mu_grid`.
    """
    return from_db(np.linspace(KAPPA_MIN_DB, KAPPA_MAX_DB, points))


@dataclass(frozen=True)
class Beamformers:
    """Unit-norm beamformers of one terminal along its path.

    What they achieve follows from products with few vectors; the N weights are hardly ever needed.

    Attributes:
        basis: [..., N, 1 + C] the channel and the directions that are nulled.
        coordinates: [..., 1 + C, S] of the beamformers of the frontier in it.
        prior: R, of beamformers beyond the frontier; None where there are none.
        loaded: [..., S', N] these, in the eigenvectors of R.
    """

    basis: Complexes
    coordinates: Complexes
    prior: StationPrior | None = None
    loaded: Complexes | None = None

    @property
    def weights(self) -> Complexes:
        """The weights themselves, [..., S + S', N]."""
        frontier = np.swapaxes(self.basis @ self.coordinates, -1, -2)
        if self.prior is None or self.loaded is None:
            return frontier
        return np.concatenate((frontier, self.prior.rotated_back(self.loaded)), axis=-2)

    def seen_by(self, vectors: Complexes) -> Complexes:
        """v^H w for vectors [..., C, N], [..., C, S + S']."""
        frontier = np.conj(vectors) @ self.basis @ self.coordinates
        if self.prior is None or self.loaded is None:
            return np.asarray(frontier)
        beyond = np.conj(self.prior.rotated(vectors)) @ np.swapaxes(self.loaded, -1, -2)
        return np.concatenate((frontier, beyond), axis=-1)


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


def beamformer_path(
    channel: Complexes, leakage_factors: Complexes, prior: StationPrior
) -> Beamformers:
    """Unit-norm beamformers along the whole path: the frontier, then rising kappa at the last mu.

    Args:
        channel: [..., N] channel h to the satellite as reported.
        leakage_factors: [..., N, C] as reported, see `beamformer_family`.
        prior: R.

    Source: Khisti 2010 section III; Gershman 1999.
    Not modelled: as `beamformer_family`.
    """
    frontier = beamformer_family(channel, leakage_factors, mu_grid())
    loaded = loaded_beamformers(channel, leakage_factors, prior, kappa_grid())
    return replace(frontier, prior=prior, loaded=loaded)


def loaded_beamformers(
    channel: Complexes, leakage_factors: Complexes, prior: StationPrior, kappa: Floats
) -> Complexes:
    """Unit-norm (I + kappa R + mu F F^H)^-1 h at the greatest mu, [..., S, N], in those of R.

    Args:
        channel: as of `beamformer_path`.
        leakage_factors: likewise; none of them where nothing was reported.
        prior: R.
        kappa: [S] prices, linear; at 0 nothing but F is nulled.

    In the eigenvectors of R its part is diagonal, and F F^H is of rank C (Woodbury): products of
    the rotated vectors with 1 / (1 + kappa strength) are all that depends on kappa.

    Source: Gershman 1999. Not modelled: as `beamformer_family`.
    """
    factors = leakage_factors.shape[-1]
    rotated = prior.rotated(
        np.concatenate((np.swapaxes(leakage_factors, -1, -2), channel[..., None, :]), axis=-2)
    )
    leaking, wanted = rotated[..., :factors, :], rotated[..., factors:, :]
    kept = 1 / (1 + kappa[:, None] * prior.strength)  # [S, N]
    product = np.conj(leaking)[..., :, None, :] * rotated[..., None, :, :]
    met = np.moveaxis(product @ kept.T, -1, -3)  # [..., S, C, C + 1]
    gram = met[..., :factors] + np.eye(factors) / float(from_db(MU_MAX_DB))
    removed = np.linalg.solve(gram, met[..., factors:])  # [..., S, C, 1]
    loaded = kept * (wanted - removed[..., 0] @ leaking)
    loaded /= np.sqrt(np.sum(loaded.real**2 + loaded.imag**2, axis=-1, keepdims=True))
    return np.asarray(loaded)


def channel_gain(channel: Complexes, beamformers: Beamformers) -> Floats:
    """|h^H w|^2, [..., S], for channels [..., N], linear.

    Source: Khisti 2010 section III. Not modelled: as `beamformer_family`.
    """
    seen = beamformers.seen_by(channel[..., None, :])[..., 0, :]
    return np.asarray(seen.real**2 + seen.imag**2)


def leakage_gain(leakage_factors: Complexes, beamformers: Beamformers) -> Floats:
    """|F^H w|^2, [..., S], for leakage factors [..., N, C], linear.

    Source: Khisti 2010 section III. Not modelled: as `beamformer_family`.
    """
    seen = beamformers.seen_by(np.swapaxes(leakage_factors, -1, -2))
    return np.asarray(np.sum(seen.real**2 + seen.imag**2, axis=-2))
