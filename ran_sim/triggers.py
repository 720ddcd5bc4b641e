"""When a trigger fires: threshold, hysteresis, time-to-trigger and cool-down of one subject."""

import enum
from dataclasses import dataclass

import numpy as np

from ran_sim.handover import BoolArray
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import TriggerKind, TriggerRule


class Side(enum.Enum):
    """On which side of the threshold the condition lies."""

    BELOW = -1
    ABOVE = 1


SIDES = {
    TriggerKind.BEAM_QUALITY_DEGRADED: Side.BELOW,
    TriggerKind.DOPPLER_SINR_DROP: Side.ABOVE,
    TriggerKind.EAVESDROPPER_DETECTED: Side.ABOVE,
}


class TriggerMachine:
    """One subject's rule, stepped through time.

    The condition is entered when the quantity passes the threshold and left only when it has
    recovered by the hysteresis (TS 38.331 5.5.4, entering and leaving condition). A condition that
    has held for the time-to-trigger fires once; it fires again only after it was left and entered
    anew, and never within the cool-down. What falls into the cool-down is not lost: it fires when
    the cool-down ends, if it still holds. Nor is what is held back from outside.
    """

    def __init__(self, rule: TriggerRule, side: Side) -> None:
        self._rule = rule
        self._sign = side.value
        self._entered_s: float | None = None
        self._fired_s: float | None = None
        self._reported = False
        self._held_back = False

    @property
    def entered(self) -> bool:
        """Whether the condition was entered and has not been left since."""
        return self._entered_s is not None

    @property
    def held_back(self) -> bool:
        """Whether the present condition would have fired but for being held back."""
        return self._held_back

    @property
    def active(self) -> bool:
        """Whether the condition was reported and has not been left since."""
        return self._reported

    def enters(self, values: FloatArray) -> BoolArray:
        """Whether each value would enter the condition; one that is not a number does not."""
        return np.asarray(self._sign * (values - self._rule.threshold) > 0)

    def step(self, time_s: float, value: float, *, hold_back: bool = False) -> bool:
        """Whether the trigger fires at `time_s`, which never goes back.

        A value that is not a number says nothing: the condition stays as it was and nothing fires.
        While it is told to `hold_back` the machine watches but does not fire.
        """
        excess = self._sign * (value - self._rule.threshold)
        if excess != excess:  # noqa: PLR0124 - NaN: no ESIM in the beam, satellite below horizon
            return False
        if self._entered_s is None:
            if excess <= 0:
                return False
            self._entered_s = time_s
        elif excess < -self._rule.hysteresis:
            self._entered_s, self._reported, self._held_back = None, False, False
            return False
        return self._fires(time_s, hold_back)

    def _fires(self, time_s: float, hold_back: bool) -> bool:
        held = self._entered_s is not None and _elapsed(
            time_s, self._entered_s, self._rule.time_to_trigger_s
        )
        cooled = self._fired_s is None or _elapsed(time_s, self._fired_s, self._rule.cool_down_s)
        if self._reported or not held or not cooled:
            return False
        if hold_back:
            self._held_back = True
            return False
        self._reported, self._fired_s = True, time_s
        return True


def _elapsed(time_s: float, since_s: float, span_s: float) -> bool:
    # Ticks are multiples of a period that is seldom exact in binary.
    return time_s - since_s >= span_s - 1e-9


@dataclass(frozen=True)
class Trigger:
    """A fired trigger.

    Attributes:
        kind: which rule fired.
        sequence: its number among the run's triggers of this kind, from 1.
        tick: when.
        beam: index of the beam concerned.
        esim: index of the ESIM concerned; None for a beam.
        value: observed quantity when it fired, in the rule's unit.
    """

    kind: TriggerKind
    sequence: int
    tick: int
    beam: int
    esim: int | None
    value: float

    @property
    def of_esim(self) -> int:
        """Index of the ESIM concerned.

        Raises:
            ValueError: the trigger is about a beam.
        """
        if self.esim is None:
            raise ValueError(f"a trigger of kind {self.kind.value} is about a beam")
        return self.esim
