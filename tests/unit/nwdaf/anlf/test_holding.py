"""Groups and muting: what is sent, what waits, what is forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.ran_events import START

from nwdaf.anlf.holding import (
    Outcome,
    after_modification,
    after_reports,
    after_time,
    due_time,
    is_due,
)
from nwdaf.anlf.reports import Held, Report
from nwdaf.anlf.subscriptions import (
    BufferedNotificationsAction,
    Criteria,
    Muting,
    NotificationFlag,
    NotificationMethod,
    Reporting,
    Subscription,
    SubscriptionAction,
    WatchedEvent,
)

SECOND = timedelta(seconds=1)
A, B, C, D = (Report(name) for name in "ABCD")


def subscription(
    reporting: Reporting | None = None, *held: Report, muted: bool = False
) -> Subscription:
    """A subscription that holds these reports, one a notification, since START."""
    return Subscription(
        subscription_id="s",
        criteria=Criteria((WatchedEvent("DOPPLER"),), reporting or Reporting()),
        failures=(),
        revision=1,
        create_time=START,
        held=tuple(Held((report,), START) for report in held),
        muted=muted,
    )


def muting(
    *,
    flag: NotificationFlag = NotificationFlag.DEACTIVATE,
    full: BufferedNotificationsAction = BufferedNotificationsAction.DROP_OLD,
    then: SubscriptionAction = SubscriptionAction.CONTINUE_WITH_MUTING,
    keep: timedelta | None = None,
) -> Reporting:
    """Muting with room for two notifications."""
    return Reporting(muting=Muting(flag, full, then, 2, keep))


def shown(outcome: Outcome) -> tuple[str, str, bool, bool]:
    """Names of what is sent and of what is held, whether it is muted, and whether it ends."""
    return (
        "".join(report.event for report in outcome.send),
        "".join(report.event for held in outcome.held for report in held.reports),
        outcome.muted,
        outcome.closed,
    )


def test_without_group_or_muting_reports_are_sent_at_once() -> None:
    """Nothing waits."""
    assert shown(after_reports(subscription(), (A,), START)) == ("A", "", False, False)


def test_a_group_waits_for_its_time_and_is_sent_as_one() -> None:
    """The time of grpRepTime counts from the first report; later ones join."""
    grouped = Reporting(grp_rep_time=3 * SECOND)
    first = after_reports(subscription(grouped), (A,), START)
    both = after_reports(subscription(grouped, A), (B,), START + SECOND)
    early = after_time(subscription(grouped, A, B), START + 2 * SECOND)
    due = after_time(subscription(grouped, A, B), START + 3 * SECOND)
    assert shown(first) == ("", "A", False, False)
    assert shown(both) == ("", "AB", False, False)
    assert shown(early) == ("", "AB", False, False)
    assert shown(due) == ("AB", "", False, False)


def test_a_group_that_grows_without_bound_is_sent_early() -> None:
    """A burst does not fill the memory."""
    grouped = Reporting(grp_rep_time=3 * SECOND)
    sent = after_reports(subscription(grouped, *[A] * 99), (B,), START)
    assert shown(sent) == (99 * "A" + "B", "", False, False)


def test_a_group_is_sent_before_the_subscription_ends() -> None:
    """What was observed in time is reported in time."""
    grouped = Reporting(grp_rep_time=60 * SECOND, mon_dur=START + 10 * SECOND)
    held = subscription(grouped, A).held
    due = due_time(
        subscription(grouped).criteria, held, muted=False, create_time=START, now=START + SECOND
    )
    assert due is not None
    assert START + 9 * SECOND < due < START + 10 * SECOND
    assert shown(after_time(subscription(grouped, A), due)) == ("A", "", False, False)


def test_muting_stores_and_retrieval_hands_out_and_goes_on() -> None:
    """DEACTIVATE, RETRIEVAL and ACTIVATE of notifFlag."""
    muted = muting()
    stored = after_reports(subscription(muted, A, muted=True), (B,), START)
    handed_out = after_modification(
        subscription(muting(flag=NotificationFlag.RETRIEVAL), A, B, muted=True), START
    )
    ended = after_modification(
        subscription(muting(flag=NotificationFlag.ACTIVATE), A, B, muted=True), START
    )
    begun = after_modification(subscription(muted), START)
    assert shown(stored) == ("", "AB", True, False)
    assert shown(handed_out) == ("AB", "", True, False)
    assert shown(ended) == ("AB", "", False, False)
    assert shown(begun) == ("", "", True, False)


@pytest.mark.parametrize(
    ("full", "then", "outcome"),
    [
        ("DROP_OLD", "CONTINUE_WITH_MUTING", ("", "BC", True, False)),
        ("DROP_OLD", "CONTINUE_WITHOUT_MUTING", ("BC", "", False, False)),
        ("DROP_OLD", "CLOSE", ("", "", False, True)),
        ("DISCARD_ALL", "CONTINUE_WITH_MUTING", ("", "C", True, False)),
        ("DISCARD_ALL", "CONTINUE_WITHOUT_MUTING", ("C", "", False, False)),
        ("DISCARD_ALL", "CLOSE", ("", "", False, True)),
        ("SEND_ALL", "CONTINUE_WITH_MUTING", ("AB", "C", True, False)),
        ("SEND_ALL", "CONTINUE_WITHOUT_MUTING", ("ABC", "", False, False)),
        ("SEND_ALL", "CLOSE", ("ABC", "", False, True)),
    ],
)
def test_a_full_buffer_is_dealt_with_as_instructed(
    full: str, then: str, outcome: tuple[str, str, bool, bool]
) -> None:
    """Every pair of notifFlagInstruct, when a third notification comes where two have room."""
    instructed = muting(full=BufferedNotificationsAction(full), then=SubscriptionAction(then))
    assert shown(after_reports(subscription(instructed, A, B, muted=True), (C,), START)) == outcome


def test_a_group_larger_than_the_buffer_gives_way_to_what_comes_while_muted() -> None:
    """Muting may begin when more is held than it has room for; the oldest go."""
    assert shown(after_reports(subscription(muting(), A, B, C, muted=True), (A,), START)) == (
        "",
        "CA",
        True,
        False,
    )


def test_what_is_held_too_long_is_forgotten() -> None:
    """durationBufferedNotif: an old notification neither fills the buffer nor is handed out."""
    bounded = muting(keep=5 * SECOND)
    holding = subscription(bounded, A, muted=True)
    holding = replace(holding, held=(*holding.held, Held((B,), START + 4 * SECOND)))
    later = START + 6 * SECOND
    assert shown(after_reports(holding, (C,), later)) == ("", "BC", True, False)
    asked = replace(
        holding,
        criteria=subscription(muting(flag=NotificationFlag.RETRIEVAL, keep=5 * SECOND)).criteria,
    )
    assert shown(after_modification(asked, later)) == ("B", "", True, False)


def test_periods_count_from_the_creation_and_the_missed_ones_are_left_out() -> None:
    """After a pause the next multiple is due, not all that have passed."""
    criteria = Criteria(
        (
            WatchedEvent("A", method=NotificationMethod.PERIODIC, repetition_period=10 * SECOND),
            WatchedEvent("B", method=NotificationMethod.PERIODIC, repetition_period=4 * SECOND),
        )
    )
    due = [
        due_time(criteria, (), muted=False, create_time=START, now=START + seconds * SECOND)
        for seconds in (0, 4, 8, 10, 57)
    ]
    assert due == [START + seconds * SECOND for seconds in (4, 8, 10, 12, 60)]


@pytest.mark.parametrize(
    ("since_s", "now_s", "due"), [(10, 10, True), (11, 12, False), (9, 10, True), (5, 9, False)]
)
def test_an_event_is_due_at_the_multiples_of_its_own_period(
    since_s: int, now_s: int, *, due: bool
) -> None:
    """Of two events with different periods only the one whose time has come is reported."""
    assert (
        is_due(
            10 * SECOND,
            create_time=START,
            since=START + since_s * SECOND,
            now=START + now_s * SECOND,
        )
        is due
    )
