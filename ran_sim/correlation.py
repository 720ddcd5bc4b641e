"""Random processes that go on: each value depends on the one before, never drawn afresh."""

from typing import Any

import numpy as np

from ran_sim.orbit.frames import FloatArray


def correlated_normals(lag: Any, rng: np.random.Generator) -> FloatArray:
    """Standard normal processes [T, ...] with the autocorrelation exp(-lag).

    x_t = rho_t x_(t-1) + sqrt(1 - rho_t^2) n_t with rho_t = exp(-lag_t): mean 0 and variance 1 at
    every step, and a correlation of exp(-sum of the lags between) for two steps.

    Args:
        lag: [T - 1, ...] distance between successive steps over the correlation distance, or time
            over the correlation time; at least 0. Where it is 0 the value stays.
        rng: drawn from once, for all steps together.

    Source: Gudmundson 1991 eq. 8.
    Not modelled: any other autocorrelation; distributions other than the normal one.
    """
    rho = np.exp(-np.asarray(lag, dtype=np.float64))
    values = rng.standard_normal((rho.shape[0] + 1, *rho.shape[1:]))
    values[1:] *= np.sqrt(1 - rho**2)
    for step in range(1, len(values)):
        values[step] += rho[step - 1] * values[step - 1]
    return values
