"""What of a requested subscription is accepted (TS 29.520 4.2.2.2)."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.subscriptions import (
    EVENT_KINDS,
    Criteria,
    EventFailure,
    FailureCode,
    MatchingDirection,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    WatchedEvent,
)
from nwdaf.anlf.triggers import DIRECTION_OF_KIND

# Bit n - 1 is feature n of TS 29.520 table 5.1.8-1: QoSSustainability 4, AbnormalBehaviour 5.
SUPPORTED_FEATURES = 1 << 3 | 1 << 4

MAX_EVENTS = 32
MAX_FILTER_ENTRIES = 64
MAX_TEXT_CHARACTERS = 200


@dataclass(frozen=True)
class Admission:
    """What of a request is accepted, and what is not."""

    criteria: Criteria
    failures: tuple[EventFailure, ...]


def admit(criteria: Criteria, *, now: datetime) -> Admission:
    """The part of the request that can be served, and a failure for each event that cannot.

    Raises:
        InvalidArgument: INVALID_FIELD for settings out of range or against each other,
            NO_EVENT_ACCEPTED when not one event can be served (TS 29.520 4.2.2.2).
    """
    _check_texts(criteria)
    _check_reporting(criteria.reporting, now=now)
    if not 1 <= len(criteria.events) <= MAX_EVENTS:
        raise _invalid(
            f"a subscription names 1 to {MAX_EVENTS} events, not {len(criteria.events)}",
            "event_subscriptions",
        )
    accepted: list[WatchedEvent] = []
    failures: list[EventFailure] = []
    for watched in criteria.events:
        _check_event(watched, overridden=criteria.reporting.method is not None)
        explanation = _refusal(watched, criteria.reporting)
        if explanation is None:
            accepted.append(watched)
        else:
            failures.append(EventFailure(watched.event, FailureCode.OTHER, explanation))
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
            supported_features=_common_features(criteria.supported_features),
        ),
        tuple(failures),
    )


def _check_texts(criteria: Criteria) -> None:
    for name in ("notif_corr_id", "consumer_nf_id"):
        if len(getattr(criteria, name)) > MAX_TEXT_CHARACTERS:
            raise _invalid(f"{name} has more than {MAX_TEXT_CHARACTERS} characters", name)


def _check_reporting(reporting: Reporting, *, now: datetime) -> None:
    if reporting.max_report_nbr < 0:
        raise _invalid("max_report_nbr is negative; 0 means no bound", "evt_req.max_report_nbr")
    if reporting.mon_dur is not None and reporting.mon_dur <= now:
        raise _invalid(
            "mon_dur is the time at which the subscription ends, and it has passed",
            "evt_req.mon_dur",
        )
    if reporting.method is ReportingMethod.ONE_TIME and reporting.max_report_nbr > 1:
        raise _invalid(
            "ONE_TIME and a max_report_nbr above 1 contradict each other; leave one out",
            "evt_req.max_report_nbr",
        )
    _check_period(
        reporting.rep_period,
        periodic=reporting.method is ReportingMethod.PERIODIC,
        field_name="evt_req.rep_period",
    )


def _check_event(watched: WatchedEvent, *, overridden: bool) -> None:
    name = "event_subscriptions"
    if not 1 <= len(watched.event) <= MAX_TEXT_CHARACTERS:
        raise _invalid(f"event has 1 to {MAX_TEXT_CHARACTERS} characters", f"{name}.event")
    for field_name in ("beam_ids", "satellite_ids"):
        entries: tuple[str, ...] = getattr(watched, field_name)
        if len(entries) > MAX_FILTER_ENTRIES or not all(
            1 <= len(entry) <= MAX_TEXT_CHARACTERS for entry in entries
        ):
            raise _invalid(
                f"{field_name} holds at most {MAX_FILTER_ENTRIES} ids of 1 to "
                f"{MAX_TEXT_CHARACTERS} characters",
                f"{name}.{field_name}",
            )
    if watched.threshold is None:
        if watched.matching_dir in (MatchingDirection.ASCENDING, MatchingDirection.DESCENDING):
            raise _invalid(
                "matching_dir needs a threshold that is crossed in that direction",
                f"{name}.matching_dir",
            )
    elif not math.isfinite(watched.threshold):
        raise _invalid("threshold is not a finite number", f"{name}.threshold")
    if not overridden:
        _check_period(
            watched.repetition_period,
            periodic=watched.method is NotificationMethod.PERIODIC,
            field_name=f"{name}.repetition_period",
        )


def _check_period(period: timedelta | None, *, periodic: bool, field_name: str) -> None:
    if periodic and period is None:
        raise _invalid("the method PERIODIC needs a period", field_name)
    if period is None:
        return
    if not periodic:
        raise _invalid("a period contradicts a method other than PERIODIC", field_name)
    if period <= timedelta(0):
        raise _invalid("the period must be above zero", field_name)


def _refusal(watched: WatchedEvent, reporting: Reporting) -> str | None:
    """Why the event cannot be served, or None. `evtReq` overrides the event's own method."""
    kind = EVENT_KINDS.get(watched.event)
    if kind is None:
        return f"unknown event; there are {', '.join(EVENT_KINDS)}"
    if reporting.method is ReportingMethod.PERIODIC or (
        reporting.method is None and watched.method is NotificationMethod.PERIODIC
    ):
        return "periodic reports are not offered; use THRESHOLD or ON_EVENT_DETECTION"
    direction = DIRECTION_OF_KIND[kind]
    if watched.matching_dir not in (
        None,
        MatchingDirection.CROSSED,
        MatchingDirection(direction.value),
    ):
        return f"only {direction.value} crossings are observed; use that or CROSSED"
    return None


def _common_features(requested: str) -> str:
    """The features of both sides in hexadecimal; empty when the consumer sent none."""
    if not requested:
        return ""
    if len(requested) > MAX_TEXT_CHARACTERS or not set(requested) <= set("0123456789abcdefABCDEF"):
        raise _invalid("supported_features is no hexadecimal number", "supported_features")
    return f"{int(requested, 16) & SUPPORTED_FEATURES:x}"


def _invalid(message: str, field_name: str) -> InvalidArgument:
    return InvalidArgument(message, reason="INVALID_FIELD", field=field_name)
