"""One supervised process: start it, see when it serves, see when it ends, start it again."""

import enum
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimlctl.run_file import RunningProcess

_LONGEST_LOG_LINE = 400
_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class ChildSpec:
    """What to run. The process writes `ready_file` once it serves, with its pid and address."""

    name: str
    command: tuple[str, ...]
    ready_file: Path
    log_file: Path


@dataclass(frozen=True)
class BackOff:
    """How long a dead process stays dead: longer each time, from the start again once it held."""

    first_s: float = 0.2
    longest_s: float = 10.0
    calm_after_s: float = 30.0

    def delay_s(self, deaths_in_a_row: int) -> float:
        """Pause before the next start, after this many deaths without a calm time between."""
        return float(min(self.first_s * 2 ** (deaths_in_a_row - 1), self.longest_s))


class ChildState(enum.Enum):
    """Where a process stands."""

    WAITING = "waiting"
    STARTING = "starting"
    SERVING = "serving"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Death:
    """How a process ended without being asked to."""

    pid: int
    exit_code: int
    restart_in_s: float

    @property
    def manner(self) -> str:
        """How it ended, for people."""
        if self.exit_code >= 0:
            return f"ended with status {self.exit_code}"
        return f"was ended by {signal.Signals(-self.exit_code).name}"


class ChildProcess:
    """A process that is kept alive. Not thread-safe: one thread tends it.

    That thread must live as long as the process shall, since the kernel takes the end of the
    thread that started a process for the end of its parent.
    """

    def __init__(self, spec: ChildSpec, *, back_off: BackOff) -> None:
        self.spec = spec
        self.state = ChildState.WAITING
        self.has_served = False
        self.start_count = 0
        # Of the life that serves; while it is started again, of the one before.
        self.running: RunningProcess | None = None
        self.log_identity = ""  # of the broker: names this life of its log
        self._back_off = back_off
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths_in_a_row = 0
        self._started_at_s = 0.0
        self._restart_at_s = 0.0

    @property
    def name(self) -> str:
        """The network function's name."""
        return self.spec.name

    @property
    def pid(self) -> int:
        """Process id; 0 while there is no process."""
        return 0 if self._process is None else self._process.pid

    @property
    def deaths_in_a_row(self) -> int:
        """Deaths without a calm time between."""
        return self._deaths_in_a_row

    def start(self, now_s: float) -> None:
        """Starts the process, tied to this one, with its words appended to the log file."""
        for path in (self.spec.ready_file, self.spec.log_file):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.spec.ready_file.unlink(missing_ok=True)
        command = (sys.executable, "-m", "aimlctl.child", *self.spec.command)
        with self.spec.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the supervisor's own command line
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the supervisor, which then stops its children in order.
                start_new_session=True,
            )
        self.state = ChildState.STARTING
        self.start_count += 1
        self._started_at_s = now_s

    def tend(self, now_s: float) -> Death | None:
        """Moves on to the next state where it is due; how the process died if it just did."""
        if self.state is ChildState.WAITING:
            if now_s >= self._restart_at_s:
                self.start(now_s)
            return None
        if self._process is None or self.state is ChildState.STOPPED:
            return None
        exit_code = self._process.poll()
        if exit_code is not None:
            return self._died(exit_code, now_s)
        if self.state is ChildState.STARTING:
            ready = _read_ready_file(self.spec.ready_file)
            if ready.get("pid") == self._process.pid:
                self.running = RunningProcess(
                    pid=self._process.pid,
                    address=ready["address"],
                    metrics=ready.get("metrics", ""),
                )
                self.log_identity = ready.get("log_identity", "")
                self.has_served = True
                self.state = ChildState.SERVING
        return None

    def ask_to_stop(self) -> None:
        """Sends SIGTERM; the process is not started again."""
        self.state = ChildState.STOPPED
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def has_ended(self) -> bool:
        """Whether there is no process left."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """Ends the process at once and waits for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line of its log that is not empty."""
        try:
            with self.spec.log_file.open("rb") as log:
                log.seek(-min(_TAIL_BYTES, os.fstat(log.fileno()).st_size), os.SEEK_END)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return words[:_LONGEST_LOG_LINE]

    def _died(self, exit_code: int, now_s: float) -> Death:
        calm = now_s - self._started_at_s >= self._back_off.calm_after_s
        self._deaths_in_a_row = 1 if calm else self._deaths_in_a_row + 1
        delay_s = self._back_off.delay_s(self._deaths_in_a_row)
        death = Death(pid=self.pid, exit_code=exit_code, restart_in_s=delay_s)
        self._restart_at_s = now_s + delay_s
        self._process = None
        self.state = ChildState.WAITING
        return death


def _read_ready_file(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content
