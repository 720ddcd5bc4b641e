"""Messages of EventsSubscriptionService there and back."""

from datetime import timedelta

import pytest
from support.ran_events import START, beam_quality, doppler, eavesdropper, event

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as service_pb
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.criteria_messages import criteria_of
from nwdaf.anlf.events_messages import NotificationResponses, subscription_message
from nwdaf.anlf.notifications import Cause, Notification
from nwdaf.anlf.observations import Observation, Quantity, observations_of
from nwdaf.anlf.reports import FailureCode, Report
from nwdaf.anlf.subscriptions import EventFailure, Subscription


def full_message() -> pb.EventsSubscription:
    """A subscription that uses every field a consumer can set."""
    message = pb.EventsSubscription(
        event_subscriptions=[
            pb.EventSubscription(
                event="BEAM_QUALITY",
                notification_method=pb.NOTIFICATION_METHOD_PERIODIC,
                matching_dir=pb.MATCHING_DIRECTION_DESCENDING,
                beam_ids=["1", "2"],
                satellite_ids=["25544"],
                threshold=0.0,
            ),
            pb.EventSubscription(event="DOPPLER"),
            pb.EventSubscription(
                event="NF_LOAD",
                tgt_ue=pb.TargetUeInformation(supis=["a"], gpsis=["b"], int_group_ids=["c"]),
                network_area=pb.NetworkAreaInfo(
                    nr_cell_ids=["1"], g_ran_node_ids=["25544"], tacs=["t"]
                ),
                ran_ue_throu_thds=["1 Mbps"],
                nf_load_lvl_thds=[pb.ThresholdLevel(nf_cpu_usage=0, nf_memory_usage=80)],
                cong_thresholds=[pb.ThresholdLevel(cong_level=1)],
                nw_perf_requs=[
                    pb.NetworkPerfRequirement(nw_perf_type="NUM_OF_UE", absolute_num=0),
                    pb.NetworkPerfRequirement(nw_perf_type="HO_SUCC_RATIO", relative_ratio=5),
                ],
                excep_requs=[
                    pb.ExceptionRequirement(excep_id="UNEXPECTED_WAKEUP"),
                    pb.ExceptionRequirement(excep_id="PING_PONG_ACROSS_CELLS", excep_level=0),
                ],
                expt_ana_type="MOBILITY",
                nf_instance_ids=["oam"],
                extra_report_req=pb.EventReportingRequirement(max_object_nbr=3),
                accu_req=pb.AccuracyReq(accu_dev_thr=0, min_num=3),
                pause_flg=True,
            ),
        ],
        evt_req=pb.ReportingInformation(
            notif_method=pb.REPORTING_METHOD_ON_EVENT_DETECTION,
            max_report_nbr=5,
            imm_rep=True,
            samp_ratio=40,
            partition_criteria=["GEOAREA"],
            notif_flag=pb.NOTIFICATION_FLAG_DEACTIVATE,
            notif_flag_instruct=pb.MutingExceptionInstructions(
                buffered_notifs=pb.BUFFERED_NOTIFICATIONS_ACTION_SEND_ALL,
                subscription=pb.SUBSCRIPTION_ACTION_CLOSE,
            ),
            muting_setting=pb.MutingNotificationsSettings(max_no_of_notif=9),
        ),
        notif_corr_id="mine",
        supported_features="18",
        consumer_nf_id="me",
    )
    message.event_subscriptions[0].repetition_period.FromMilliseconds(1500)
    message.evt_req.mon_dur.FromDatetime(START)
    message.evt_req.rep_period.FromSeconds(2)
    message.evt_req.grp_rep_time.FromSeconds(4)
    message.evt_req.muting_setting.duration_buffered_notif.FromSeconds(5)
    extra = message.event_subscriptions[2].extra_report_req
    extra.start_ts.FromDatetime(START)
    extra.end_ts.FromDatetime(START)
    extra.time_ana_needed.FromDatetime(START)
    extra.offset_period.FromSeconds(-6)
    accuracy = message.event_subscriptions[2].accu_req
    accuracy.accu_time_win.start_time.FromDatetime(START)
    accuracy.accu_time_win.stop_time.FromDatetime(START)
    accuracy.accu_period.FromSeconds(7)
    message.event_subscriptions[0].resume_flg = True
    return message


def test_a_subscription_survives_the_way_there_and_back() -> None:
    """Every field of the request, a threshold of zero and unset fields included."""
    sent = full_message()
    stored = Subscription(
        subscription_id="s",
        criteria=criteria_of(sent),
        failures=(EventFailure("NF_LOAD", FailureCode.OTHER, "unknown"),),
        revision=3,
        create_time=START,
        report_count=4,
    )

    answered = subscription_message(stored, expired=False)

    assert answered.event_subscriptions == sent.event_subscriptions
    assert answered.evt_req == sent.evt_req
    assert not answered.event_subscriptions[1].HasField("threshold")
    assert (answered.notif_corr_id, answered.consumer_nf_id) == ("mine", "me")
    assert (answered.state, answered.etag) == (pb.SUBSCRIPTION_STATE_ACTIVE, "3")
    assert (answered.report_count, answered.create_time.ToSeconds()) == (4, START.timestamp())
    assert answered.fail_event_reports[0] == pb.FailureEventInfo(
        event="NF_LOAD", failure_code="OTHER"
    )


def test_output_only_fields_of_a_request_are_ignored() -> None:
    """A consumer cannot set its own state or count."""
    sent = full_message()
    plain = criteria_of(sent)
    sent.state = pb.SUBSCRIPTION_STATE_EXPIRED
    sent.report_count = 7
    sent.fail_event_reports.add(event="x")
    assert criteria_of(sent) == plain


