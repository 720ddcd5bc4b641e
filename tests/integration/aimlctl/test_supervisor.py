"""The supervisor with tiny processes that only claim to serve."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimlctl.child_process import BackOff, ChildSpec
from aimlctl.output import CommandError
from aimlctl.run_file import read_run_file, run_file_path
from aimlctl.supervisor import BrokerLife, Supervisor, SupervisorThread
from nf_runtime.clock import SystemClock

SERVES = """
import json, os, pathlib, signal, sys
ready = pathlib.Path(sys.argv[1])
content = {"name": "x", "pid": os.getpid(), "address": sys.argv[2], "metrics": "127.0.0.1:9",
           "log_identity": f"log-{os.getpid()}"}
unfinished = ready.with_suffix(".tmp")
unfinished.write_text(json.dumps(content))
unfinished.replace(ready)
signal.pause()
"""
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVES
REFUSES = "import sys; sys.stderr.write('setting server.port: taken\\n'); sys.exit(2)"
CRASHES = "raise RuntimeError('out of order')"

QUICK = BackOff(first_s=0.01, longest_s=0.05)
EXTERNAL = BrokerLife("127.0.0.1:9092", "default", embedded=False)
DEADLINE_S = 20.0


def spec_of(folder: Path, name: str, script: str = SERVES) -> ChildSpec:
    """A process that runs the script, with the ready file and an address as arguments."""
    ready = folder / f"{name}.ready"
    return ChildSpec(
        name=name,
        command=(sys.executable, "-c", script, str(ready), f"address-of-{name}"),
        ready_file=ready,
        log_file=folder / f"{name}.log",
    )


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds; fails after the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "the condition never held"
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether no process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Platform:
    """A supervisor over fake functions, and what it said."""

    def __init__(
        self,
        folder: Path,
        scripts: dict[str, str],
        broker: BrokerLife | ChildSpec = EXTERNAL,
    ) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.lives: list[BrokerLife] = []

        def functions(life: BrokerLife) -> list[ChildSpec]:
            self.lives.append(life)
            return [spec_of(folder, name, script) for name, script in scripts.items()]

        self.supervisor = Supervisor(
            folder,
            broker=broker,
            functions=functions,
            listener=self.said.append,
            clock=SystemClock(),
            back_off=QUICK,
            stop_deadline_s=1.0,
        )
        self.thread = SupervisorThread(self.supervisor)

    def pid_of(self, name: str) -> int:
        """The process id that run.json has."""
        return read_run_file(run_file_path(self.folder)).processes[name].pid

    def wait(self) -> None:
        """Waits until every process has served and run.json is there."""
        self.thread.wait_until_serving(timeout_s=DEADLINE_S, clock=SystemClock())


def kill_and_wait(platform: Platform, name: str) -> None:
    """Kills a process and waits until run.json has the next one."""
    before = platform.pid_of(name)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: platform.pid_of(name) != before)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """Two functions that serve."""
    platform = Platform(tmp_path, {"oam": SERVES, "ran_sim": SERVES})
    with platform.thread:
        platform.wait()
        yield platform


def test_run_file_names_every_process(platform: Platform) -> None:
    """Once all serve, run.json has the broker, and pid, address and metrics of each process."""
    document = json.loads(run_file_path(platform.folder).read_text())
    assert document["broker"] == "127.0.0.1:9092"
    assert set(document["processes"]) == {"oam", "ran_sim"}
    assert document["processes"]["oam"]["address"] == "address-of-oam"
    assert set(document["processes"]["oam"]) == {"pid", "address", "metrics"}


def test_killed_process_is_started_again(platform: Platform) -> None:
    """After kill -9 the process runs under a new pid in run.json, which the supervisor says."""
    neighbour = platform.pid_of("ran_sim")
    kill_and_wait(platform, "oam")
    assert platform.pid_of("ran_sim") == neighbour
    assert any("oam" in line and "SIGKILL" in line for line in platform.said)
    assert any("oam serves again" in line for line in platform.said)


def test_process_that_dies_again_and_again_is_started_again(platform: Platform) -> None:
    """A process that has served is never given up."""
    for _ in range(5):
        kill_and_wait(platform, "oam")


def test_stop_ends_every_process(tmp_path: Path) -> None:
    """Leaving the context ends the processes and removes run.json."""
    platform = Platform(tmp_path, {"oam": SERVES, "ran_sim": SERVES})
    with platform.thread:
        platform.wait()
        pids = [platform.pid_of("oam"), platform.pid_of("ran_sim")]
    assert all(has_ended(pid) for pid in pids)
    assert not run_file_path(tmp_path).exists()


def test_process_that_does_not_drain_is_killed(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is killed after the deadline, which the supervisor says."""
    platform = Platform(tmp_path, {"oam": IGNORES_SIGTERM})
    with platform.thread:
        platform.wait()
        pid = platform.pid_of("oam")
    assert has_ended(pid)
    assert any("did not stop" in line for line in platform.said)


