"""Forecast of the load of a network function: an autoregression fitted to its own history.

Source: Box and Jenkins 1970 (autoregression, variance of its forecasts by psi weights); Akaike 1974
(the order).
Not modelled: seasons, and the effect of one function's load on another's.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from nwdaf.anlf.forecasts import FloatArray, Forecast

FEWEST_SAMPLES = 32
"""Samples that a forecast needs."""

HOLD_OUT_STEPS = 10
"""How far ahead the error against persistence is measured."""

_HIGHEST_ORDER = 8
_HELD_OUT_SHARE = 0.3
_FEWEST_HELD_OUT = 20
_LARGEST_RADIUS = 0.995


@dataclass(frozen=True)
class Autoregression:
    """x[t] - mean = sum of weights[k] (x[t - 1 - k] - mean) + innovation.

    Attributes:
        mean: of the history.
        weights: [K], nearest sample first.
        innovation: standard deviation of what cannot be foretold one step ahead.
        latest: the K latest samples, newest first.
    """

    mean: float
    weights: FloatArray
    innovation: float
    latest: FloatArray

    @classmethod
    def through(cls, history: FloatArray) -> Self:
        """The autoregression of evenly spaced samples [T], oldest first, T >= `FEWEST_SAMPLES`."""
        mean = float(history.mean())
        centred = history - mean
        # All orders are judged on the same samples, or their criteria could not be compared.
        target = centred[_HIGHEST_ORDER:]
        lags = np.stack(
            [centred[_HIGHEST_ORDER - k : len(centred) - k] for k in range(1, _HIGHEST_ORDER + 1)],
            axis=1,
        )
        candidates = [_fitted(lags[:, :order], target) for order in range(1, _HIGHEST_ORDER + 1)]
        weights, innovation = min(
            candidates,
            key=lambda one: len(target) * np.log(one[1] ** 2 + 1e-12) + 2 * len(one[0]),
        )
        return cls(mean, weights, innovation, centred[-1 : -len(weights) - 1 : -1])

    def forecast(self, steps: int) -> Forecast:
        """The next `steps` samples."""
        known, psi = list(self.latest[::-1]), [1.0]
        for _ in range(steps):
            known.append(float(self.weights @ np.array(known[: -len(self.weights) - 1 : -1])))
            reach = min(len(psi), len(self.weights))
            psi.append(float(self.weights[:reach] @ np.array(psi[: -reach - 1 : -1])))
        spread = np.sqrt(np.cumsum(np.square(psi[:steps])))
        return Forecast(self.mean + np.array(known[-steps:]), self.innovation * spread)


def skill_against_persistence(history: FloatArray, steps: int = HOLD_OUT_STEPS) -> float | None:
    """1 - MAE of the autoregression / MAE of persistence, `steps` ahead, on held-out samples.

    The autoregression is fitted to the older 70 % of the history and forecasts from each later
    sample on; persistence says that nothing changes. 0: no better than persistence, 1: perfect.
    None when the history is too short, or so still that persistence makes no error.
    """
    split = len(history) - max(int(_HELD_OUT_SHARE * len(history)), _FEWEST_HELD_OUT + steps)
    if split < FEWEST_SAMPLES:
        return None
    fitted = Autoregression.through(history[:split])
    order = len(fitted.weights)
    errors, persistent = [], []
    for now in range(split, len(history) - steps + 1):
        latest = history[now - order : now][::-1] - fitted.mean
        known = Autoregression(fitted.mean, fitted.weights, fitted.innovation, latest)
        errors.append(abs(known.forecast(steps).mean[-1] - history[now + steps - 1]))
        persistent.append(abs(history[now - 1] - history[now + steps - 1]))
    if not np.mean(persistent) > 0:
        return None
    return float(1 - np.mean(errors) / np.mean(persistent))


def _fitted(lags: FloatArray, target: FloatArray) -> tuple[FloatArray, float]:
    weights: FloatArray = np.asarray(np.linalg.lstsq(lags, target, rcond=None)[0], dtype=np.float64)
    # Weights whose recursion grows without bound would forecast nonsense; drawn in, it decays.
    radius = _spectral_radius(weights)
    if radius > _LARGEST_RADIUS:
        weights = weights * (_LARGEST_RADIUS / radius) ** np.arange(1, len(weights) + 1)
    return weights, float((target - lags @ weights).std())


def _spectral_radius(weights: FloatArray) -> float:
    companion = np.eye(len(weights), k=-1)
    companion[0] = weights
    return float(np.abs(np.linalg.eigvals(companion)).max())
