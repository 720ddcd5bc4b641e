"""A demo that was run, and a platform that runs, as the end-to-end tests look at them."""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.command_line import Answer, aimlctl, start_aimlctl
from support.waiting import wait_until

from aimlctl.run_file import read_run_file, run_file_path

# When each function is killed: at a line of the story, or at a number of decisions.
AT_LINES: Mapping[str, str] = {
    "A first version is made": "nwdaf.mtlf",
    "stands still": "oam",
    "retrained   Version 2": "mms_repository",
}
AT_DECISIONS: Mapping[int, str] = {7: "inference_nf", 11: "nwdaf.anlf", 22: "ran_sim"}
RESTART_TIMEOUT_S = 60.0
DEMO_TIMEOUT_S = 60.0  # after its last line


@dataclass(frozen=True)
class DemoRun:
    """A demo that was run in a child process, and the functions that were killed meanwhile."""

    document: Any
    stderr: str
    report: Path
    killed: Sequence[str]


def run_demo_with_kills(folder: Path) -> DemoRun:
    """``aimlctl demo --duration 60 --json``; each function is killed once."""
    state_dir = folder / "state"
    options = ("--duration", "60", "--json", "--report", "report", "--state-dir", str(state_dir))
    process = start_aimlctl("demo", *options, cwd=folder)
    said: list[str] = []
    killed: list[str] = []
    decisions = 0
    for line in process.stderr or ():
        said.append(line)
        decisions += line.startswith("  pass ")
        due = [name for words, name in AT_LINES.items() if words in line]
        due += [name for number, name in AT_DECISIONS.items() if decisions == number]
        for name in due:
            if name not in killed:
                kill_and_wait(state_dir, name)
                killed.append(name)
    stdout, _ = process.communicate(timeout=DEMO_TIMEOUT_S)
    if process.returncode != 0:
        raise RuntimeError(f"the demo ended with {process.returncode}:\n{''.join(said[-40:])}")
    return DemoRun(json.loads(stdout), "".join(said), folder / "report" / "report.html", killed)


def kill_and_wait(state_dir: Path, name: str) -> None:
    """Kill -9, then wait until the supervisor has another process serve."""
    path = run_file_path(state_dir)
    before = read_run_file(path).processes[name].pid
    os.kill(before, signal.SIGKILL)
    wait_until(
        lambda: read_run_file(path).processes[name].pid != before,
        timeout_s=RESTART_TIMEOUT_S,
        what=f"{name} to be started again",
    )


@dataclass(frozen=True)
class Platform:
    """A platform that ``aimlctl up`` brought up in a folder."""

    folder: Path

    @property
    def state_dir(self) -> Path:
        """Where its state is."""
        return self.folder / ".aimlnf"

    def ctl(self, *arguments: str) -> Answer:
        """What a command says there."""
        return aimlctl(*arguments, cwd=self.folder)

    def pid_of(self, name: str) -> int:
        """Process id by run.json."""
        return read_run_file(run_file_path(self.state_dir)).processes[name].pid