def test_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    """A process that refuses its settings is not tried again; its own sentence is passed on."""
    platform = Platform(tmp_path, {"oam": REFUSES, "ran_sim": SERVES})
    with platform.thread, pytest.raises(CommandError, match=r"oam cannot start.*port: taken"):
        platform.wait()


def test_process_that_never_serves_is_given_up(tmp_path: Path) -> None:
    """A process that crashes before it has ever served is tried three times."""
    platform = Platform(tmp_path, {"oam": CRASHES})
    with platform.thread, pytest.raises(CommandError, match="out of order"):
        platform.wait()
    assert (tmp_path / "oam.log").read_text().count("RuntimeError") == 3


def test_functions_follow_a_new_broker(tmp_path: Path) -> None:
    """When the embedded broker dies, functions start again with the next; the loss is said."""
    platform = Platform(tmp_path, {"oam": SERVES}, broker=spec_of(tmp_path, "embedded_broker"))
    with platform.thread:
        platform.wait()
        before = platform.pid_of("oam")
        broker_pid = int(platform.lives[0].log_identity.removeprefix("log-"))
        os.kill(broker_pid, signal.SIGKILL)
        wait_for(lambda: len(platform.lives) == 2 and run_file_path(tmp_path).exists())
        assert platform.pid_of("oam") != before
    first, second = platform.lives
    assert first.log_identity != second.log_identity
    assert any("LOST" in line for line in platform.said)


SUPERVISOR_PROGRAM = """
import sys, threading
from pathlib import Path
sys.path[:0] = {path!r}
from test_supervisor import EXTERNAL, QUICK, spec_of
from aimlctl.supervisor import Supervisor
from nf_runtime.clock import SystemClock
folder = Path({folder!r})
Supervisor(folder, broker=EXTERNAL, functions=lambda life: [spec_of(folder, "oam")],
           listener=print, clock=SystemClock(), back_off=QUICK).run(threading.Event())
"""


def test_processes_end_with_the_supervisor(tmp_path: Path) -> None:
    """After kill -9 of the supervisor none of its processes is left."""
    program = SUPERVISOR_PROGRAM.format(
        path=[str(Path(__file__).parent), *sys.path], folder=str(tmp_path)
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program])
    try:
        wait_for(run_file_path(tmp_path).exists)
        pid = read_run_file(run_file_path(tmp_path)).processes["oam"].pid
        assert not has_ended(pid)
    finally:
        supervisor.kill()
        supervisor.wait()
    wait_for(lambda: has_ended(pid))


def test_waiting_has_a_deadline(tmp_path: Path) -> None:
    """A platform of which one process never says that it serves does not come up."""
    platform = Platform(tmp_path, {"oam": "import signal; signal.pause()"})
    with platform.thread, pytest.raises(CommandError, match=r"did not come up within 0\.5 s"):
        platform.thread.wait_until_serving(timeout_s=0.5, clock=SystemClock())


def test_stop_before_the_start_has_ended(tmp_path: Path) -> None:
    """A supervisor that is told to stop while processes start leaves none behind."""
    platform = Platform(tmp_path, {"oam": "import signal; signal.pause()"})
    stop = threading.Event()
    thread = threading.Thread(target=platform.supervisor.run, args=(stop,))
    thread.start()
    wait_for((tmp_path / "oam.log").exists)
    stop.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
