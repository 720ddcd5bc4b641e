"""Messages of EventsSubscriptionService there and back."""

from dataclasses import replace

import pytest
from support.ran_events import START, beam_quality, doppler, eavesdropper, event

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.events_messages import criteria_of, notification_message, subscription_message
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.subscriptions import EventFailure, FailureCode, Subscription
from nwdaf.anlf.triggers import Trigger


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
        ],
        evt_req=pb.ReportingInformation(
            notif_method=pb.REPORTING_METHOD_ON_EVENT_DETECTION, max_report_nbr=5, imm_rep=True
        ),
        notif_corr_id="mine",
        supported_features="18",
        consumer_nf_id="me",
    )
    message.event_subscriptions[0].repetition_period.FromMilliseconds(1500)
    message.evt_req.mon_dur.FromDatetime(START)
    message.evt_req.rep_period.FromSeconds(2)
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
    made = Trigger.from_event(event(data, "t"))
    assert made is not None
    notification = Notification(
        notification_id="n",
        subscription_id="s",
        sequence=1,
        notif_corr_id="",
        events=("A", "B"),
        trigger=made,
        create_time=START,
    )

    message = notification_message(notification)

    assert [entry.event for entry in message.event_notifications] == ["A", "B"]
    for entry in message.event_notifications:
        chosen = entry.WhichOneof("report")
        assert chosen is not None
        sent = getattr(entry, chosen)
        assert {field.name: getattr(sent, field.name) for field, _ in sent.ListFields()} == report


def test_what_the_trigger_does_not_say_is_not_made_up() -> None:
    """Without the transport header there is no publish time, without a trace no traceparent."""
    bare = Trigger.from_event(replace(event(doppler()), published_at_ns=None, traceparent=None))
    assert bare is not None
    message = notification_message(Notification("n", "s", 1, "", ("DOPPLER",), bare, START))
    assert not message.HasField("publish_time")
    assert message.traceparent == ""
