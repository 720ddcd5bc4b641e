"""Crossings of thresholds with hysteresis (ThresholdInfo of TS 28.623).

A value is above once it reaches the threshold plus the hysteresis, and below once it has fallen to
the threshold minus the hysteresis; in between it stays what it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Crossing:
    """A threshold was crossed.

    Attributes:
        metric: What was watched.
        value: Its value.
        direction: UP or DOWN.
        threshold: What was crossed.
        hysteresis: Of it.
        watched_direction: `thresholdDirection` of the threshold.
    """

    metric: str
    value: float
    direction: str
    threshold: float
    hysteresis: float
    watched_direction: str

    @property
    def is_notified(self) -> bool:
        """Whether this is the direction, or one of the two, that the threshold is about."""
        return self.watched_direction in (self.direction, "UP_AND_DOWN")

    @property
    def is_breach(self) -> bool:
        """Whether it is the beginning of what is watched for, and not its end."""
        return self.direction == ("DOWN" if self.watched_direction == "DOWN" else "UP")


def key_of(index: int, metric: str) -> str:
    """Under which the side of a metric of the threshold at `index` is remembered."""
    return f"{index}/{metric}"


def crossing(
    info: Mapping[str, Any], metric: str, value: float, side: str | None
) -> tuple[str | None, Crossing | None]:
    """On which side of the threshold the value is now, ABOVE or BELOW, and whether it crossed.

    Args:
        info: ThresholdInfo.
        metric: One of its `performanceMetrics`.
        value: Its value.
        side: Where it was; None: not known yet. Before its first value, a metric is on the side
            from which it would cross in the watched direction; where both are watched, on neither.
    """
    watched, threshold = info["thresholdDirection"], info["thresholdValue"]
    hysteresis = info.get("hysteresis", 0.0)
    before = side or {"UP": "BELOW", "DOWN": "ABOVE"}.get(watched)
    if value >= threshold + hysteresis:  # first: without hysteresis, at the threshold is above it
        after, direction = "ABOVE", "UP"
    elif value <= threshold - hysteresis:
        after, direction = "BELOW", "DOWN"
    else:
        return before, None
    if before in (None, after):
        return after, None
    return after, Crossing(metric, value, direction, threshold, hysteresis, watched)
