"""How far a stream of notifications has been dealt with, although they finish in any order."""

from nf_runtime.errors import Internal


class Watermark:
    """The last sequence such that everything delivered up to it has been dealt with.

    Sequences are delivered in rising order within a stream; a stream that is opened again repeats
    what lies above the watermark. A sequence that is skipped over no longer exists at the sender.

    Args:
        start: What was dealt with before, durably.
    """

    def __init__(self, start: int) -> None:
        self._value = start
        self._open: dict[int, bool] = {}  # delivered above the watermark: whether it is finished

    @property
    def value(self) -> int:
        """The watermark."""
        return self._value

    @property
    def unfinished_count(self) -> int:
        """How many were delivered and are not finished."""
        return sum(not finished for finished in self._open.values())

    def deliver(self, sequence: int) -> bool:
        """Take note of a delivered sequence; False if it was delivered before."""
        if sequence <= self._value or sequence in self._open:
            return False
        self._open[sequence] = False
        return True

    def after(self, sequence: int) -> int:
        """Where the watermark will be once `sequence` is finished; changes nothing."""
        value = self._value
        for delivered in sorted(self._open):
            if not self._open[delivered] and delivered != sequence:
                break
            value = delivered
        return value

    def finish(self, sequence: int) -> int:
        """Take note that a delivered sequence is dealt with; the watermark after it.

        Raises:
            Internal: It was never delivered.
        """
        if sequence not in self._open:
            raise Internal(f"sequence {sequence} was never delivered", reason="INTERNAL")
        self._value = self.after(sequence)
        self._open[sequence] = True
        self._open = {s: done for s, done in self._open.items() if s > self._value}
        return self._value
