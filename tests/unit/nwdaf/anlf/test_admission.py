"""What of a request is accepted."""

from datetime import timedelta

import pytest
from support.ran_events import START

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.accuracy import AccuracyRequirement
from nwdaf.anlf.admission import admit
from nwdaf.anlf.criteria_checks import MAX_EVENTS
from nwdaf.anlf.reports import FailureCode
from nwdaf.anlf.served_events import VENDOR_EVENTS, Offer
from nwdaf.anlf.subscriptions import (
    Criteria,
    ExceptionRequirement,
    ExtraReportRequirement,
    MatchingDirection,
    Muting,
    NetworkArea,
    NetworkPerfRequirement,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    TargetUe,
    ThresholdLevel,
    WatchedEvent,
)

SECOND = timedelta(seconds=1)


def criteria(*events: WatchedEvent, reporting: Reporting | None = None) -> Criteria:
    """A request for these events."""
    return Criteria(events=events, reporting=reporting or Reporting())


@pytest.mark.parametrize(
    "token", ["QOS_SUSTAINABILITY", "ABNORMAL_BEHAVIOUR", "UE_MOBILITY", *VENDOR_EVENTS]
)
def test_every_token_is_accepted(token: str) -> None:
    """The standard's events, the vendor's tokens and their aliases."""
    admission = admit(criteria(WatchedEvent(token)), now=START)
    assert [watched.event for watched in admission.criteria.events] == [token]
    assert admission.failures == ()


@pytest.mark.parametrize("token", VENDOR_EVENTS)
def test_the_strict_profile_serves_the_standard_s_events_only(token: str) -> None:
    """A vendor's token is then as unknown as any other, and the rest is served."""
    asked = criteria(WatchedEvent(token), WatchedEvent("QOS_SUSTAINABILITY"))
    admission = admit(asked, now=START, offer=Offer(vendor_events=False))
    assert [watched.event for watched in admission.criteria.events] == ["QOS_SUSTAINABILITY"]
    assert [failure.event for failure in admission.failures] == [token]


def level(**levels: int) -> tuple[ThresholdLevel, ...]:
    """One threshold of NF_LOAD."""
    return (ThresholdLevel(**levels),)


@pytest.mark.parametrize(
    "watched",
    [
        WatchedEvent("USER_DATA_CONGESTION"),
        WatchedEvent("QOS_SUSTAINABILITY", cong_thresholds=level(cong_level=3)),
        WatchedEvent("QOS_SUSTAINABILITY", ran_ue_throu_thds=("10 Mbps",)),
        WatchedEvent("UE_MOBILITY", tgt_ue=TargetUe(gpsis=("msisdn-491234",))),
        WatchedEvent("UE_MOBILITY", tgt_ue=TargetUe(int_group_ids=("group",))),
        WatchedEvent("DOPPLER", network_area=NetworkArea(tacs=("0001",))),
        WatchedEvent("NF_LOAD", nf_load_lvl_thds=level(nf_cpu_usage=50)),
        WatchedEvent(
            "NETWORK_PERFORMANCE",
            nw_perf_requs=(NetworkPerfRequirement("HO_SUCC_RATIO", relative_ratio_percent=90),),
        ),
        WatchedEvent(
            "ABNORMAL_BEHAVIOUR", excep_requs=(ExceptionRequirement("UNEXPECTED_WAKEUP"),)
        ),
        WatchedEvent("ABNORMAL_BEHAVIOUR", expt_ana_type="COMMUN"),
    ],
)
def test_what_nothing_publishes_is_unavailable_data(watched: WatchedEvent) -> None:
    """A failure with its reason, and never an invented number."""
    admission = admit(criteria(WatchedEvent("EAVESDROPPER"), watched), now=START)
    (failure,) = admission.failures
    assert (failure.event, failure.failure_code) == (watched.event, FailureCode.UNAVAILABLE_DATA)
    assert failure.explanation


def test_nf_load_is_served_where_there_are_functions_to_read() -> None:
    """CPU and memory are; storage is not."""
    offer = Offer(nf_load=True)
    served = WatchedEvent("NF_LOAD", nf_load_lvl_thds=level(nf_cpu_usage=50, nf_memory_usage=80))
    refused = WatchedEvent("NF_LOAD", nf_load_lvl_thds=level(nf_storage_usage=50))
    admission = admit(criteria(served, refused), now=START, offer=offer)
    assert admission.criteria.events == (served,)
    assert [failure.failure_code for failure in admission.failures] == [
        FailureCode.UNAVAILABLE_DATA
    ]


