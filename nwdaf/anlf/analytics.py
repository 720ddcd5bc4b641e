"""What analytics are about and what they say (Nnwdaf_AnalyticsInfo, TS 29.520 5.2).

Not modelled: data from any other source than the satellite's own measurement reports and the load
of this project's own network functions; `dataStatProps`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, TypedDict

import numpy as np

from nwdaf.anlf.forecasts import FloatArray, Forecast

NF_LOAD = "NF_LOAD"


@dataclass(frozen=True)
class BeamSample:
    """One beam at one instant of simulated time."""

    time: datetime
    beam_id: str
    sinr_db: float
    rain_db: float
    doppler_hz: float
    elevation_deg: float
    range_km: float
    satellite_id: str

    @property
    def subject(self) -> str:
        """What the sample is of."""
        return self.beam_id


@dataclass(frozen=True)
class LoadSample:
    """The load of one network function over the period before an instant of wall-clock time."""

    time: datetime
    nf_instance_id: str
    cpu_usage_percent: float
    memory_usage_percent: float

    @property
    def subject(self) -> str:
        """What the sample is of."""
        return self.nf_instance_id


Sample: TypeAlias = BeamSample | LoadSample


class AnalyticsKind(StrEnum):
    """What an answer holds: never both, TS 29.520 4.3.2.2."""

    STATISTICS = "STATISTICS"
    PREDICTION = "PREDICTION"


class Accuracy(StrEnum):
    """`Accuracy` of TS 29.520 5.1.6.3, for predictions by their confidence in percent."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    HIGHEST = "HIGHEST"

    @classmethod
    def of(cls, confidence: float) -> "Accuracy":
        """The level of a confidence: HIGHEST from 90 %, HIGH from 75 %, MEDIUM from 50 %."""
        levels = ((90.0, cls.HIGHEST), (75.0, cls.HIGH), (50.0, cls.MEDIUM))
        return next((level for least, level in levels if confidence >= least), cls.LOW)


class Strategy(StrEnum):
    """How an answer was made."""

    SAMPLES = "SAMPLES"
    ORBIT = "ORBIT"
    HOVERING = "HOVERING"
    AUTOREGRESSION = "AUTOREGRESSION"


@dataclass(frozen=True)
class AnalyticsPoint:
    """One instant of a prediction, with the band that it lies in with 90 %."""

    time: datetime
    value: float
    p5: float
    p95: float


@dataclass(frozen=True)
class AnalyticsSeries:
    """One quantity of one beam or network function, in the unit that the quantity's name ends in.

    Of a prediction, the percentiles and the standard deviation include its uncertainty, minimum and
    maximum are those of the expected course, `num_samples` counts its points, and `confidence` is
    the mean probability in percent that a value lies within `TOLERANCES` of the predicted one.
    """

    subject: str
    quantity: str
    num_samples: int
    mean: float
    standard_deviation: float
    minimum: float
    p5: float
    p50: float
    p95: float
    maximum: float
    confidence: float | None = None
    points: tuple[AnalyticsPoint, ...] = ()


@dataclass(frozen=True)
class AnalyticsMetadata:
    """`AnalyticsMetadataInfo`: from what, and how, an answer was made.

    `skill` is 1 - error / error of persistence, for loads only; 0 is no better than persistence.
    """

    num_samples: int
    data_start: datetime
    data_end: datetime
    strategy: Strategy
    accuracy: Accuracy | None = None
    skill: float | None = None


@dataclass(frozen=True)
class Analytics:
    """`AnalyticsData`: the series, and the time of the first and last sample or point."""

    kind: AnalyticsKind
    start_time: datetime
    end_time: datetime
    series: tuple[AnalyticsSeries, ...]
    metadata: AnalyticsMetadata


TOLERANCES: Mapping[str, float] = {
    "sinr_db": 3.0,
    "rain_db": 1.0,
    "elevation_deg": 1.0,
    "doppler_hz": 2_000.0,
    "cpu_usage_percent": 10.0,
    "memory_usage_percent": 5.0,
}
"""How near a value must come to the predicted one for the confidence to count it as right."""

# Quantiles that stand for a whole distribution when those of several instants are mixed.
_PROBABILITIES = tuple((number + 0.5) / 20 for number in range(20))


def statistics(subject: str, quantity: str, values: Sequence[float]) -> AnalyticsSeries:
    """The statistics of at least one sample."""
    array = np.asarray(values, dtype=np.float64)
    return AnalyticsSeries(
        subject=subject,
        quantity=quantity,
        num_samples=len(values),
        minimum=float(array.min()),
        maximum=float(array.max()),
        **_moments(array),
    )


def prediction(
    subject: str, quantity: str, times: Sequence[datetime], forecast: Forecast
) -> AnalyticsSeries:
    """The prediction for at least one instant."""
    mixed = np.concatenate([forecast.quantile(each) for each in _PROBABILITIES])
    p5, p95 = forecast.quantile(0.05), forecast.quantile(0.95)
    return AnalyticsSeries(
        subject=subject,
        quantity=quantity,
        num_samples=len(times),
        minimum=float(forecast.mean.min()),
        maximum=float(forecast.mean.max()),
        **_moments(mixed),
        confidence=forecast.confidence(TOLERANCES[quantity]),
        points=tuple(
            AnalyticsPoint(time, float(value), float(low), float(high))
            for time, value, low, high in zip(times, forecast.mean, p5, p95, strict=True)
        ),
    )


class _Moments(TypedDict):
    mean: float
    standard_deviation: float
    p5: float
    p50: float
    p95: float


def _moments(values: FloatArray) -> _Moments:
    p5, p50, p95 = (float(value) for value in np.percentile(values, (5, 50, 95)))
    return {
        "mean": float(values.mean()),
        "standard_deviation": float(values.std()),
        "p5": p5,
        "p50": p50,
        "p95": p95,
    }
