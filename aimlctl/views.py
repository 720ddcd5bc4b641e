"""How a run is watched: plain lines anywhere, a live screen on a terminal."""

from typing import Protocol

from aimlctl.output import Output
from aimlctl.record import DecisionMade, Step


class View(Protocol):
    """Is told what happens, as it happens."""

    def act(self, title: str) -> None:
        """A new part of the story begins."""
        ...

    def note(self, sentence: str) -> None:
        """Something worth a line."""
        ...

    def step(self, step: Step) -> None:
        """A step of the model's life."""
        ...

    def decision(self, decision: DecisionMade) -> None:
        """A decision was applied."""
        ...

    def progress(self, what: str, done: float, total: float) -> None:
        """How far something has come."""
        ...


class PlainView:
    """One line for everything but progress."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def act(self, title: str) -> None:
        """A line with air above it."""
        self._output.say(f"\n{title}")

    def note(self, sentence: str) -> None:
        """A line."""
        self._output.say(f"  {sentence}")

    def step(self, step: Step) -> None:
        """A line with time, step and what was seen."""
        self._output.say(f"  {step.wall_s:6.1f} s  {step.word:<11} {step.detail}")

    def decision(self, decision: DecisionMade) -> None:
        """A line with the trigger and what the decision achieved."""
        self._output.say(f"  {decision_line(decision)}")

    def progress(self, what: str, done: float, total: float) -> None:
        """Nothing: a file does not need to see it grow."""


def decision_line(decision: DecisionMade) -> str:
    """A decision in one line."""
    kind = short_trigger(decision.trigger_type)
    by = f"v{decision.model_version}" if decision.source == "MODEL" else "fallback"
    return (
        f"pass {decision.sim_offset_s:5.0f} s  {kind:<22} "
        f"{decision.before_bps_hz:5.1f} -> {decision.after_bps_hz:5.1f} b/s/Hz  {by}  "
        f"reliability {decision.reliability:.2f}  {decision.trigger_to_applied_ms:6.1f} ms"
    )


def short_trigger(trigger_type: str) -> str:
    """``doppler-sinr-drop`` of the CloudEvents type."""
    return trigger_type.removeprefix("org.aimlnf.ran.").rpartition(".v")[0] or trigger_type
