"""SINR of beams as a function of the geometry, with what is left over autocorrelated.

The slope on the path gain is common to all beams, each of which has a level of its own; errors are
autoregressive of first order, so that a forecast begins at what is measured now and relaxes to the
beam's level.

Source: Goldberger 1962 (best linear unbiased prediction with correlated errors); Prais and Winsten
1954 (the first row of the whitened equations).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from nwdaf.anlf.forecasts import FloatArray, Forecast

# What is believed before anything is measured: the SINR follows the path gain weakly, since power
# and interference follow it too, and beams are alike within 2 dB.
_SLOPE_DEVIATION = 0.2
_LEVEL_DEVIATION_DB = 2.0
_MOST_CORRELATED = 0.98


@dataclass(frozen=True)
class SinrRegression:
    """dry SINR = slope (gain - mean gain) + common level + level of the beam + AR(1) error.

    Coefficients are [slope, common level, level of beam 0, …] with their covariance.
    """

    coefficients: FloatArray
    covariance: FloatArray
    place: Mapping[str, int]
    last_error_db: Mapping[str, float]
    last_time_s: Mapping[str, float]
    mean_gain_db: float
    error_db: float
    correlation: float
    period_s: float

    @classmethod
    def through(
        cls, time_s: FloatArray, gain_db: FloatArray, dry_sinr_db: Mapping[str, FloatArray]
    ) -> Self:
        """The regression over times [T], gains [T] and the SINR [T] of each beam (NaN: none)."""
        mean_gain_db = float(gain_db.mean())
        seen = {beam: np.isfinite(values) for beam, values in dry_sinr_db.items()}
        place = {beam: 2 + number for number, beam in enumerate(dry_sinr_db)}
        correlation, error_db = _autocorrelation([dry_sinr_db[beam][seen[beam]] for beam in place])
        innovation = error_db**2 * (1 - correlation**2)
        # Prior precisions; the common level is left free.
        precision = np.diag([_SLOPE_DEVIATION**-2, 1e-6] + [_LEVEL_DEVIATION_DB**-2] * len(place))
        moment = np.zeros(len(precision))
        for beam, column in place.items():
            rows = np.stack(
                [gain_db[seen[beam]] - mean_gain_db, np.ones(int(seen[beam].sum()))], axis=1
            )
            whitened = _whitened(rows, correlation)[:, [0, 1, 1]]
            target = _whitened(dry_sinr_db[beam][seen[beam]], correlation)
            at = [0, 1, column]
            precision[np.ix_(at, at)] += whitened.T @ whitened / innovation
            moment[at] += whitened.T @ target / innovation
        covariance = np.linalg.inv(precision)
        coefficients = covariance @ moment
        last_error_db, last_time_s = {}, {}
        for beam, column in place.items():
            last = int(np.flatnonzero(seen[beam])[-1])
            level = coefficients[1] + coefficients[column]
            expected = coefficients[0] * (gain_db[last] - mean_gain_db) + level
            last_error_db[beam] = float(dry_sinr_db[beam][last] - expected)
            last_time_s[beam] = float(time_s[last])
        return cls(
            coefficients=coefficients,
            covariance=covariance,
            place=place,
            last_error_db=last_error_db,
            last_time_s=last_time_s,
            mean_gain_db=mean_gain_db,
            error_db=error_db,
            correlation=correlation,
            period_s=float(np.median(np.diff(time_s))),
        )

    def forecast(self, beam_id: str, ahead_s: FloatArray, gain_db: FloatArray) -> Forecast:
        """Dry SINR [T] of a beam in dB."""
        at = [0, 1, self.place[beam_id]]
        ones = np.ones_like(ahead_s)
        rows = np.stack([gain_db - self.mean_gain_db, ones, ones], axis=1)
        kept = self.correlation ** ((ahead_s - self.last_time_s[beam_id]) / self.period_s)
        of_coefficients = np.einsum("ti,ij,tj->t", rows, self.covariance[np.ix_(at, at)], rows)
        return Forecast(
            rows @ self.coefficients[at] + kept * self.last_error_db[beam_id],
            np.sqrt(of_coefficients + self.error_db**2 * (1 - kept**2)),
        )


def _autocorrelation(series: Sequence[FloatArray]) -> tuple[float, float]:
    """Correlation of neighbours over all series, and their common standard deviation."""
    centred = [values - values.mean() for values in series]
    total = sum(float(values @ values) for values in centred)
    neighbours = sum(float(values[1:] @ values[:-1]) for values in centred)
    count = sum(len(values) for values in centred)
    correlation = min(max(neighbours / max(total, 1e-9), 0.0), _MOST_CORRELATED)
    return correlation, max(float(np.sqrt(total / count)), 1e-3)


def _whitened(rows: FloatArray, correlation: float) -> FloatArray:
    """What is left of AR(1) rows when each has been freed of its predecessor (Prais-Winsten)."""
    first = rows[:1] * np.sqrt(1 - correlation**2)
    return np.concatenate([first, rows[1:] - correlation * rows[:-1]])