@pytest.mark.parametrize("event", ["NETWORK_PERFORMANCE", "NF_LOAD"])
def test_a_crossing_of_nothing_is_not_waited_for(event: str) -> None:
    """Without a threshold there is nothing to report but with a period."""
    offer, silent = Offer(nf_load=True), WatchedEvent(event)
    periodic = WatchedEvent(event, method=NotificationMethod.PERIODIC, repetition_period=SECOND)
    assert admit(criteria(periodic), now=START, offer=offer).failures == ()
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(silent), now=START, offer=offer)
    assert raised.value.reason == "NO_EVENT_ACCEPTED"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (
            ExtraReportRequirement(start_time=START - SECOND, end_time=START + SECOND),
            FailureCode.BOTH_STAT_PRED_NOT_ALLOWED,
        ),
        (
            ExtraReportRequirement(start_time=START + SECOND, end_time=START + 2 * SECOND),
            FailureCode.PREDICTION_NOT_ALLOWED,
        ),
        (ExtraReportRequirement(offset_period=SECOND), FailureCode.PREDICTION_NOT_ALLOWED),
        (
            ExtraReportRequirement(start_time=START - 2 * SECOND, end_time=START - SECOND),
            FailureCode.UNAVAILABLE_DATA,
        ),
        (ExtraReportRequirement(offset_period=-SECOND), FailureCode.UNAVAILABLE_DATA),
        (
            ExtraReportRequirement(time_ana_needed=START),
            FailureCode.UNSATISFIED_REQUESTED_ANALYTICS_TIME,
        ),
    ],
)
def test_a_period_other_than_the_present_has_its_failure_code(
    extra: ExtraReportRequirement, code: FailureCode
) -> None:
    """Past, future and both: each its own code; the message points to AnalyticsInfo."""
    watched = WatchedEvent("QOS_SUSTAINABILITY", extra_report_req=extra)
    admission = admit(criteria(WatchedEvent("EAVESDROPPER"), watched), now=START)
    assert [failure.failure_code for failure in admission.failures] == [code]


@pytest.mark.parametrize(
    "refused",
    [
        WatchedEvent("SERVICE_EXPERIENCE"),
        WatchedEvent("DOPPLER", threshold=1.0, matching_dir=MatchingDirection.DESCENDING),
        WatchedEvent("BEAM_QUALITY", threshold=1.0, matching_dir=MatchingDirection.ASCENDING),
    ],
)
def test_what_cannot_be_served_fails_alone(refused: WatchedEvent) -> None:
    """Beside an event that can be served it is a failure, by itself NO_EVENT_ACCEPTED."""
    admission = admit(criteria(WatchedEvent("EAVESDROPPER"), refused), now=START)
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(refused), now=START)

    assert [watched.event for watched in admission.criteria.events] == ["EAVESDROPPER"]
    assert [failure.event for failure in admission.failures] == [refused.event]
    assert raised.value.reason == "NO_EVENT_ACCEPTED"
    assert admission.failures[0].explanation in raised.value.message


def test_evt_req_overrides_the_method_of_the_event() -> None:
    """ON_EVENT_DETECTION makes a periodic event a served one (TS 29.520 4.2.2.2.2 note 1)."""
    admission = admit(
        criteria(
            WatchedEvent("DOPPLER", method=NotificationMethod.PERIODIC),
            reporting=Reporting(method=ReportingMethod.ON_EVENT_DETECTION),
        ),
        now=START,
    )
    assert admission.failures == ()


def test_periods_are_served() -> None:
    """Of the whole subscription, and of one event."""
    whole = admit(
        criteria(
            WatchedEvent("DOPPLER"),
            reporting=Reporting(method=ReportingMethod.PERIODIC, rep_period=SECOND),
        ),
        now=START,
    )
    one = admit(
        criteria(
            WatchedEvent("DOPPLER", method=NotificationMethod.PERIODIC, repetition_period=SECOND)
        ),
        now=START,
    )
    assert (whole.failures, one.failures) == ((), ())


