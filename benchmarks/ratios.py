"""A benchmark as a ratio: ours and its peer measured in turns in one run, so that load hits both.

::

    rows = [
        compare("visible set", "8,000 satellites", ours, peer, target=at_most(3.0)),
        compare("lookup", "one point", ours, peer, target=at_least(1e4), peer_count=100),
    ]
    show("Orbit", rows)

`at_least` speaks of how many times faster than the peer, `at_most` of how many times its time.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from nf_runtime.clock import Clock, SystemClock

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


@dataclass(frozen=True)
class Target:
    """What a ratio should be: a least speed-up, or a largest share of the peer's time."""

    value: float
    is_least: bool

    def ratio(self, measured_s: float, peer_s: float) -> float:
        """The ratio that the target speaks of."""
        return peer_s / measured_s if self.is_least else measured_s / peer_s

    def met(self, ratio: float) -> bool:
        """Whether a ratio meets it."""
        return ratio >= self.value if self.is_least else ratio <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.value:,.3g}×"


def at_least(value: float) -> Target:
    """Times faster than the peer, at least."""
    return Target(value, is_least=True)


def at_most(value: float) -> Target:
    """Times the peer's time, at most."""
    return Target(value, is_least=False)


@dataclass(frozen=True)
class Ratio:
    """One line of a benchmark.

    Attributes:
        name: of the benchmark.
        what: what ours and the peer are.
        measured_s: median time of ours, for one unit of work.
        peer_s: median time of the peer, for one unit of work.
        target: what the ratio should be.
    """

    name: str
    what: str
    measured_s: float
    peer_s: float
    target: Target

    @property
    def ratio(self) -> float:
        """The ratio that the target speaks of."""
        return self.target.ratio(self.measured_s, self.peer_s)


def compare(
    name: str,
    what: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    target: Target,
    ours_count: int = 1,
    peer_count: int = 1,
    repeats: int = 9,
    clock: Clock | None = None,
) -> Ratio:
    """Both measured in turns `repeats` times after one warm-up each; medians.

    Args:
        name: of the benchmark.
        what: what ours and the peer are.
        ours: does `ours_count` units of work.
        peer: does `peer_count` units of work.
        target: what the ratio should be.
        ours_count: units of work, such as points, in one call of `ours`.
        peer_count: units of work in one call of `peer`.
        repeats: measurements of each.
        clock: the system's where it is left out.
    """
    clock = clock or SystemClock()
    ours()
    peer()
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for job, times_s in zip((ours, peer), taken, strict=True):
            before_s = clock.monotonic_s()
            job()
            times_s.append(clock.monotonic_s() - before_s)
    return Ratio(
        name=name,
        what=what,
        measured_s=statistics.median(taken[0]) / ours_count,
        peer_s=statistics.median(taken[1]) / peer_count,
        target=target,
    )


def of_rounds(
    name: str,
    what: str,
    measured_s: Sequence[float],
    peer_s: Sequence[float],
    *,
    target: Target,
) -> Ratio:
    """The round whose ratio is the median, of rounds in each of which both were measured.

    On a busy host the ratio within a round says more than that of two medians.

    Args:
        name: of the benchmark.
        what: what ours and the peer are.
        measured_s: time of ours in each round, for one unit of work.
        peer_s: likewise of the peer.
        target: what the ratio should be.
    """
    rounds = [
        Ratio(name, what, ours_s, its_s, target)
        for ours_s, its_s in zip(measured_s, peer_s, strict=True)
    ]
    return sorted(rounds, key=lambda each: each.ratio)[len(rounds) // 2]


def against(
    name: str,
    what: str,
    ours: Callable[[], object],
    *,
    limit_s: float,
    target: Target,
    ours_count: int = 1,
    repeats: int = 9,
    clock: Clock | None = None,
) -> Ratio:
    """Ours against a fixed time, such as a millisecond or the simulated time; median."""
    clock = clock or SystemClock()
    ours()
    times_s: list[float] = []
    for _ in range(repeats):
        before_s = clock.monotonic_s()
        ours()
        times_s.append(clock.monotonic_s() - before_s)
    return Ratio(name, what, statistics.median(times_s) / ours_count, limit_s, target)


def show(title: str, rows: Sequence[Ratio], console: Console | None = None) -> None:
    """Prints the table of a benchmark."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in ("Benchmark", "What", "Ours", "Peer", "Ratio", "Target", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        verdict = "met" if row.target.met(row.ratio) else "MISSED"
        table.add_row(
            row.name,
            row.what,
            duration(row.measured_s),
            duration(row.peer_s),
            f"{row.ratio:,.3g}×",
            str(row.target),
            verdict,
        )
    (console or Console(width=150)).print(table)


def duration(seconds: float) -> str:
    """A time with three digits in the unit that suits it."""
    for unit_s, unit in _UNITS:
        if seconds >= unit_s:
            return f"{seconds / unit_s:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
