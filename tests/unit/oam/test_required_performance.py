"""What is asked of figures, and what falls short of it."""

from datetime import UTC, datetime, timedelta

import pytest

from oam.required_performance import UpdateTerms, gains, missed_gains, missed_scores

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "required", "measured", "is_met"),
    [
        ("ratio_to_exhaustive", 0.9, 0.9, True),
        ("ratio_to_exhaustive", 0.9, 0.89, False),
        ("violations", 0.0, 0.0, True),
        ("violations", 0.0, 1.0, False),
        ("decision_p50_ms", 5.0, 4.0, True),
    ],
)
def test_scores_are_met_in_the_direction_of_their_metric(
    name: str, required: float, measured: float, *, is_met: bool
) -> None:
    """More is better, but for violations and times."""
    assert (missed_scores(((name, required),), {name: measured}) == "") is is_met


def test_what_was_not_measured_falls_short() -> None:
    """Nobody can say that it was reached."""
    assert "nothing that was measured" in missed_scores((("speed", 1.0),), {})
    assert "nothing that was measured" in missed_gains((("speed", 1.0),), {})


def test_gains_are_improvements() -> None:
    """A fall of what should be small is a gain; what only one version has is none."""
    found = gains({"ratio": 0.9, "violations": 1.0, "new": 1.0}, {"ratio": 0.8, "violations": 4.0})
    assert found == {"ratio": pytest.approx(0.1), "violations": 3.0}
    assert missed_gains((("violations", 3.0),), found) == ""
    assert missed_gains((("ratio", 0.5),), found) == "ratio gained 0.1 instead of 0.5"


def test_deadline_is_over_from_its_moment_on() -> None:
    """Without one, nothing is ever late."""
    terms = UpdateTerms(complete_by=NOW)
    assert terms.is_over(NOW)
    assert not terms.is_over(NOW - timedelta(microseconds=1))
    assert not UpdateTerms().is_over(NOW)
    assert terms.deadline_text == "updateTimeDeadline passed at 2026-03-01 12:00:00 UTC"
