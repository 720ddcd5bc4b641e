"""How accurate a model version is, seen from its reported decisions (TS 23.288 6.2D, 6.2E).

`assess` says when an event subscription with `accuReq` is told of it, and when its analytics pause.

Not modelled: `updatedAnaFlg` and `correctionInterval`; what was reported is not corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Self

from nf_runtime.errors import InvalidArgument
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
        start_time: `accuTimeWin`: only decisions applied from then on count; None: all kept ones.
        stop_time: its end, after which nothing is assessed any more; None: none.
        period: `accuPeriod`: shortest time between two assessments; None: none.
        deviation_threshold_percent: `accuDevThr`; None: nothing is paused.
        least_number: `minNum`: decisions that an assessment needs; 0 means 1.
    """

    start_time: datetime | None = None
    stop_time: datetime | None = None
    period: timedelta | None = None
    deviation_threshold_percent: int | None = None
    least_number: int = 0

    def check(self, *, now: datetime) -> None:
        """Returns when the requirement can be met.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        start, stop = self.start_time, self.stop_time
        if stop is not None and (stop <= now or (start is not None and stop <= start)):
            raise _invalid("ends before it begins, or has passed", "accu_time_win")
        if self.period is not None and self.period <= timedelta(0):
            raise _invalid("must be above zero; leave it out to be told at once", "accu_period")
        if (self.deviation_threshold_percent or 0) < 0:
            raise _invalid("is negative; it is a percentage", "accu_dev_thr")
        if self.least_number < 0:
            raise _invalid("is negative; it is a number of decisions", "min_num")

    def counts(self, outcome: DecisionOutcome) -> bool:
        """Whether the decision lies within the time window."""
        time = outcome.applied_time
        return (self.start_time is None or self.start_time <= time) and (
            self.stop_time is None or time < self.stop_time
        )


@dataclass(frozen=True)
class AccuracyInfo:
    """`accuInfo`: `accuracyVal` in percent, `accuSampleNbr`, and `anaAccuInd` (MEET, NOT_MEET)."""

    accuracy_val: float
    accu_sample_nbr: int
    meets: bool


@dataclass(frozen=True)
class AccuracyReport:
    """What a report says of accuracy.

    Attributes:
        time: of the assessment, wall-clock UTC; None for none.
        info: None while the version that has taken over has decided too seldom.
        pause_ind: analytics are held back from this report on.
        resume_ind: they are not any more from this report on.
        cancel_accu_ind: nobody assesses the accuracy of this event.
    """

    time: datetime | None = None
    info: AccuracyInfo | None = None
    pause_ind: bool = False
    resume_ind: bool = False
    cancel_accu_ind: bool = False


@dataclass(frozen=True)
class AccuracyStatus:
    """What was told last; it has to be remembered for the next assessment.

    Attributes:
        model_name: the model that had decided last.
        version: its version.
        position: of that decision.
        time: of the assessment, wall-clock UTC.
        meets: what was found; None: too few decisions.
        paused: whether analytics are held back until the model is replaced or mends.
    """

    model_name: str
    version: int
    position: int
    time: datetime
    meets: bool | None
    paused: bool


@dataclass(frozen=True)
class DecisionWindow:
    """The kept outcomes of the version that decided last, oldest first; `position` of the last."""

    model_name: str
    version: int
    position: int
    outcomes: Sequence[DecisionOutcome]


def assess(
    requirement: AccuracyRequirement,
    window: DecisionWindow,
    previous: AccuracyStatus | None,
    *,
    now: datetime,
    may_pause: bool = True,
) -> tuple[AccuracyStatus, AccuracyReport] | None:
    """What is told after `previous`, or None for nothing; then `previous` stays.

    With a threshold and no period only changes are told: MEET, NOT_MEET, another version. Otherwise
    each assessment is told; one decision leads to no more than one.

    Analytics pause when the deviation of the deciding version exceeds the threshold. They resume
    when it does so no more, or when another version has taken its place, which is given the benefit
    of the doubt until it has decided often enough.
    """
    identity = (window.model_name, window.version)
    same = previous is not None and (previous.model_name, previous.version) == identity
    was_paused = previous is not None and previous.paused
    if previous is not None and same:
        too_soon = requirement.period is not None and now - previous.time < requirement.period
        if too_soon or window.position == previous.position:
            return None
    info = None
    if requirement.stop_time is None or now < requirement.stop_time:
        info = _info(requirement, [one for one in window.outcomes if requirement.counts(one)])
    if info is None and (same or not was_paused):
        return None
    meets = None if info is None else info.meets
    paused = meets is False and may_pause
    changes_only = (
        requirement.period is None and requirement.deviation_threshold_percent is not None
    )
    if changes_only and previous is not None and same and meets == previous.meets:
        return None
    status = AccuracyStatus(*identity, window.position, now, meets, paused)
    return status, AccuracyReport(
        now, info, pause_ind=paused and not was_paused, resume_ind=was_paused and not paused
    )


def _info(
    requirement: AccuracyRequirement, outcomes: Sequence[DecisionOutcome]
) -> AccuracyInfo | None:
    if len(outcomes) < max(requirement.least_number, 1):
        return None
    deviation_percent = 100.0 * fmean(outcome.deviation for outcome in outcomes)
    threshold = requirement.deviation_threshold_percent
    meets = threshold is None or deviation_percent <= threshold
    return AccuracyInfo(max(100.0 - deviation_percent, 0.0), len(outcomes), meets)


def _invalid(complaint: str, field_name: str) -> InvalidArgument:
    return InvalidArgument(
        f"{field_name} {complaint}",
        reason="INVALID_FIELD",
        field=f"event_subscriptions.accu_req.{field_name}",
    )
