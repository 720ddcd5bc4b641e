"""One adaptation told to somebody who was not there: what was seen, what was done, by whom."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console

from aimlctl.documents import document_of, enum_word, time_of
from aimlctl.output import table_of
from aimlnf.oam.v1 import lifecycle_pb2 as oam

_SEEN = (oam.STEP_KIND_DEGRADED, oam.STEP_KIND_RECOVERED)
_WHY: dict[int, str] = {
    oam.ADAPTATION_KIND_INITIAL: "A first version of {model} was made",
    oam.ADAPTATION_KIND_RETRAIN: "{model} was retrained from version {before}",
    oam.ADAPTATION_KIND_ROLLBACK: "{model} went back from version {before} to version {after}",
}


class Explanation:
    """An adaptation with the part of the record that is about it.

    Args:
        adaptation: Which.
        record: All steps of its model, oldest first.
        now: Until when one that is in progress has taken.
    """

    def __init__(
        self, adaptation: oam.Adaptation, record: Iterable[oam.LifecycleStep], *, now: datetime
    ) -> None:
        self.adaptation = adaptation
        self._begin = time_of(adaptation.create_time)
        ended = adaptation.state in (
            oam.ADAPTATION_STATE_COMPLETED,
            oam.ADAPTATION_STATE_FAILED,
            oam.ADAPTATION_STATE_REJECTED,
        )
        self._end = time_of(adaptation.update_time) if ended else now
        self._timeline, self._afterwards = _parts(adaptation, list(record))

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            **document_of(self.adaptation),
            "duration_s": (self._end - self._begin).total_seconds(),
            "outcome": self.outcome,
            "timeline": [
                {**document_of(step), "offset_s": offset_s, "since_last_s": since_last_s}
                for step, offset_s, since_last_s in self._timed()
            ],
            "afterwards": [document_of(step) for step in self._afterwards],
        }

    @property
    def outcome(self) -> str:
        """How it ended, in one sentence."""
        adaptation = self.adaptation
        before, after = adaptation.from_version, adaptation.to_version
        stays = f"version {before} stays in use" if before else "no version is in use"
        seconds = f"{(self._end - self._begin).total_seconds():.1f} s"
        match adaptation.state:
            case oam.ADAPTATION_STATE_COMPLETED:
                instead = f" instead of version {before}" if before else ""
                return f"After {seconds} version {after} decides{instead}."
            case oam.ADAPTATION_STATE_FAILED:
                return f"It failed after {seconds}: {adaptation.failure}; {stays}."
            case oam.ADAPTATION_STATE_REJECTED:
                return f"It was turned down after {seconds}: {adaptation.failure}; {stays}."
            case oam.ADAPTATION_STATE_AWAITING_APPROVAL:
                until = ""
                if adaptation.HasField("approval_deadline"):
                    until = f" until {time_of(adaptation.approval_deadline):%X} UTC"
                return (
                    f"It waits{until} for somebody to approve step '{adaptation.approval_step}'; "
                    f"{stays}."
                )
            case state:
                word = enum_word(oam.AdaptationState.DESCRIPTOR, state).lower()
                return f"It is {word} since {seconds} ago; {stays}."

    def show(self, console: Console) -> None:
        """Tells it to people."""
        adaptation = self.adaptation
        headline = _WHY[adaptation.kind].format(
            model=adaptation.model_name,
            before=adaptation.from_version,
            after=adaptation.to_version,
        )
        console.print(f"\n[bold]{headline}[/bold] (adaptation {adaptation.adaptation_id})")
        _line(console, f"began {self._begin:%Y-%m-%d %X} UTC, asked for by {adaptation.initiator}")
        _line(console, f"because {adaptation.cause}")
        rows = (
            (
                f"{offset_s:+.1f} s",
                f"{since_last_s:.1f} s",
                enum_word(oam.StepKind.DESCRIPTOR, step.kind).lower().replace("_", " "),
                step.initiator,
                step.detail,
            )
            for step, offset_s, since_last_s in self._timed()
        )
        console.print(table_of(("At", "Took", "Step", "By", "What was seen and done"), rows))
        for approval in adaptation.approvals:
            _line(console, f"{approval.approver} allowed '{approval.step}': {approval.reason}")
        _line(console, self.outcome)
        for step in self._afterwards:
            _line(console, f"Later, {time_of(step.step_time):%X} UTC: {step.detail}")

    def _timed(self) -> Iterator[tuple[oam.LifecycleStep, float, float]]:
        """Each step with its time since the adaptation began, and since the step before."""
        last = None
        for step in self._timeline:
            time = time_of(step.step_time)
            since_last_s = 0.0 if last is None else (time - last).total_seconds()
            yield step, (time - self._begin).total_seconds(), since_last_s
            last = time


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _parts(
    adaptation: oam.Adaptation, record: Sequence[oam.LifecycleStep]
) -> tuple[list[oam.LifecycleStep], list[oam.LifecycleStep]]:
    """The steps of the adaptation with what was seen right before, and what became of its version.

    What a rule saw stands right before its request in the record, written in one transaction.
    """
    own = [step for step in record if step.adaptation_id == adaptation.adaptation_id]
    if not own:
        return [], []
    before = [step for step in record if step.sequence < own[0].sequence]
    seen: list[oam.LifecycleStep] = []
    while before and before[-1].kind in _SEEN and adaptation.initiator.startswith("rule:"):
        seen.insert(0, before.pop())
    completed = adaptation.state == oam.ADAPTATION_STATE_COMPLETED
    replaced = (oam.STEP_KIND_ACTIVATED, oam.STEP_KIND_ROLLED_BACK)
    later = [step for step in record if step.sequence > own[-1].sequence and completed]
    afterwards = [step for step in later if step.kind in replaced][:1]
    return [*seen, *own], afterwards
