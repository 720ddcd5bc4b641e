"""When a subscription ends, and what an entry of it lets through."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.ran_events import START, beam_quality, doppler, event

from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.subscriptions import (
    Criteria,
    Reporting,
    ReportingMethod,
    Subscription,
    WatchedEvent,
)
from nwdaf.anlf.triggers import Trigger


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


@pytest.mark.parametrize(
    ("watched", "data", "matches"),
    [
        (WatchedEvent("DOPPLER"), doppler(), True),
        (WatchedEvent("ABNORMAL_BEHAVIOUR"), doppler(), True),
        (WatchedEvent("DOPPLER"), beam_quality(), False),
        (WatchedEvent("DOPPLER", beam_ids=("1", "2")), doppler(beam_id=2), True),
        (WatchedEvent("DOPPLER", beam_ids=("1", "2")), doppler(beam_id=3), False),
        (WatchedEvent("BEAM_QUALITY", satellite_ids=("7",)), beam_quality(), False),
        (WatchedEvent("BEAM_QUALITY", satellite_ids=("7",)), beam_quality(satellite_id="7"), True),
        (WatchedEvent("BEAM_QUALITY", threshold=2.0), beam_quality(sinr_db=1.0), True),
        (WatchedEvent("BEAM_QUALITY", threshold=2.0), beam_quality(sinr_db=3.0), False),
    ],
)
def test_an_entry_matches_by_event_filters_and_threshold(
    watched: WatchedEvent, data: EventData, *, matches: bool
) -> None:
    """All conditions must hold; empty filters and no threshold let everything pass."""
    trigger = Trigger.from_event(event(data))
    assert trigger is not None
    assert watched.matches(trigger) is matches
