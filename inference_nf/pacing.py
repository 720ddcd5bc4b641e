"""How long something takes, learnt from how long it took."""

import math

_RECENT = 32  # observations
_WEIGHT = 0.2  # of the youngest observation
_EASING = 0.98  # what is left of an expectation that kept something from being tried


class Pace:
    """A moving mean of durations that leans to the young ones.

    Args:
        first_guess_s: What is expected before anything was observed.
    """

    def __init__(self, first_guess_s: float) -> None:
        self._expected_s = first_guess_s
        self._observed = False
        # Of the observations since it was last counted anew, and of those before: two numbers say
        # nearly what the last ones themselves would, and are looked at in every call.
        self._count = 0
        self._least_s = self._least_before_s = math.inf

    @property
    def least_s(self) -> float:
        """The least that one of the last 32 to 64 took: what it takes when nothing disturbs it.

        On a busy host a duration also holds the time that others had the processor; the expected
        one rightly does, but says little about the work itself. Infinite before any was observed.
        """
        return min(self._least_s, self._least_before_s)

    @property
    def expected_s(self) -> float:
        """What the next one will probably take."""
        return self._expected_s

    def ease(self) -> None:
        """It was not tried, since it would take too long.

        Each time a little less is expected, so that one slow turn does not keep it out for ever.
        """
        self._expected_s *= _EASING

    def observe(self, duration_s: float) -> None:
        """One took that long."""
        if self._count == _RECENT:
            self._count, self._least_before_s, self._least_s = 0, self._least_s, math.inf
        self._count += 1
        self._least_s = min(self._least_s, duration_s)
        if not self._observed:
            self._observed, self._expected_s = True, duration_s
            return
        self._expected_s += _WEIGHT * (duration_s - self._expected_s)
