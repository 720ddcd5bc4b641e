"""The arithmetic of a benchmark's ratios."""

import io

import pytest
from rich.console import Console

from benchmarks.ratios import Ratio, against, at_least, at_most, compare, duration, show


class StepClock:
    """A monotonic clock that a job moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        """The time."""
        return self.now_s

    def takes(self, duration_s: float) -> None:
        """A job of that length."""
        self.now_s += duration_s


def test_times_are_of_one_unit_of_work() -> None:
    """Ours and the peer are divided by what one call of each does."""
    clock = StepClock()
    found = compare(
        "lookup",
        "",
        lambda: clock.takes(2.0),
        lambda: clock.takes(30.0),
        target=at_least(10.0),
        ours_count=100,
        peer_count=10,
        clock=clock,  # type: ignore[arg-type]
    )
    assert (found.measured_s, found.peer_s) == (pytest.approx(0.02), pytest.approx(3.0))
    assert found.ratio == pytest.approx(150.0)


def test_one_slow_round_does_not_count() -> None:
    """The median is taken."""
    clock, durations_s = StepClock(), iter([1.0, 1.0, 50.0, 1.0])
    found = against(
        "tick", "", lambda: clock.takes(next(durations_s)), limit_s=2.0, target=at_most(1.0),
        repeats=3, clock=clock,  # type: ignore[arg-type]
    )  # fmt: skip
    assert found.measured_s == 1.0
    assert found.ratio == 0.5


@pytest.mark.parametrize(
    ("ratio", "met"), [(at_least(0.7), True), (at_least(2.0), False), (at_most(3.0), True)]
)
def test_a_target_is_a_least_or_a_largest_ratio(ratio: object, *, met: bool) -> None:
    """Ours as fast as the peer meets 0.7 times and at most three times, not twice."""
    assert ratio.met(ratio.ratio(1.0, 1.0)) is met  # type: ignore[attr-defined]


def test_the_table_says_what_was_missed() -> None:
    """Name, times and verdict stand in it."""
    console = Console(file=io.StringIO(), width=150)
    show("Orbit", [Ratio("geometry", "vs SGP4", 2e-3, 1e-3, at_least(0.7))], console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("Orbit", "geometry", "2 ms", "1 ms", "0.5×", "≥ 0.7×", "MISSED"):
        assert words in printed


def test_times_have_a_unit_that_suits_them() -> None:
    """From seconds to nanoseconds."""
    assert [duration(s) for s in (2.0, 0.0123, 4.5e-5, 5.2e-8)] == [
        "2 s", "12.3 ms", "45 µs", "52 ns",
    ]  # fmt: skip