def test_the_size_of_the_buffer_is_chosen_and_told() -> None:
    """The response tells mutingSetting: a default, and never more than the consumer may have."""
    sizes = [
        admit(
            criteria(
                WatchedEvent("DOPPLER"), reporting=Reporting(muting=Muting(max_no_of_notif=n))
            ),
            now=START,
        ).criteria.reporting.muting
        for n in (0, 7, 10**6)
    ]
    assert [muting.max_no_of_notif for muting in sizes if muting] == [100, 7, 1_000]


def test_ues_cannot_be_partitioned_by_what_they_do_not_have() -> None:
    """Beams are areas; there are no slices."""
    beam, sliced = (
        Reporting(partition_criteria=("GEOAREA",)),
        Reporting(partition_criteria=("SNSSAI",)),
    )
    assert admit(criteria(WatchedEvent("DOPPLER"), reporting=beam), now=START).failures == ()
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(WatchedEvent("DOPPLER"), reporting=sliced), now=START)
    assert raised.value.reason == "NO_EVENT_ACCEPTED"


@pytest.mark.parametrize(
    ("reporting", "field"),
    [
        (Reporting(max_report_nbr=-1), "evt_req.max_report_nbr"),
        (Reporting(samp_ratio_percent=101), "evt_req.samp_ratio"),
        (Reporting(samp_ratio_percent=-1), "evt_req.samp_ratio"),
        (Reporting(grp_rep_time=timedelta(0)), "evt_req.grp_rep_time"),
        (
            Reporting(method=ReportingMethod.PERIODIC, rep_period=SECOND, grp_rep_time=SECOND),
            "evt_req.grp_rep_time",
        ),
        (
            Reporting(muting=Muting(max_no_of_notif=-1)),
            "evt_req.muting_setting.max_no_of_notif",
        ),
        (
            Reporting(muting=Muting(duration_buffered_notif=timedelta(0))),
            "evt_req.muting_setting.duration_buffered_notif",
        ),
        (Reporting(method=ReportingMethod.ONE_TIME, max_report_nbr=2), "evt_req.max_report_nbr"),
        (Reporting(mon_dur=START), "evt_req.mon_dur"),
        (Reporting(method=ReportingMethod.PERIODIC), "evt_req.rep_period"),
        (Reporting(rep_period=SECOND), "evt_req.rep_period"),
        (Reporting(method=ReportingMethod.ONE_TIME, rep_period=SECOND), "evt_req.rep_period"),
        (
            Reporting(method=ReportingMethod.PERIODIC, rep_period=timedelta(0)),
            "evt_req.rep_period",
        ),
    ],
)
def test_contradictory_reporting_is_refused(reporting: Reporting, field: str) -> None:
    """INVALID_FIELD names what to change."""
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(WatchedEvent("DOPPLER"), reporting=reporting), now=START)
    assert (raised.value.reason, raised.value.metadata) == ("INVALID_FIELD", {"field": field})


