"""What of a requested subscription is accepted (TS 29.520 4.2.2.2)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.criteria_checks import (
    DEFAULT_HELD_NOTIFICATIONS,
    MAX_TEXT_CHARACTERS,
    check_criteria,
    invalid,
)
from nwdaf.anlf.reports import FailureCode
from nwdaf.anlf.served_events import MODEL_EVENTS, Offer, needs_threshold, refusal
from nwdaf.anlf.subscriptions import Criteria, EventFailure, Reporting, WatchedEvent

# Bit n - 1 is feature n of TS 29.520 table 5.1.8-1: UeMobility 2, QoSSustainability 4,
# AbnormalBehaviour 5, NetworkPerformance 8; NfLoad 7 where there are functions to read.
SUPPORTED_FEATURES = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 7
_NF_LOAD_FEATURE = 1 << 6

MAX_HELD_NOTIFICATIONS = 1_000


@dataclass(frozen=True)
class Admission:
    """What of a request is accepted, and what is not.

    Attributes:
        criteria: what is accepted.
        failures: events that are not.
        accuracy_cancelled: accepted events whose accuracy nobody assesses (`cancelAccuInd`).
    """

    criteria: Criteria
    failures: tuple[EventFailure, ...]
    accuracy_cancelled: tuple[str, ...] = ()


def admit(criteria: Criteria, *, now: datetime, offer: Offer | None = None) -> Admission:
    """The part of the request that can be served, and a failure for each event that cannot.

    Raises:
        InvalidArgument: INVALID_FIELD for settings out of range or against each other,
            NO_EVENT_ACCEPTED when not one event can be served (TS 29.520 4.2.2.2).
    """
    offer = Offer() if offer is None else offer
    check_criteria(criteria, now=now)
    accepted: list[WatchedEvent] = []
    failures: list[EventFailure] = []
    cancelled: list[str] = []
    for watched in criteria.events:
        refused = _refused(watched, criteria, offer=offer, now=now)
        if refused is not None:
            failures.append(EventFailure(watched.event, *refused))
        elif watched.accu_req is not None and watched.event not in MODEL_EVENTS:
            cancelled.append(watched.event)
            accepted.append(replace(watched, accu_req=None))
        else:
            accepted.append(watched)
    if not accepted:
        reasons = "; ".join(f"{failure.event}: {failure.explanation}" for failure in failures)
        raise InvalidArgument(
            f"no event of the subscription can be served: {reasons}",
            reason="NO_EVENT_ACCEPTED",
            events=",".join(failure.event for failure in failures),
        )
    return Admission(
        replace(
            criteria,
            events=tuple(accepted),
            reporting=_completed(criteria.reporting),
            supported_features=_common_features(criteria.supported_features, offer),
        ),
        tuple(failures),
        tuple(cancelled),
    )


def _refused(
    watched: WatchedEvent, criteria: Criteria, *, offer: Offer, now: datetime
) -> tuple[FailureCode, str] | None:
    refused = refusal(watched, offer) or _untimely(watched, now)
    if refused is not None:
        return refused
    if set(criteria.reporting.partition_criteria) - {"GEOAREA"}:
        return FailureCode.UNAVAILABLE_DATA, "UEs can be partitioned by GEOAREA (beam) only"
    if criteria.period_of(watched) is None and needs_threshold(watched):
        return FailureCode.OTHER, "name a threshold to be crossed, or report PERIODIC"
    return None


def _untimely(watched: WatchedEvent, now: datetime) -> tuple[FailureCode, str] | None:
    """Whether statistics or predictions are asked for: subscriptions report the present."""
    extra = watched.extra_report_req
    start, end = extra.start_time, extra.end_time
    if extra.time_ana_needed is not None and extra.time_ana_needed <= now:
        return FailureCode.UNSATISFIED_REQUESTED_ANALYTICS_TIME, "timeAnaNeeded has passed"
    if start is not None and end is not None and start < now < end:
        return (
            FailureCode.BOTH_STAT_PRED_NOT_ALLOWED,
            "a period lies in the past (statistics) or in the future (predictions), not in both",
        )
    offset = extra.offset_period
    if (start is not None and start >= now) or (offset is not None and offset > timedelta(0)):
        return FailureCode.PREDICTION_NOT_ALLOWED, "ask AnalyticsInfo for predictions"
    if start is not None or end is not None or offset is not None:
        return FailureCode.UNAVAILABLE_DATA, "ask AnalyticsInfo for statistics of the past"
    return None


def _completed(reporting: Reporting) -> Reporting:
    """With the size of the buffer, which the consumer is told (`mutingSetting`)."""
    muting = reporting.muting
    if muting is None:
        return reporting
    size = min(muting.max_no_of_notif or DEFAULT_HELD_NOTIFICATIONS, MAX_HELD_NOTIFICATIONS)
    return replace(reporting, muting=replace(muting, max_no_of_notif=size))


def _common_features(requested: str, offer: Offer) -> str:
    """The features of both sides in hexadecimal; empty when the consumer sent none."""
    if not requested:
        return ""
    if len(requested) > MAX_TEXT_CHARACTERS or not set(requested) <= set("0123456789abcdefABCDEF"):
        raise invalid("supported_features is no hexadecimal number", "supported_features")
    own = SUPPORTED_FEATURES | (_NF_LOAD_FEATURE if offer.nf_load else 0)
    return f"{int(requested, 16) & own:x}"