@pytest.mark.parametrize("name", ["notification_method", "matching_dir"])
def test_enum_values_that_do_not_exist_are_refused(name: str) -> None:
    """Proto3 lets any number through."""
    sent = full_message()
    setattr(sent.event_subscriptions[0], name, 99)
    with pytest.raises(InvalidArgument) as raised:
        criteria_of(sent)
    assert raised.value.metadata == {"field": name}


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (
            beam_quality(),
            {"sinr_db": 2.0, "threshold_db": 5.0, "esim_ids": ["esim-01", "esim-02"]},
        ),
        (
            doppler(),
            {
                "esim_id": "esim-03",
                "sinr_loss_db": 4.0,
                "doppler_hz": -120_000.0,
                "doppler_rate_hz_s": -900.0,
                "residual_doppler_hz": 450.0,
            },
        ),
        (
            eavesdropper(),
            {
                "esim_id": "esim-04",
                "detection_statistic": 9.0,
                "bearing_deg": 45.0,
                "estimated_range_km": 7.5,
            },
        ),
    ],
)
def test_the_report_holds_what_was_observed(data: EventData, report: dict[str, object]) -> None:
    """One typed report for each kind of trigger, complete."""
    (observation,) = observations_of(event(data, "t"), received_time=START)
    for entry in sent(Report("A", observation), Report("B", observation)).event_notifications:
        assert filled(entry) == report
        assert (entry.trigger_id, entry.observed_value) == ("t", observation.value)


def sent(*reports: Report, cause: Cause | None = None) -> pb.Notification:
    """The message of a notification with these reports."""
    cause = Cause.of_event(event(doppler(), "t")) if cause is None else cause
    notification = Notification("n", "s", 1, "", reports, cause, START)
    return parsed(NotificationResponses(), notification)


def parsed(responses: NotificationResponses, notification: Notification) -> pb.Notification:
    """What a consumer reads."""
    response = responses.response(notification)
    return service_pb.WatchNotificationsResponse.FromString(response).notification


def filled(entry: pb.EventNotification) -> dict[str, object]:
    """The fields of the typed report."""
    chosen = entry.WhichOneof("report")
    assert chosen is not None
    typed = getattr(entry, chosen)
    return {field.name: getattr(typed, field.name) for field, _ in typed.ListFields()}


@pytest.mark.parametrize(
    ("quantity", "report"),
    [
        (Quantity.BEAM_SINR, {"sinr_db": 7.0}),
        (Quantity.BEAM_UE_COUNT, {"nw_perf_type": "NUM_OF_UE", "absolute_num": 7}),
        (Quantity.SATELLITE_UE_COUNT, {"nw_perf_type": "NUM_OF_UE", "absolute_num": 7}),
        (
            Quantity.UE_SINR_LOSS,
            {"supis": ["u"], "excep_id": "UNEXPECTED_RADIO_LINK_FAILURES", "excep_level": 7.0},
        ),
        (Quantity.UE_DETECTION_STATISTIC, {"esim_id": "u", "detection_statistic": 7.0}),
        (Quantity.UE_LOCATION, {"supi": "u", "nr_cell_id": "7"}),
        (Quantity.NF_CPU_USAGE, {"nf_instance_id": "oam", "nf_cpu_usage": 7.0}),
        (Quantity.NF_MEMORY_USAGE, {"nf_instance_id": "oam", "nf_memory_usage": 7.0}),
    ],
)
def test_a_sample_becomes_the_standard_s_list(
    quantity: Quantity, report: dict[str, object]
) -> None:
    """Each sampled quantity has its typed report."""
    observation = Observation(
        quantity, 7.0, START, "e", "", START, beam_id="7", ue_id="u", nf_instance_id="oam"
    )
    (entry,) = sent(Report("X", observation)).event_notifications
    assert filled(entry) == report


def test_a_report_without_data_says_so() -> None:
    """There is failNotifyCode and rvWaitTime, and no number."""
    failed = Report("X", None, FailureCode.UNAVAILABLE_DATA, timedelta(seconds=5))
    (entry,) = sent(failed).event_notifications
    assert (entry.fail_notify_code, entry.rv_wait_time.seconds) == ("UNAVAILABLE_DATA", 5)
    assert entry.WhichOneof("report") is None


def test_what_notifications_have_in_common_is_not_mixed_up() -> None:
    """The identity and sequence are each one's own, the reports those of its cause."""
    responses = NotificationResponses()
    (observation,) = observations_of(event(doppler(), "t"), received_time=START)
    shared = (Report("A", observation),)
    cause = Cause("c")
    made = [
        parsed(responses, Notification(f"n-{n}", f"s-{n}", n, "", shared, cause, START))
        for n in (1, 2)
    ]
    other = parsed(responses, Notification("n-3", "s-3", 3, "", (Report("B"),), cause, START))
    assert [(one.notification_id, one.sequence) for one in made] == [("n-1", 1), ("n-2", 2)]
    assert made[0].event_notifications == made[1].event_notifications
    assert other.event_notifications[0].event == "B"


def test_what_the_cause_does_not_say_is_not_made_up() -> None:
    """Without the transport header there is no publish time, without a trace no traceparent."""
    message = sent(Report("DOPPLER"), cause=Cause("a period"))
    assert not message.HasField("publish_time")
    assert message.traceparent == ""


def test_muting_without_its_flag_is_refused() -> None:
    """Instructions alone would silently do nothing."""
    asked = full_message()
    asked.evt_req.notif_flag = pb.NOTIFICATION_FLAG_UNSPECIFIED
    with pytest.raises(InvalidArgument) as raised:
        criteria_of(asked)
    assert raised.value.metadata == {"field": "evt_req.notif_flag"}
