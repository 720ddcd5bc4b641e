"""How long something takes, learnt from how long it took."""

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
        if not self._observed:
            self._observed, self._expected_s = True, duration_s
            return
        self._expected_s += _WEIGHT * (duration_s - self._expected_s)
