"""When accuracy is told, pauses analytics and lets them resume."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nf_runtime.errors import InvalidArgument
from nwdaf.anlf.accuracy import (
    AccuracyInfo,
    AccuracyReport,
    AccuracyRequirement,
    AccuracyStatus,
    DecisionOutcome,
    DecisionWindow,
    assess,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ASKED = AccuracyRequirement(deviation_threshold_percent=20, least_number=2)


def window(*deviations_percent: float, version: int = 1, position: int = 0) -> DecisionWindow:
    """Decisions that promised that much too much."""
    outcomes: Sequence[DecisionOutcome] = [
        DecisionOutcome(
            predicted_bps_hz=10.0 * (1 + percent / 100),
            achieved_bps_hz=10.0,
            gain_bps_hz=1.0,
            reliability=1.0,
            applied_time=NOW,
        )
        for percent in deviations_percent
    ]
    return DecisionWindow("gan-gdm", version, position, outcomes)


GOOD, BAD = window(10.0, 10.0), window(30.0, 30.0)


def told(
    *windows: DecisionWindow, asked: AccuracyRequirement = ASKED, may_pause: bool = True
) -> list[AccuracyReport | None]:
    """What each of these assessments, a minute apart and each after a new decision, tells."""
    status: AccuracyStatus | None = None
    reports: list[AccuracyReport | None] = []
    for minute, each in enumerate(windows):
        assessed = assess(
            asked,
            replace(each, position=minute + 1),
            status,
            now=NOW + minute * MINUTE,
            may_pause=may_pause,
        )
        if assessed is None:
            reports.append(None)
        else:
            status, report = assessed
            reports.append(report)
    return reports


def indications(*windows: DecisionWindow, asked: AccuracyRequirement = ASKED) -> list[str]:
    """What each assessment tells in a word."""
    words = []
    for report in told(*windows, asked=asked):
        if report is None:
            words.append("")
        elif report.pause_ind:
            words.append("pause")
        else:
            words.append("resume" if report.resume_ind else "told")
    return words


def test_accuracy_is_what_the_deviation_leaves() -> None:
    """`accuInfo`: percentage, number of decisions, and whether the threshold is met."""
    (report,) = told(window(10.0, 20.0))
    assert report is not None
    assert report.info is not None
    assert (round(report.info.accuracy_val, 9), report.info.accu_sample_nbr) == (85.0, 2)
    assert report.info.meets
    assert (report.time, report.pause_ind, report.resume_ind) == (NOW, False, False)


def test_too_few_decisions_tell_nothing() -> None:
    """`minNum`, and those outside `accuTimeWin` do not count."""
    assert told(window(90.0)) == [None]
    later = replace(ASKED, start_time=NOW + MINUTE)
    assert told(BAD, asked=later) == [None]
    earlier = replace(ASKED, start_time=NOW - MINUTE, stop_time=NOW + 2 * MINUTE)
    assert indications(GOOD, BAD, GOOD, asked=earlier) == ["told", "pause", ""]


def test_analytics_pause_when_accuracy_degrades_and_resume_when_it_mends() -> None:
    """Each change is told once, and nothing else."""
    assert indications(GOOD, GOOD, BAD, BAD, GOOD, GOOD) == ["told", "", "pause", "", "resume", ""]


def test_analytics_resume_when_another_version_takes_over() -> None:
    """Before it has decided often enough to be judged; it is paused when it is as bad."""
    _, resumed, paused = told(BAD, window(30.0, version=2), window(30.0, 30.0, version=2))
    assert resumed is not None
    assert (resumed.resume_ind, resumed.info) == (True, None)
    assert paused is not None
    assert paused.pause_ind
    # The newcomer is as bad at once: still paused, and its own accuracy is told.
    assert indications(BAD, window(30.0, 30.0, version=2)) == ["pause", "told"]


def test_a_new_version_that_is_not_judged_yet_is_told_of_only_where_analytics_were_paused() -> None:
    """Its first judgement is told, though it is that of the version before."""
    v2 = window(10.0, version=2), window(10.0, 10.0, version=2)
    assert indications(GOOD, *v2) == ["told", "", "told"]


def test_within_the_period_nothing_is_assessed() -> None:
    """`accuPeriod`; what was paused stays so, and at its end the accuracy is told again."""
    rare = replace(ASKED, period=timedelta(seconds=90))
    assert indications(BAD, GOOD, GOOD, GOOD, GOOD, asked=rare) == [
        "pause",
        "",
        "resume",
        "",
        "told",
    ]


def test_without_a_threshold_nothing_pauses_and_each_assessment_is_told() -> None:
    """The accuracy is never below zero."""
    (report,) = told(window(900.0), asked=AccuracyRequirement())
    assert report is not None
    assert report.info == AccuracyInfo(accuracy_val=0.0, accu_sample_nbr=1, meets=True)
    assert indications(BAD, BAD, asked=AccuracyRequirement()) == ["told", "told"]


def test_what_may_not_pause_is_told_all_the_same() -> None:
    """`resumeFlg`: NOT_MEET without `pauseInd`."""
    (report,) = told(BAD, may_pause=False)
    assert report is not None
    assert report.info is not None
    assert (report.info.meets, report.pause_ind) == (False, False)


def test_one_decision_is_assessed_once() -> None:
    """The same window again, as after a restart, tells nothing."""
    assessed = assess(AccuracyRequirement(), GOOD, None, now=NOW)
    assert assessed is not None
    assert assess(AccuracyRequirement(), GOOD, assessed[0], now=NOW + MINUTE) is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (AccuracyRequirement(stop_time=NOW), "accu_time_win"),
        (AccuracyRequirement(start_time=NOW + MINUTE, stop_time=NOW + MINUTE), "accu_time_win"),
        (AccuracyRequirement(period=timedelta(0)), "accu_period"),
        (AccuracyRequirement(deviation_threshold_percent=-1), "accu_dev_thr"),
        (AccuracyRequirement(least_number=-1), "min_num"),
    ],
)
def test_requirements_that_cannot_be_met_are_refused(
    asked: AccuracyRequirement, field: str
) -> None:
    """Each with the field that is wrong."""
    with pytest.raises(InvalidArgument, match=field):
        asked.check(now=NOW)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 60), st.integers(1, 3), st.integers(0, 4)), max_size=20))
def test_indications_always_alternate(steps: Sequence[tuple[float, int, int]]) -> None:
    """A pause, then a resume, then a pause."""
    said = indications(
        *(window(*[percent] * count, version=version) for percent, version, count in steps)
    )
    changes = [word for word in said if word in ("pause", "resume")]
    assert changes == ["pause", "resume"] * (len(changes) // 2) + ["pause"] * (len(changes) % 2)
