"""How accurate a model version is, seen from its reported decisions (TS 23.288 6.2D, 6.2E).

`assess` is what an events subscription with `accuReq` needs: it keeps the `AccuracyStatus` of the
last report, asks `AccuracySource.status` for the next one, and puts `info`, `pause_ind` and
`resume_ind` into the notification. While `paused`, it sends nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Protocol, Self

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


@dataclass(frozen=True)
class AccuracyRequirement:
    """`accuReq` of an event subscription.

    Attributes:
        time_window: `accuTimeWin`: only decisions of so long ago count; None: all that are kept.
        period: `accuPeriod`: shortest time between two assessments; None: none.
        deviation_threshold_percent: `accuDevThr`; None: nothing is paused.
        least_number: `minNum`: decisions that an assessment needs.
    """

    time_window: timedelta | None = None
    period: timedelta | None = None
    deviation_threshold_percent: float | None = None
    least_number: int = 1


@dataclass(frozen=True)
class AccuracyInfo:
    """`accuInfo`: `accuracyVal` in percent, `accuSampleNbr`, and `anaAccuInd` (MEET, NOT_MEET)."""

    accuracy_val: float
    accu_sample_nbr: int
    meets: bool


@dataclass(frozen=True)
class AccuracyStatus:
    """What the next report says about accuracy, and what has to be remembered for the one after.

    Attributes:
        model_name: the model that decided last.
        version: its version.
        time: of the assessment.
        info: None while there are too few decisions, or the period is not over.
        paused: whether analytics are held back until the model is replaced or mends.
        pause_ind: they are from this report on.
        resume_ind: they are not any more from this report on.
    """

    model_name: str
    version: int
    time: datetime
    info: AccuracyInfo | None = None
    paused: bool = False
    pause_ind: bool = False
    resume_ind: bool = False


@dataclass(frozen=True)
class DecisionWindow:
    """The kept outcomes of the version that decided last, oldest first."""

    model_name: str
    version: int
    outcomes: Sequence[DecisionOutcome]


class AccuracySource(Protocol):
    """Where the accuracy of the deciding model is told."""

    async def status(
        self, requirement: AccuracyRequirement, previous: AccuracyStatus | None
    ) -> AccuracyStatus | None:
        """The status after `previous`; None as long as no model has decided."""
        ...


def assess(
    requirement: AccuracyRequirement,
    window: DecisionWindow,
    previous: AccuracyStatus | None,
    *,
    now: datetime,
) -> AccuracyStatus:
    """The status after `previous`.

    Analytics pause when the deviation of the deciding version exceeds the threshold. They resume
    when it does so no more, or when another version has taken its place, which is given the benefit
    of the doubt until it has decided often enough.
    """
    was_paused = previous is not None and previous.paused
    same = previous is not None and (previous.model_name, previous.version) == (
        window.model_name,
        window.version,
    )
    # The standing of before, which another version does not inherit.
    paused = was_paused and same
    info = None
    too_soon = (
        same
        and previous is not None
        and requirement.period is not None
        and now - previous.time < requirement.period
    )
    if too_soon and previous is not None:
        return AccuracyStatus(window.model_name, window.version, previous.time, paused=paused)
    counted = [
        outcome
        for outcome in window.outcomes
        if requirement.time_window is None or now - outcome.applied_time <= requirement.time_window
    ]
    if len(counted) >= max(requirement.least_number, 1):
        deviation_percent = 100.0 * fmean(outcome.deviation for outcome in counted)
        threshold = requirement.deviation_threshold_percent
        meets = threshold is None or deviation_percent <= threshold
        info = AccuracyInfo(max(100.0 - deviation_percent, 0.0), len(counted), meets)
        paused = not meets
    return AccuracyStatus(
        window.model_name,
        window.version,
        now,
        info=info,
        paused=paused,
        pause_ind=paused and not was_paused,
        resume_ind=was_paused and not paused,
    )
