"""When accuracy pauses analytics and lets them resume."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from nwdaf.anlf.accuracy import (
    AccuracyRequirement,
    AccuracyStatus,
    DecisionOutcome,
    DecisionWindow,
    assess,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ASKED = AccuracyRequirement(deviation_threshold_percent=20.0, least_number=2)


def window(*deviations_percent: float, version: int = 1, age_s: float = 0.0) -> DecisionWindow:
    """Decisions that promised that much too much."""
    outcomes: Sequence[DecisionOutcome] = [
        DecisionOutcome(
            predicted_bps_hz=10.0 * (1 + percent / 100),
            achieved_bps_hz=10.0,
            gain_bps_hz=1.0,
            reliability=1.0,
            applied_time=NOW - timedelta(seconds=age_s),
        )
        for percent in deviations_percent
    ]
    return DecisionWindow("gan-gdm", version, outcomes)


def after(*windows: DecisionWindow, asked: AccuracyRequirement = ASKED) -> AccuracyStatus:
    """The status after these assessments, a minute apart."""
    status = None
    for minute, each in enumerate(windows):
        status = assess(asked, each, status, now=NOW + timedelta(minutes=minute))
    assert status is not None
    return status


def test_accuracy_is_what_the_deviation_leaves() -> None:
    """Over the decisions of the time window; `anaAccuInd` compares it with the threshold."""
    status = after(window(10.0, 20.0))
    assert status.info is not None
    assert (round(status.info.accuracy_val, 9), status.info.accu_sample_nbr) == (85.0, 2)
    assert status.info.meets
    assert not any((status.paused, status.pause_ind, status.resume_ind))


def test_too_few_decisions_tell_nothing() -> None:
    """`minNum`, and those older than `accuTimeWin` do not count."""
    assert after(window(90.0)).info is None
    brief = replace(ASKED, time_window=timedelta(seconds=5))
    assert after(window(90.0, 90.0, age_s=6.0), asked=brief).info is None


def test_analytics_pause_when_accuracy_degrades_and_resume_when_it_mends() -> None:
    """Each indication once, at the change."""
    good, bad = window(10.0, 10.0), window(30.0, 30.0)
    assert after(good, bad).pause_ind
    still = after(good, bad, bad)
    assert (still.paused, still.pause_ind) == (True, False)
    mended = after(good, bad, good)
    assert (mended.paused, mended.resume_ind) == (False, True)
    assert not after(good, bad, good, good).resume_ind


def test_analytics_resume_when_another_version_takes_over() -> None:
    """Before it has decided often enough to be judged; it is paused when it is as bad."""
    bad = window(30.0, 30.0)
    replaced = after(bad, window(30.0, version=2))
    assert (replaced.paused, replaced.resume_ind, replaced.info) == (False, True, None)
    as_bad = after(bad, window(30.0, 30.0, version=2))
    assert (as_bad.paused, as_bad.pause_ind) == (True, False)


def test_within_the_period_nothing_is_assessed() -> None:
    """`accuPeriod`; what was paused stays so."""
    rare = replace(ASKED, period=timedelta(seconds=90))
    status = after(window(30.0, 30.0), window(10.0, 10.0), asked=rare)
    assert (status.paused, status.info, status.resume_ind) == (True, None, False)
    assert after(window(30.0, 30.0), *[window(10.0, 10.0)] * 2, asked=rare).resume_ind


def test_without_a_threshold_nothing_pauses() -> None:
    """The accuracy is told all the same."""
    status = after(window(900.0, 900.0), asked=AccuracyRequirement())
    assert status.info is not None
    assert (status.info.accuracy_val, status.info.meets, status.paused) == (0.0, True, False)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 60), st.integers(1, 3), st.integers(0, 4)), max_size=20))
def test_indications_always_alternate(steps: Sequence[tuple[float, int, int]]) -> None:
    """A pause, then a resume, then a pause; `paused` is what they say."""
    status, is_paused = None, False
    for minute, (percent, version, count) in enumerate(steps):
        status = assess(
            ASKED,
            window(*[percent] * count, version=version),
            status,
            now=NOW + timedelta(minutes=minute),
        )
        assert not (status.pause_ind and status.resume_ind)
        assert not (is_paused and status.pause_ind)
        assert is_paused or not status.resume_ind
        is_paused = (is_paused or status.pause_ind) and not status.resume_ind
        assert status.paused is is_paused
