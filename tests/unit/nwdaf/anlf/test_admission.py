"""What of a request is accepted."""

from datetime import timedelta

import pytest
from support.ran_events import START

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.admission import MAX_EVENTS, admit
from nwdaf.anlf.subscriptions import (
    EVENT_KINDS,
    Criteria,
    MatchingDirection,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    WatchedEvent,
)

SECOND = timedelta(seconds=1)


def criteria(*events: WatchedEvent, reporting: Reporting | None = None) -> Criteria:
    """A request for these events."""
    return Criteria(events=events, reporting=reporting or Reporting())


@pytest.mark.parametrize("token", EVENT_KINDS)
def test_every_token_is_accepted(token: str) -> None:
    """The standard's events, the vendor's tokens and their aliases."""
    admission = admit(criteria(WatchedEvent(token)), now=START)
    assert [watched.event for watched in admission.criteria.events] == [token]
    assert admission.failures == ()


@pytest.mark.parametrize(
    "refused",
    [
        WatchedEvent("UE_MOBILITY"),
        WatchedEvent("DOPPLER", method=NotificationMethod.PERIODIC, repetition_period=SECOND),
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


def test_periodic_reporting_of_the_whole_subscription_serves_nothing() -> None:
    """It overrides every event, and none is served periodically."""
    with pytest.raises(InvalidArgument) as raised:
        admit(
            criteria(
                WatchedEvent("DOPPLER"),
                reporting=Reporting(method=ReportingMethod.PERIODIC, rep_period=SECOND),
            ),
            now=START,
        )
    assert raised.value.reason == "NO_EVENT_ACCEPTED"


@pytest.mark.parametrize(
    ("reporting", "field"),
    [
        (Reporting(max_report_nbr=-1), "evt_req.max_report_nbr"),
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
    ],
)
def test_entries_out_of_range_are_refused(watched: WatchedEvent, field: str) -> None:
    """One entry that makes no sense refuses the request, whatever else is in it."""
    with pytest.raises(InvalidArgument) as raised:
        admit(criteria(WatchedEvent("EAVESDROPPER"), watched), now=START)
    assert (raised.value.reason, raised.value.metadata) == ("INVALID_FIELD", {"field": field})


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
    ("requested", "common"), [("", ""), ("0", "0"), ("18", "18"), ("FFFF", "18"), ("8", "8")]
)
def test_features_are_the_intersection(requested: str, common: str) -> None:
    """QoSSustainability (4) and AbnormalBehaviour (5); nothing when the consumer sent nothing."""
    asked = Criteria(events=(WatchedEvent("DOPPLER"),), supported_features=requested)
    assert admit(asked, now=START).criteria.supported_features == common


@pytest.mark.parametrize("requested", ["0x18", "-1", "1_0", "x", "F" * 201])
def test_features_that_are_no_hexadecimal_number_are_refused(requested: str) -> None:
    """Also what Python would read as a number."""
    asked = Criteria(events=(WatchedEvent("DOPPLER"),), supported_features=requested)
    with pytest.raises(InvalidArgument) as raised:
        admit(asked, now=START)
    assert raised.value.metadata == {"field": "supported_features"}