@pytest.mark.parametrize(
    ("watched", "field"),
    [
        (WatchedEvent(""), "event_subscriptions.event"),
        (WatchedEvent("x" * 201), "event_subscriptions.event"),
        (WatchedEvent("DOPPLER", beam_ids=("",)), "event_subscriptions.beam_ids"),
        (WatchedEvent("DOPPLER", beam_ids=("1",) * 65), "event_subscriptions.beam_ids"),
        (WatchedEvent("DOPPLER", satellite_ids=("x" * 201,)), "event_subscriptions.satellite_ids"),
        (WatchedEvent("DOPPLER", threshold=float("nan")), "event_subscriptions.threshold"),
        (
            WatchedEvent("UE_MOBILITY", tgt_ue=TargetUe(any_ue=True, supis=("a",))),
            "event_subscriptions.tgt_ue",
        ),
        (
            WatchedEvent("UE_MOBILITY", tgt_ue=TargetUe(supis=("",))),
            "event_subscriptions.tgt_ue.supis",
        ),
        (
            WatchedEvent("DOPPLER", network_area=NetworkArea(nr_cell_ids=("1",) * 65)),
            "event_subscriptions.network_area.nr_cell_ids",
        ),
        (
            WatchedEvent(
                "ABNORMAL_BEHAVIOUR",
                excep_requs=(ExceptionRequirement("UNEXPECTED_RADIO_LINK_FAILURES"),),
                expt_ana_type="MOBILITY",
            ),
            "event_subscriptions.expt_ana_type",
        ),
        (
            WatchedEvent(
                "NETWORK_PERFORMANCE",
                nw_perf_requs=(NetworkPerfRequirement("NUM_OF_UE", 5, 5),),
            ),
            "event_subscriptions.nw_perf_requs",
        ),
        (
            WatchedEvent("DOPPLER", nf_load_lvl_thds=(ThresholdLevel(),) * 65),
            "event_subscriptions.nf_load_lvl_thds",
        ),
        (
            WatchedEvent("DOPPLER", extra_report_req=ExtraReportRequirement(max_object_nbr=-1)),
            "event_subscriptions.extra_report_req.max_object_nbr",
        ),
        (
            WatchedEvent("DOPPLER", matching_dir=MatchingDirection.ASCENDING),
            "event_subscriptions.matching_dir",
        ),
        (
            WatchedEvent("DOPPLER", method=NotificationMethod.PERIODIC),
            "event_subscriptions.repetition_period",
        ),
        (
            WatchedEvent("DOPPLER", repetition_period=SECOND),
            "event_subscriptions.repetition_period",
        ),
        (
            WatchedEvent("DOPPLER", pause_flg=True, resume_flg=True),
            "event_subscriptions.pause_flg",
        ),
        (
            WatchedEvent("DOPPLER", accu_req=AccuracyRequirement(least_number=-1)),
            "event_subscriptions.accu_req.min_num",
        ),
    ],
)
def test_entries_out_of_range_are_refused(watched: WatchedEvent, field: str) -> None:
    """One entry that makes no sense refuses the request, whatever else is in it."""
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(WatchedEvent("EAVESDROPPER"), watched), now=START)
    assert (raised.value.reason, raised.value.metadata) == ("INVALID_FIELD", {"field": field})


def test_the_accuracy_of_what_no_model_decides_upon_is_cancelled() -> None:
    """The event itself is served; with the model's events the request is kept."""
    asked = AccuracyRequirement()
    admission = admit(
        criteria(
            WatchedEvent("UE_MOBILITY", accu_req=asked), WatchedEvent("DOPPLER", accu_req=asked)
        ),
        now=START,
    )
    assert [watched.accu_req for watched in admission.criteria.events] == [None, asked]
    assert (admission.accuracy_cancelled, admission.failures) == (("UE_MOBILITY",), ())


@pytest.mark.parametrize("count", [0, MAX_EVENTS + 1])
def test_the_number_of_events_is_bounded(count: int) -> None:
    """None is as wrong as too many."""
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(*[WatchedEvent("DOPPLER")] * count), now=START)
    assert raised.value.metadata == {"field": "event_subscriptions"}


@pytest.mark.parametrize("name", ["notif_corr_id", "consumer_nf_id"])
def test_texts_are_bounded(name: str) -> None:
    """A consumer cannot make the function store a book."""
    with pytest.raises(InvalidArgument) as raised:
        admit(Criteria(events=(WatchedEvent("DOPPLER"),), **{name: "x" * 201}), now=START)
    assert raised.value.metadata == {"field": name}


@pytest.mark.parametrize(
    ("requested", "common"),
    [("", ""), ("0", "0"), ("18", "18"), ("FFFF", "9a"), ("8", "8"), ("40", "0")],
)
def test_features_are_the_intersection(requested: str, common: str) -> None:
    """Features 2, 4, 5 and 8; nothing when the consumer sent nothing."""
    asked = Criteria(events=(WatchedEvent("DOPPLER"),), supported_features=requested)
    assert admit(asked, now=START).criteria.supported_features == common


@pytest.mark.parametrize("requested", ["0x18", "-1", "1_0", "x", "F" * 201])
def test_features_that_are_no_hexadecimal_number_are_refused(requested: str) -> None:
    """Also what Python would read as a number."""
    asked = Criteria(events=(WatchedEvent("DOPPLER"),), supported_features=requested)
    with pytest.raises(InvalidArgument) as raised:
        admit(asked, now=START)
    assert raised.value.metadata == {"field": "supported_features"}


def test_nf_load_is_a_feature_where_it_is_served() -> None:
    """NfLoad (7) is offered only with functions whose load can be read."""
    asked = Criteria(events=(WatchedEvent("DOPPLER"),), supported_features="40")
    admission = admit(asked, now=START, offer=Offer(nf_load=True))
    assert admission.criteria.supported_features == "40"
