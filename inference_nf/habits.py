"""What an engine and its callers do, learnt from what they did."""

from dataclasses import dataclass, field

from inference_nf.pacing import Pace

_PATIENCE = 4  # looks in vain before fewer are taken
_LONGEST_PAUSE = 512  # callers


class Crowd:
    """Tells whether it is worth looking for others when a caller comes.

    Looking takes time, which a caller that is alone loses, and who comes at the same time shows
    only to who looks. So there is a look for each caller as long as it finds others; after some in
    vain for fewer and fewer of them, and never for less than one of 512.
    """

    def __init__(self) -> None:
        self._in_vain = 0
        self._pause = 0

    def is_likely(self) -> bool:
        """Whether to look for others now; asked for each caller."""
        if self._pause > 0:
            self._pause -= 1
            return False
        return True

    def observe(self, together: int) -> None:
        """There was a look, and so many were found together."""
        if together > 1:
            self._in_vain = 0
            return
        self._in_vain += 1
        if self._in_vain >= _PATIENCE:
            self._pause = min(2**self._in_vain, _LONGEST_PAUSE)


@dataclass(frozen=True)
class Habits:
    """Of one engine and those who call it.

    Attributes:
        pace: How long a run takes.
        paces: The same by the size of its batch.
        crowd: Whether callers come together.
    """

    pace: Pace = field(default_factory=lambda: Pace(0.0))
    paces: dict[int, Pace] = field(default_factory=dict)
    crowd: Crowd = field(default_factory=Crowd)

    def least_s(self, batch: int) -> float:
        """What a run of so many contexts takes when nothing disturbs it, or at most takes."""
        pace = self.paces.get(batch)
        return self.pace.least_s * batch if pace is None else pace.least_s

    def observe(self, batch: int, inference_s: float) -> None:
        """A run of so many contexts took that long."""
        for pace in (self.pace, self.paces.setdefault(batch, Pace(0.0))):
            pace.observe(inference_s)
