"""Work on models that takes minutes: in a child process, so that torch stays out of this one.

``python -m ml_models …  --lines`` tells its progress as JSON lines and its result as the last one.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimlctl.output import CommandError, Output
from nf_runtime.clock import Clock

SHIPPED_MODELS = Path(__file__).parents[1] / "models"
_TOLD_EVERY = 0.05  # of the work
_FEWEST_S_FOR_ETA = 2.0


@dataclass
class ProgressTeller:
    """Tells a line whenever another twentieth of the work is done, with the time that is left."""

    output: Output
    clock: Clock
    started_s: float
    told: float = -1.0
    phase: str = ""

    def tell(self, fraction: float, phase: str, metrics: Mapping[str, float]) -> None:
        """Progress as the child tells it; fraction is 0 to 1 of the whole work."""
        if phase == self.phase and fraction < self.told + _TOLD_EVERY:
            return
        self.told, self.phase = fraction, phase
        figures = "".join(f"  {name} {value:.4g}" for name, value in metrics.items())
        self.output.say(f"{fraction:4.0%} {phase}{self._time_left(fraction)}{figures}")

    def _time_left(self, fraction: float) -> str:
        passed_s = self.clock.monotonic_s() - self.started_s
        if not 0 < fraction < 1 or passed_s < _FEWEST_S_FOR_ETA:
            return ""
        minutes, seconds = divmod(round(passed_s * (1 - fraction) / fraction), 60)
        return f", {minutes}:{seconds:02d} left"


def result_of(words: Sequence[str], output: Output, clock: Clock) -> dict[str, Any]:
    """The result of ``python -m ml_models WORDS --lines``.

    Raises:
        CommandError: the work failed; the sentence is the child's last.
    """
    # aimlctl.child ties the work to this process and gives linear algebra one thread.
    command = [sys.executable, "-m", "aimlctl.child", sys.executable, "-m", "ml_models"]
    teller = ProgressTeller(output, clock, clock.monotonic_s())
    result: dict[str, Any] = {}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
        subprocess.Popen(  # noqa: S603 - our own command line
            [*command, *words, "--lines"], stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                told = json.loads(line)
                if "result" in told:
                    result = told["result"]
                else:
                    teller.tell(told["fraction"], told["phase"], told["metrics"])
            child.wait()
        except BaseException:
            # Whoever interrupts the command does not want to wait for the work.
            child.kill()
            raise
        complaints.seek(0)
        last_words = complaints.read().strip().splitlines()
    if child.returncode != 0:
        sentence = last_words[-1] if last_words else f"it ended with status {child.returncode}"
        raise CommandError(f"the work on the model failed: {sentence.split('Error: ', 1)[-1]}")
    return result
