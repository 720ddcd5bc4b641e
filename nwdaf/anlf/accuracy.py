"""How accurate a model version is, seen from its reported decisions (TS 23.288 6.2E)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Self

from nf_runtime.events.catalogue import Decision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DecisionOutcome:
    """What one decision of a model promised and what came of it; rates in b/s/Hz."""

    predicted_bps_hz: float
    achieved_bps_hz: float
    gain_bps_hz: float
    reliability: float
    applied_time: datetime

    @classmethod
    def from_report(cls, report: Decision) -> Self:
        """The outcome that an inference report tells of."""
        return cls(
            predicted_bps_hz=report.predicted_rate_bps_hz,
            achieved_bps_hz=report.achieved_after_bps_hz,
            gain_bps_hz=report.achieved_after_bps_hz - report.achieved_before_bps_hz,
            reliability=report.reliability,
            applied_time=_EPOCH + timedelta(microseconds=report.timings.applied_at // 1000),
        )

    @property
    def deviation(self) -> float:
        """|predicted - achieved| / achieved; 1 for a decision that achieved nothing."""
        if self.achieved_bps_hz <= 0:
            return 1.0
        return abs(self.predicted_bps_hz - self.achieved_bps_hz) / self.achieved_bps_hz


@dataclass(frozen=True)
class ModelAccuracy:
    """`ModelAccuInfo` of one version over its window of decisions; rates in b/s/Hz."""

    model_name: str
    version: int
    inference_num: int
    deviation_percent: float
    achieved_mean_bps_hz: float
    gain_mean_bps_hz: float
    reliability_mean: float
    update_time: datetime


def accuracy_of(model_name: str, version: int, window: Sequence[DecisionOutcome]) -> ModelAccuracy:
    """The accuracy over a window of at least one outcome, oldest first.

    Raises:
        ValueError: The window is empty.
    """
    if not window:
        raise ValueError("accuracy needs at least one decision")
    return ModelAccuracy(
        model_name=model_name,
        version=version,
        inference_num=len(window),
        deviation_percent=100.0 * fmean(outcome.deviation for outcome in window),
        achieved_mean_bps_hz=fmean(outcome.achieved_bps_hz for outcome in window),
        gain_mean_bps_hz=fmean(outcome.gain_bps_hz for outcome in window),
        reliability_mean=fmean(outcome.reliability for outcome in window),
        update_time=window[-1].applied_time,
    )
