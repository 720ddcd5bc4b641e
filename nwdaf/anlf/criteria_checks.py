"""Whether a requested subscription is well formed, whatever of it can be served."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.subscriptions import (
    Criteria,
    MatchingDirection,
    Muting,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    WatchedEvent,
)

MAX_EVENTS = 32
MAX_FILTER_ENTRIES = 64
MAX_TEXT_CHARACTERS = 200
DEFAULT_HELD_NOTIFICATIONS = 100
SHORTEST_PERIOD = timedelta(milliseconds=100)

_THRESHOLD_LISTS = (
    "ran_ue_throu_thds",
    "nf_load_lvl_thds",
    "cong_thresholds",
    "nw_perf_requs",
    "excep_requs",
)


def check_criteria(criteria: Criteria, *, now: datetime) -> None:
    """Returns when no setting is out of range and none contradicts another.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    _check_texts(criteria)
    _check_reporting(criteria.reporting, now=now)
    if not 1 <= len(criteria.events) <= MAX_EVENTS:
        raise invalid(
            f"a subscription names 1 to {MAX_EVENTS} events, not {len(criteria.events)}",
            "event_subscriptions",
        )
    for watched in criteria.events:
        _check_event(watched, criteria, now=now)


def _check_texts(criteria: Criteria) -> None:
    for name in ("notif_corr_id", "consumer_nf_id"):
        if len(getattr(criteria, name)) > MAX_TEXT_CHARACTERS:
            raise invalid(f"{name} has more than {MAX_TEXT_CHARACTERS} characters", name)


def _check_reporting(reporting: Reporting, *, now: datetime) -> None:
    if reporting.max_report_nbr < 0:
        raise invalid("max_report_nbr is negative; 0 means no bound", "evt_req.max_report_nbr")
    if reporting.mon_dur is not None and reporting.mon_dur <= now:
        raise invalid(
            "mon_dur is the time at which the subscription ends, and it has passed",
            "evt_req.mon_dur",
        )
    if reporting.method is ReportingMethod.ONE_TIME and reporting.max_report_nbr > 1:
        raise invalid(
            "ONE_TIME and a max_report_nbr above 1 contradict each other; leave one out",
            "evt_req.max_report_nbr",
        )
    if not 1 <= reporting.samp_ratio_percent <= 100:  # noqa: PLR2004
        raise invalid("samp_ratio is 1 to 100 percent", "evt_req.samp_ratio")
    _check_list(reporting.partition_criteria, "evt_req.partition_criteria")
    periodic = reporting.method is ReportingMethod.PERIODIC
    _check_period(reporting.rep_period, periodic=periodic, field_name="evt_req.rep_period")
    if reporting.grp_rep_time is not None:
        if periodic:
            raise invalid(
                "a group time contradicts PERIODIC, which groups already; leave one out",
                "evt_req.grp_rep_time",
            )
        _check_length(reporting.grp_rep_time, "evt_req.grp_rep_time")
    if reporting.muting is not None:
        _check_muting(reporting.muting)


def _check_muting(muting: Muting) -> None:
    if muting.max_no_of_notif < 0:
        raise invalid(
            f"max_no_of_notif is negative; 0 means {DEFAULT_HELD_NOTIFICATIONS}",
            "evt_req.muting_setting.max_no_of_notif",
        )
    if muting.duration_buffered_notif is not None:
        _check_length(
            muting.duration_buffered_notif, "evt_req.muting_setting.duration_buffered_notif"
        )


def _check_event(watched: WatchedEvent, criteria: Criteria, *, now: datetime) -> None:
    name = "event_subscriptions"
    if not 1 <= len(watched.event) <= MAX_TEXT_CHARACTERS:
        raise invalid(f"event has 1 to {MAX_TEXT_CHARACTERS} characters", f"{name}.event")
    for field_name, entries in _lists(watched):
        _check_list(entries, f"{name}.{field_name}")
    for field_name in _THRESHOLD_LISTS:
        if len(getattr(watched, field_name)) > MAX_FILTER_ENTRIES:
            raise invalid(
                f"{field_name} holds at most {MAX_FILTER_ENTRIES} entries", f"{name}.{field_name}"
            )
    if watched.excep_requs and watched.expt_ana_type:
        raise invalid(
            "excep_requs and expt_ana_type exclude each other; leave one out",
            f"{name}.expt_ana_type",
        )
    if any(
        perf.relative_ratio_percent is not None and perf.absolute_num is not None
        for perf in watched.nw_perf_requs
    ):
        raise invalid(
            "relative_ratio and absolute_num exclude each other; leave one out",
            f"{name}.nw_perf_requs",
        )
    if watched.pause_flg and watched.resume_flg:
        raise invalid("pause_flg and resume_flg exclude each other", f"{name}.pause_flg")
    if watched.accu_req is not None:
        watched.accu_req.check(now=now)
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
        raise invalid(
            "any_ue and named UEs contradict each other; leave one out",
            "event_subscriptions.tgt_ue",
        )
    if watched.extra_report_req.max_object_nbr < 0:
        raise invalid(
            "max_object_nbr is negative; 0 means no bound",
            "event_subscriptions.extra_report_req.max_object_nbr",
        )


def _check_threshold(watched: WatchedEvent) -> None:
    name = "event_subscriptions"
    if watched.threshold is not None and not math.isfinite(watched.threshold):
        raise invalid("threshold is not a finite number", f"{name}.threshold")
    has_threshold = watched.threshold is not None or any(
        getattr(watched, field_name) for field_name in _THRESHOLD_LISTS
    )
    if not has_threshold and watched.matching_dir in (
        MatchingDirection.ASCENDING,
        MatchingDirection.DESCENDING,
    ):
        raise invalid(
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
        raise invalid(
            f"{field_name.rsplit('.', 1)[-1]} holds at most {MAX_FILTER_ENTRIES} entries of 1 to "
            f"{MAX_TEXT_CHARACTERS} characters",
            field_name,
        )


def _check_period(period: timedelta | None, *, periodic: bool, field_name: str) -> None:
    if periodic and period is None:
        raise invalid("the method PERIODIC needs a period", field_name)
    if period is None:
        return
    if not periodic:
        raise invalid("a period contradicts a method other than PERIODIC", field_name)
    _check_length(period, field_name)


def _check_length(length: timedelta, field_name: str) -> None:
    if length < SHORTEST_PERIOD:
        raise invalid(
            f"{field_name.rsplit('.', 1)[-1]} must be {SHORTEST_PERIOD.total_seconds()} s or more",
            field_name,
        )


def invalid(message: str, field_name: str) -> InvalidArgument:
    """The error of a field of the request."""
    return InvalidArgument(message, reason="INVALID_FIELD", field=field_name)
