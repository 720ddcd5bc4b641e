"""When a subscription ends, and what its settings mean."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.ran_events import START

from nwdaf.anlf.subscriptions import (
    Criteria,
    NetworkArea,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    Subscription,
    WatchedEvent,
)


def subscription(reporting: Reporting, *, report_count: int = 0) -> Subscription:
    """A subscription with these reporting settings."""
    return Subscription(
        subscription_id="s",
        criteria=Criteria(events=(WatchedEvent("DOPPLER"),), reporting=reporting),
        failures=(),
        revision=1,
        create_time=START,
        report_count=report_count,
    )


@pytest.mark.parametrize(
    ("reporting", "report_count", "expired"),
    [
        (Reporting(), 1_000_000, False),
        (Reporting(method=ReportingMethod.ONE_TIME), 0, False),
        (Reporting(method=ReportingMethod.ONE_TIME), 1, True),
        (Reporting(max_report_nbr=3), 2, False),
        (Reporting(max_report_nbr=3), 3, True),
    ],
)
def test_reports_use_a_subscription_up(
    reporting: Reporting, report_count: int, *, expired: bool
) -> None:
    """ONE_TIME and maxReportNbr end it; without them it does not end."""
    assert subscription(reporting, report_count=report_count).has_expired(START) is expired


def test_mon_dur_is_the_end_itself() -> None:
    """The subscription lives until the time and not at it."""
    ending = subscription(Reporting(mon_dur=START))
    assert not ending.has_expired(START - timedelta(microseconds=1))
    assert ending.has_expired(START)


def test_a_report_does_not_change_the_etag() -> None:
    """Only a modification makes another writer's knowledge stale."""
    one = subscription(Reporting())
    assert replace(one, report_count=5).etag == one.etag
    assert replace(one, revision=2).etag != one.etag


def test_a_closed_subscription_has_expired() -> None:
    """The AnLF may end it before its time."""
    assert replace(subscription(Reporting()), closed=True).has_expired(START)


@pytest.mark.parametrize(
    ("reporting", "period_s"),
    [
        (Reporting(), 7),
        (Reporting(method=ReportingMethod.PERIODIC, rep_period=timedelta(seconds=2)), 2),
        (Reporting(method=ReportingMethod.ON_EVENT_DETECTION), None),
        (Reporting(method=ReportingMethod.ONE_TIME), None),
    ],
)
def test_evt_req_overrides_the_method_and_period_of_the_event(
    reporting: Reporting, period_s: int | None
) -> None:
    """TS 29.520 4.2.2.2.2 note 1, with an event that asks for a report each 7 s."""
    watched = WatchedEvent(
        "DOPPLER", method=NotificationMethod.PERIODIC, repetition_period=timedelta(seconds=7)
    )
    expected = None if period_s is None else timedelta(seconds=period_s)
    assert Criteria((watched,), reporting).period_of(watched) == expected


def test_an_area_is_the_same_in_the_standard_s_and_the_vendor_s_members() -> None:
    """NR cells are beams and RAN nodes satellites; both members together name all of them."""
    watched = WatchedEvent(
        "DOPPLER",
        beam_ids=("1",),
        network_area=NetworkArea(nr_cell_ids=("2",), g_ran_node_ids=("25544",)),
    )
    assert (watched.beams, watched.satellites) == ({"1", "2"}, {"25544"})
