"""A demo that was run, and a platform that runs, as the end-to-end tests look at them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.command_line import Answer, aimlctl

from aimlctl.run_file import read_run_file, run_file_path


@dataclass(frozen=True)
class DemoRun:
    """A demo that was run in a child process."""

    answer: Answer
    report: Path

    @property
    def document(self) -> Any:
        """Its JSON document."""
        return self.answer.document


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
