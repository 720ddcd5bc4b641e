"""Accuracy of a model over its decisions."""

import pytest
from support.ran_events import PUBLISHED_AT_NS, decision

from nwdaf.anlf.accuracy import DecisionOutcome, accuracy_of


def outcome(*, predicted: float, achieved: float, before: float = 0.0) -> DecisionOutcome:
    """The outcome of a reported decision."""
    return DecisionOutcome.from_report(
        decision(predicted_bps_hz=predicted, before_bps_hz=before, after_bps_hz=achieved)
    )


def test_deviation_is_relative_to_what_was_achieved() -> None:
    """Too much and too little count alike; the window's figure is the mean in percent."""
    accuracy = accuracy_of(
        "m", 2, [outcome(predicted=12, achieved=10), outcome(predicted=6, achieved=10)]
    )
    assert accuracy.deviation_percent == pytest.approx(30.0)
    assert accuracy.inference_num == 2


def test_a_decision_that_achieved_nothing_deviates_fully() -> None:
    """Instead of an infinite deviation that would drown all others."""
    assert outcome(predicted=12, achieved=0).deviation == 1.0


def test_means_and_time_of_the_window() -> None:
    """Achieved rate, gain over before, reliability, and the time of the latest decision."""
    accuracy = accuracy_of(
        "m",
        1,
        [
            outcome(predicted=1, achieved=10, before=4),
            outcome(predicted=1, achieved=20, before=18),
        ],
    )
    assert (accuracy.achieved_mean_bps_hz, accuracy.gain_mean_bps_hz) == (15.0, 4.0)
    assert accuracy.reliability_mean == pytest.approx(0.8)
    assert accuracy.update_time.timestamp() == pytest.approx(PUBLISHED_AT_NS / 1e9, abs=1e-5)


def test_an_empty_window_has_no_accuracy() -> None:
    """It is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one"):
        accuracy_of("m", 1, [])
