"""What of a requested subscription is accepted (TS 29.520 4.2.2.2)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.reports import FailureCode
from nwdaf.anlf.served_events import Offer, needs_threshold, refusal
from nwdaf.anlf.subscriptions import (
    Criteria,
    EventFailure,
    MatchingDirection,
    Muting,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    WatchedEvent,
)

# Bit n - 1 is feature n of TS 29.520 table 5.1.8-1: UeMobility 2, QoSSustainability 4,
# AbnormalBehaviour 5, NetworkPerformance 8; NfLoad 7 where there are functions to read.
SUPPORTED_FEATURES = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 7
_NF_LOAD_FEATURE = 1 << 6

MAX_EVENTS = 32
MAX_FILTER_ENTRIES = 64
MAX_TEXT_CHARACTERS = 200
MAX_HELD_NOTIFICATIONS = 1_000
DEFAULT_HELD_NOTIFICATIONS = 100
SHORTEST_PERIOD = timedelta(milliseconds=100)

_THRESHOLD_LISTS = (
    "ran_ue_throu_thds",
    "nf_load_lvl_thds",
    "cong_thresholds",
    "nw_perf_requs",
    "excep_requs",
)


@dataclass(frozen=True)
class Admission:
    """What of a request is accepted, and what is not."""

    criteria: Criteria
    failures: tuple[EventFailure, ...]


def admit(criteria: Criteria, *, now: datetime, offer: Offer | None = None) -> Admission:
    """The part of the request that can be served, and a failure for each event that cannot.

    Raises:
        InvalidArgument: INVALID_FIELD for settings out of range or against each other,
            NO_EVENT_ACCEPTED when not one event can be served (TS 29.520 4.2.2.2).
    """
    offer = Offer() if offer is None else offer
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
        _check_event(watched, criteria)
        refused = _refused(watched, criteria, offer=offer, now=now)
        if refused is None:
            accepted.append(watched)
        else:
            failures.append(EventFailure(watched.event, *refused))
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
    if not 1 <= reporting.samp_ratio_percent <= 100:  # noqa: PLR2004
        raise _invalid("samp_ratio is 1 to 100 percent", "evt_req.samp_ratio")
    _check_list(reporting.partition_criteria, "evt_req.partition_criteria")
    periodic = reporting.method is ReportingMethod.PERIODIC
    _check_period(reporting.rep_period, periodic=periodic, field_name="evt_req.rep_period")
    if reporting.grp_rep_time is not None:
        if periodic:
            raise _invalid(
                "a group time contradicts PERIODIC, which groups already; leave one out",
                "evt_req.grp_rep_time",
            )
        _check_length(reporting.grp_rep_time, "evt_req.grp_rep_time")
    if reporting.muting is not None:
        _check_muting(reporting.muting)


def _check_muting(muting: Muting) -> None:
    if muting.max_no_of_notif < 0:
        raise _invalid(
            f"max_no_of_notif is negative; 0 means {DEFAULT_HELD_NOTIFICATIONS}",
            "evt_req.muting_setting.max_no_of_notif",
        )
    if muting.duration_buffered_notif is not None:
        _check_length(
            muting.duration_buffered_notif, "evt_req.muting_setting.duration_buffered_notif"
        )


def _check_event(watched: WatchedEvent, criteria: Criteria) -> None:
    name = "event_subscriptions"
    if not 1 <= len(watched.event) <= MAX_TEXT_CHARACTERS:
        raise _invalid(f"event has 1 to {MAX_TEXT_CHARACTERS} characters", f"{name}.event")
    for field_name, entries in _lists(watched):
        _check_list(entries, f"{name}.{field_name}")
    for field_name in _THRESHOLD_LISTS:
        if len(getattr(watched, field_name)) > MAX_FILTER_ENTRIES:
            raise _invalid(
                f"{field_name} holds at most {MAX_FILTER_ENTRIES} entries", f"{name}.{field_name}"
            )
    if watched.excep_requs and watched.expt_ana_type:
        raise _invalid(
            "excep_requs and expt_ana_type exclude each other; leave one out",
            f"{name}.expt_ana_type",
        )
    if any(
        perf.relative_ratio_percent is not None and perf.absolute_num is not None
        for perf in watched.nw_perf_requs
    ):
        raise _invalid(
            "relative_ratio and absolute_num exclude each other; leave one out",
            f"{name}.nw_perf_requs",
        )
    _check_target(watched)
    _check_threshold(watched)
    if criteria.reporting.method is None:
        _check_period(
            watched.repetition_period,
            periodic=watched.method is NotificationMethod.PERIODIC,
            field_name=f"{name}.repetition_period",
        )


def _check_target(watched: WatchedEvent) -> None:
    target = watched.tgt_ue
    if target.any_ue and (target.supis or target.gpsis or target.int_group_ids):
        raise _invalid(
            "any_ue and named UEs contradict each other; leave one out",
            "event_subscriptions.tgt_ue",
        )
    if watched.extra_report_req.max_object_nbr < 0:
        raise _invalid(
            "max_object_nbr is negative; 0 means no bound",
            "event_subscriptions.extra_report_req.max_object_nbr",
        )


def _check_threshold(watched: WatchedEvent) -> None:
    name = "event_subscriptions"
    if watched.threshold is not None and not math.isfinite(watched.threshold):
        raise _invalid("threshold is not a finite number", f"{name}.threshold")
    has_threshold = watched.threshold is not None or any(
        getattr(watched, field_name) for field_name in _THRESHOLD_LISTS
    )
    if not has_threshold and watched.matching_dir in (
        MatchingDirection.ASCENDING,
        MatchingDirection.DESCENDING,
    ):
        raise _invalid(
            "matching_dir needs a threshold that is crossed in that direction",
            f"{name}.matching_dir",
        )


def _lists(watched: WatchedEvent) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "beam_ids", watched.beam_ids
    yield "satellite_ids", watched.satellite_ids
    yield "nf_instance_ids", watched.nf_instance_ids
    for name in ("supis", "gpsis", "int_group_ids"):
        yield f"tgt_ue.{name}", getattr(watched.tgt_ue, name)
    for name in ("nr_cell_ids", "g_ran_node_ids", "tacs"):
        yield f"network_area.{name}", getattr(watched.network_area, name)


def _check_list(entries: tuple[str, ...], field_name: str) -> None:
    if len(entries) > MAX_FILTER_ENTRIES or not all(
        1 <= len(entry) <= MAX_TEXT_CHARACTERS for entry in entries
    ):
        raise _invalid(
            f"{field_name.rsplit('.', 1)[-1]} holds at most {MAX_FILTER_ENTRIES} entries of 1 to "
            f"{MAX_TEXT_CHARACTERS} characters",
            field_name,
        )


def _check_period(period: timedelta | None, *, periodic: bool, field_name: str) -> None:
    if periodic and period is None:
        raise _invalid("the method PERIODIC needs a period", field_name)
    if period is None:
        return
    if not periodic:
        raise _invalid("a period contradicts a method other than PERIODIC", field_name)
    _check_length(period, field_name)


def _check_length(length: timedelta, field_name: str) -> None:
    if length < SHORTEST_PERIOD:
        raise _invalid(
            f"{field_name.rsplit('.', 1)[-1]} must be {SHORTEST_PERIOD.total_seconds()} s or more",
            field_name,
        )


def _common_features(requested: str, offer: Offer) -> str:
    """The features of both sides in hexadecimal; empty when the consumer sent none."""
    if not requested:
        return ""
    if len(requested) > MAX_TEXT_CHARACTERS or not set(requested) <= set("0123456789abcdefABCDEF"):
        raise _invalid("supported_features is no hexadecimal number", "supported_features")
    own = SUPPORTED_FEATURES | (_NF_LOAD_FEATURE if offer.nf_load else 0)
    return f"{int(requested, 16) & own:x}"


def _invalid(message: str, field_name: str) -> InvalidArgument:
    return InvalidArgument(message, reason="INVALID_FIELD", field=field_name)
