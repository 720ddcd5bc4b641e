"""What a forecast is: a normal distribution for each instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Forecast:
    """Mean and standard deviation [T] of a normal distribution, in the unit of the quantity."""

    mean: FloatArray
    deviation: FloatArray

    def at(self, places: Sequence[int]) -> "Forecast":
        """Some of its instants."""
        return Forecast(self.mean[list(places)], self.deviation[list(places)])

    def quantile(self, probability: float) -> FloatArray:
        """What is not exceeded with that probability [T]."""
        return np.asarray(self.mean + _NORMAL.inv_cdf(probability) * self.deviation)

    def confidence(self, tolerance: float) -> float:
        """Probability in percent, mean over the instants, to lie within `tolerance` of the mean."""
        from scipy.special import ndtr  # noqa: PLC0415 - the start must not wait for SciPy

        within = 2 * ndtr(tolerance / np.maximum(self.deviation, 1e-9)) - 1
        return float(100 * within.mean())
