"""What a terminal knows of the stations on the ground that may listen, before any report."""

from dataclasses import dataclass

import numpy as np

from radio_math.arrays import ARRAY_SIDE, Complexes, element_gain, steering_vector
from radio_math.link import Floats

STATION_ELEVATION_DEG = (0.0, 2.0)
SCATTER_ELEVATION_DEG = (0.0, 30.0)
"""As a terminal sees stations, and the things around it that scatter towards them; uniform."""

# The covariance varies over the azimuth with up to 2 pi 15 sqrt(2) / 2 periods of the array.
_AZIMUTHS = 180
_STATION_NODES, _SCATTER_NODES = 3, 12

_KINDS = 4  # even and odd in rows, even and odd in columns


@dataclass(frozen=True)
class StationPrior:
    """The mean R of f f^H over the stations of a terminal, by its eigenvectors.

    Stations stand in any azimuth alike, so R stays what it is when the array is mirrored in its
    rows or columns: its eigenvectors are even or odd in each, and four small matrices hold them.

    Attributes:
        direction: [4, N / 4, N / 4] eigenvectors in columns, by kind.
        strength: [N] eigenvalues, kind by kind, SNR per watt.
    """

    direction: Floats
    strength: Floats

    def rotated(self, vectors: Complexes) -> Complexes:
        """Coordinates [..., N] of vectors [..., N] in the eigenvectors."""
        return _by_kind(_folded(vectors), self.direction)

    def rotated_back(self, coordinates: Complexes) -> Complexes:
        """Vectors [..., N] with these coordinates [..., N]."""
        return _unfolded(_by_kind(coordinates, np.swapaxes(self.direction, -1, -2)))


def station_prior(level: float, rician_k: float, side: int = ARRAY_SIDE) -> StationPrior:
    """The prior of stations that together hear an isotropic radiator with a mean SNR per watt.

    Args:
        level: that SNR per watt [1/W], linear.
        rician_k: as of `mean_station`.
        side: elements along one side of the array, even.

    Source: Van Trees 2002 chapter 5. Not modelled: as `mean_station`.
    """
    mean = mean_station(rician_k, side)
    folded = _folded(_folded(mean.astype(complex)).T).real
    size = side * side // _KINDS
    kinds = folded.reshape(_KINDS, size, _KINDS, size)
    strength, direction = np.linalg.eigh(np.stack([kinds[kind, :, kind] for kind in range(_KINDS)]))
    return StationPrior(direction, level * np.maximum(strength, 0.0).ravel())


def mean_station(rician_k: float, side: int = ARRAY_SIDE) -> Floats:
    """Mean of f f^H, [side^2, side^2], over stations that would hear an isotropic radiator at 1.

    Azimuths are uniform, so that the mean is real: every direction comes with its opposite.

    Args:
        rician_k: power of a station's direct path over that of its scattered ones, linear.
        side: elements along one side of the array.

    Source: Van Trees 2002 chapter 5 (covariance of a sector of sources).
    Not modelled: that scatter lies within 20 degrees of its station, which no mean shows.
    """
    direct = _over_elevations(STATION_ELEVATION_DEG, _STATION_NODES, side)
    scattered = _over_elevations(SCATTER_ELEVATION_DEG, _SCATTER_NODES, side)
    return (rician_k * direct + scattered) / (rician_k + 1)


def _over_elevations(range_deg: tuple[float, float], nodes: int, side: int) -> Floats:
    """Mean of gain times a a^H over uniform azimuths and elevations."""
    node, weight = np.polynomial.legendre.leggauss(nodes)
    low, high = range_deg
    elevation_deg = low + (high - low) * (node + 1) / 2
    azimuth_deg = np.arange(_AZIMUTHS) * 360 / _AZIMUTHS
    paths = steering_vector(azimuth_deg, elevation_deg[:, None], side)  # [nodes, azimuths, N]
    share = np.sqrt(weight / 2 * element_gain(elevation_deg) / _AZIMUTHS)
    rows = (share[:, None, None] * paths).reshape(-1, side * side)
    return np.asarray((rows.T @ rows.conj()).real)


def _folded(vectors: Complexes) -> Complexes:
    """Even and odd parts of vectors [..., N] over an array that is square, kind by kind."""
    side = round(np.sqrt(vectors.shape[-1]))
    half = side // 2
    array = vectors.reshape(*vectors.shape[:-1], side, side)
    for axis in (-2, -1):
        near, far = np.split(array, 2, axis=axis)
        far = np.flip(far, axis=axis)
        array = np.concatenate((near + far, near - far), axis=axis)
    kinds = array.reshape(*vectors.shape[:-1], 2, half, 2, half).swapaxes(-3, -2)
    return np.asarray(kinds.reshape(vectors.shape) / 2)


def _unfolded(kinds: Complexes) -> Complexes:
    """The vectors [..., N] that `_folded` made these of."""
    side = round(np.sqrt(kinds.shape[-1]))
    half = side // 2
    parts = kinds.reshape(*kinds.shape[:-1], 2, 2, half, half).swapaxes(-3, -2)
    array = parts.reshape(*kinds.shape[:-1], side, side)
    for axis in (-2, -1):
        even, odd = np.split(array, 2, axis=axis)
        array = np.concatenate((even + odd, np.flip(even - odd, axis=axis)), axis=axis)
    return np.asarray(array.reshape(kinds.shape) / 2)


def _by_kind(vectors: Complexes, matrices: Floats) -> Complexes:
    """Vectors [..., N] times one real matrix for each kind, as products of real numbers."""
    size = matrices.shape[-1]
    columns = vectors.reshape(-1, _KINDS, size).transpose(1, 2, 0)  # [4, N / 4, V]
    parts = np.ascontiguousarray(columns).view(np.float64)  # [4, N / 4, 2 V]
    products = (np.swapaxes(matrices, -1, -2) @ parts).view(np.complex128)
    return np.asarray(products.transpose(2, 0, 1).reshape(vectors.shape))
