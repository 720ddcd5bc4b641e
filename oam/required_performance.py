"""What is asked of a version's figures, held against what was measured.

A figure that was asked for and not measured falls short: nobody can say that it was reached.

Not modelled: the comparison of scores that were measured in different environments; a gain is the
difference of two tests, each in the environment that its version was trained for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Scores = tuple[tuple[str, float], ...]
"""Metric and score, as a list of ModelPerformance (TS 28.105 7.4) has them."""

# Of the figures of trainings and tests; of all others, more is better.
LESS_IS_BETTER = frozenset({"violations", "decision_p50_ms"})


@dataclass(frozen=True)
class UpdateTerms:
    """What an MLUpdateRequest asks of its outcome (TS 28.105); nothing by default.

    Attributes:
        required_gains: `performanceGainThreshold`: how much better than the version before each
            metric has to be, in its own unit.
        complete_by: End of `updateTimeDeadline`, after which nothing is put into use any more.
    """

    required_gains: Scores = ()
    complete_by: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether the deadline has passed."""
        return self.complete_by is not None and now >= self.complete_by

    @property
    def deadline_text(self) -> str:
        """The deadline in words, for a reason."""
        return f"updateTimeDeadline passed at {self.complete_by:%Y-%m-%d %H:%M:%S} UTC"


NO_TERMS = UpdateTerms()


def gains(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """By how much each metric that both have got better, in its own unit."""
    return {
        name: before[name] - score if name in LESS_IS_BETTER else score - before[name]
        for name, score in after.items()
        if name in before
    }


def missed_scores(required: Scores, measured: Mapping[str, float]) -> str:
    """What falls short of the scores that were asked for, as a clause; empty: nothing does."""
    return ", ".join(
        f"{name} {_told(name, measured)} instead of {score:.4g}"
        for name, score in required
        if name not in measured or _is_short(name, measured[name], score)
    )


def missed_gains(required: Scores, gained: Mapping[str, float]) -> str:
    """What gained less than was asked for, as a clause; empty: nothing did."""
    return ", ".join(
        f"{name} gained {_told(name, gained)} instead of {least:.4g}"
        for name, least in required
        if name not in gained or gained[name] < least
    )


def _is_short(name: str, measured: float, required: float) -> bool:
    return measured > required if name in LESS_IS_BETTER else measured < required


def _told(name: str, figures: Mapping[str, float]) -> str:
    return f"{figures[name]:.4g}" if name in figures else "nothing that was measured"
