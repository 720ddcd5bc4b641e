"""`.aimlnf/run.json`: what runs, where, and under which process id.

::

    {"broker": "127.0.0.1:39125",
     "processes": {"oam": {"pid": 812, "address": "127.0.0.1:50054", "metrics": "127.0.0.1:9154"}}}

It is there while the platform serves, and is replaced as a whole whenever a process changes.
Process id 0 says that a process runs where this machine cannot see it, as in a container:
`deploy/aimlctl/` describes the platform of the compose file in this way.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from aimlctl.output import CommandError

DEFAULT_STATE_DIR = Path(".aimlnf")
_SUPERVISION = "supervision.json"


@dataclass(frozen=True)
class RunningProcess:
    """One running network function."""

    pid: int
    address: str
    metrics: str


@dataclass(frozen=True)
class RunFile:
    """The content of run.json."""

    broker: str
    processes: Mapping[str, RunningProcess]

    @property
    def elsewhere(self) -> bool:
        """Whether the platform was not started by a supervisor of this machine."""
        return all(process.pid == 0 for process in self.processes.values())

    def address_of(self, name: str) -> str:
        """Address of a network function.

        Raises:
            CommandError: it does not run.
        """
        process = self.processes.get(name)
        if process is None:
            raise CommandError(f"{name} does not run here; see 'aimlctl status'")
        return process.address


def run_file_path(state_dir: Path) -> Path:
    """Where the run file of a state directory is."""
    return state_dir / "run.json"


def runs_elsewhere(state_dir: Path) -> bool:
    """Whether a state directory describes a platform that only others start and stop."""
    path = run_file_path(state_dir)
    return path.exists() and read_run_file(path).elsewhere


def write_run_file(path: Path, run: RunFile) -> None:
    """Replaces the file as a whole: a reader sees the old content or the new one."""
    document = {
        "broker": run.broker,
        "processes": {name: asdict(process) for name, process in run.processes.items()},
    }
    write_atomically(path, json.dumps(document, indent=2) + "\n")


def read_run_file(path: Path) -> RunFile:
    """What runs.

    Raises:
        CommandError: nothing runs there, or the file is none of ours.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return RunFile(
            broker=document["broker"],
            processes={
                name: RunningProcess(**process) for name, process in document["processes"].items()
            },
        )
    except FileNotFoundError as error:
        raise CommandError(
            f"nothing runs here ({path} does not exist); start it with 'aimlctl up'"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CommandError(
            f"{path} cannot be read ({error}); run 'aimlctl down', then 'aimlctl up'"
        ) from error


@dataclass(frozen=True)
class Supervision:
    """What else the supervisor knows, in supervision.json: for `status`, not for other programs.

    Attributes:
        embedded_broker_pid: Process of the embedded broker; None: the broker is somebody else's.
        log_identity: Names this life of the broker's log.
        starts: How often each function was started.
    """

    embedded_broker_pid: int | None
    log_identity: str
    starts: Mapping[str, int]


def write_supervision(state_dir: Path, supervision: Supervision) -> None:
    """Replaces supervision.json as a whole."""
    text = json.dumps(asdict(supervision), indent=2) + "\n"
    write_atomically(state_dir / _SUPERVISION, text)


def read_supervision(state_dir: Path) -> Supervision:
    """What the supervisor wrote last.

    Raises:
        CommandError: there is no such file, or it is none of ours.
    """
    path = state_dir / _SUPERVISION
    try:
        return Supervision(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(
            f"{path} cannot be read ({error}); run 'aimlctl down', then 'aimlctl up'"
        ) from error


def write_atomically(path: Path, text: str) -> None:
    """Writes the file beside its place and moves it there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
