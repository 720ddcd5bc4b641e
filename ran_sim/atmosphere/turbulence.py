"""Scintillation as it goes on in time, where the dial's exceedance gives only a margin."""

import numpy as np

from ran_sim.correlation import correlated_normals
from ran_sim.orbit.frames import FloatArray

CORNER_HZ = 0.1
"""Above it the spectrum of scintillation falls off. Source: ITU-R P.1853-2 Annex 1 3."""

CORRELATION_TIME_S = 1 / (2 * np.pi * CORNER_HZ)


def scintillation_series_db(
    sigma_db: FloatArray, offset_s: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Scintillation [T, U] in dB around the mean, positive where it takes.

    A Gaussian process with the given standard deviation at each tick and a correlation time of
    1.6 s, 1 / (2 pi 0.1 Hz).

    Args:
        sigma_db: [T, U], see `ran_sim.atmosphere.losses.slant_sigma_db`.
        offset_s: [T] seconds since the begin.
        rng: drawn from once.

    Source: ITU-R P.1853-2 Annex 1 3.
    Not modelled: the spectrum's slope of -80/3 dB a decade (it falls by 20 here), the change of
    sigma with the weather of the hour, correlation between terminals.
    """
    lag = np.diff(offset_s) / CORRELATION_TIME_S
    shape = (len(lag), *sigma_db.shape[1:])
    spread = np.broadcast_to(lag.reshape(-1, *(1,) * (sigma_db.ndim - 1)), shape)
    return np.asarray(sigma_db * correlated_normals(spread, rng))
