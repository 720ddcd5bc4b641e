"""Keeps the broker and the network functions of this machine alive.

::

    supervisor = Supervisor(state_dir, broker=spec, functions=plan.functions, listener=say, ...)
    supervisor.run(stop)          # returns once `stop` is set and every process has ended

Each process is started with its configuration, becomes part of run.json when it serves, is started
again with a pause when it dies, and ends with the supervisor, however that ends. An embedded broker
keeps its log in memory: when it dies, the functions are stopped, get the new broker's address and
start again, and what nobody had read is lost, which is said.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimlctl.child_process import BackOff, ChildProcess, ChildSpec, ChildState, Death
from aimlctl.output import CommandError
from aimlctl.run_file import (
    RunFile,
    RunningProcess,
    Supervision,
    run_file_path,
    write_run_file,
    write_supervision,
)
from nf_runtime.clock import Clock

POLL_S = 0.05
STOP_DEADLINE_S = 15.0
# A process that never served is given up after this many deaths.
DEATHS_BEFORE_SERVING = 3
_STATUS_CONFIGURATION = 2


@dataclass(frozen=True)
class BrokerLife:
    """One life of an event broker: stored offsets belong to its `log_identity`."""

    bootstrap: str
    log_identity: str
    embedded: bool


Listener = Callable[[str], None]
Functions = Callable[[BrokerLife], Sequence[ChildSpec]]


class Supervisor:
    """Starts, watches, restarts and stops the processes of one platform.

    Args:
        state_dir: Where run.json is written.
        broker: A running broker, or the embedded one to start.
        functions: Writes the configurations for a broker and says what to start.
        listener: Is told what happens, one sentence each, from the supervisor's thread.
        clock: For pauses.
        back_off: How long a dead process stays dead.
        stop_deadline_s: How long a process may drain before it is killed.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        broker: BrokerLife | ChildSpec,
        functions: Functions,
        listener: Listener,
        clock: Clock,
        back_off: BackOff | None = None,
        stop_deadline_s: float = STOP_DEADLINE_S,
    ) -> None:
        self._stop_deadline_s = stop_deadline_s
        self._state_dir = state_dir
        self._back_off = back_off or BackOff()
        self._functions = functions
        self._listener = listener
        self._clock = clock
        self._life = broker if isinstance(broker, BrokerLife) else None
        self._broker = (
            ChildProcess(broker, back_off=self._back_off) if isinstance(broker, ChildSpec) else None
        )
        self._children: list[ChildProcess] = []
        self._written: object = None
        self._everyone_served = threading.Event()

    @property
    def everyone_served(self) -> threading.Event:
        """Is set when every process has served once."""
        return self._everyone_served

    def processes(self) -> dict[str, RunningProcess]:
        """The functions by name; one that is being started again still has its last process."""
        running = {child.name: child.running for child in list(self._children)}
        return {name: process for name, process in running.items() if process is not None}

    def run(self, stop: threading.Event) -> None:
        """Runs the platform until `stop` is set.

        Raises:
            CommandError: a process could not be started at all.
        """
        try:
            while not stop.is_set():
                self._tend()
                stop.wait(POLL_S)
        finally:
            run_file_path(self._state_dir).unlink(missing_ok=True)
            self._stop(self._children)
            if self._broker is not None:
                self._stop([self._broker])

    def _tend(self) -> None:
        if self._broker is not None:
            self._tend_broker(self._broker)
        if self._life is None:
            return
        if not self._children:
            self._children = [
                ChildProcess(spec, back_off=self._back_off) for spec in self._functions(self._life)
            ]
        for child in self._children:
            self._tend_child(child)
        if all(child.has_served for child in self._children):
            self._write_files(self._life)
            if not self._everyone_served.is_set():
                self._everyone_served.set()

    def _tend_child(self, child: ChildProcess) -> None:
        before = child.state
        death = child.tend(self._clock.monotonic_s())
        if death is not None:
            self._check_hope(child, death)
            self._listener(
                f"{child.name} (pid {death.pid}) {death.manner}; "
                f"starting it again in {death.restart_in_s:g} s"
            )
        elif before is not ChildState.SERVING and child.state is ChildState.SERVING:
            again = "again " if child.start_count > 1 else ""
            address = child.running.address if child.running else ""
            self._listener(f"{child.name} serves {again}on {address} (pid {child.pid})")

    def _tend_broker(self, broker: ChildProcess) -> None:
        was_serving = broker.state is ChildState.SERVING
        self._tend_child(broker)
        if was_serving and broker.state is not ChildState.SERVING:
            self._listener(
                "the embedded broker is gone and its log with it: events that had not been read "
                "are LOST; every function is started again with the next broker"
            )
            self._life = None
            run_file_path(self._state_dir).unlink(missing_ok=True)
            self._stop(self._children)
            self._children = []
        elif self._life is None and broker.state is ChildState.SERVING and broker.running:
            self._life = BrokerLife(broker.running.address, broker.log_identity, embedded=True)

    def _check_hope(self, child: ChildProcess, death: Death) -> None:
        hopeless = (
            death.exit_code == _STATUS_CONFIGURATION
            or child.deaths_in_a_row >= DEATHS_BEFORE_SERVING
        )
        if hopeless and not self._everyone_served.is_set():
            raise CommandError(
                f"{child.name} cannot start, it {death.manner}: "
                f"{child.last_words() or 'it left no word'} (log: {child.spec.log_file})"
            )

    def _write_files(self, life: BrokerLife) -> None:
        run = RunFile(broker=life.bootstrap, processes=self.processes())
        starts = {child.name: child.start_count for child in self._children}
        if (run, starts) == self._written:
            return
        write_run_file(run_file_path(self._state_dir), run)
        supervision = Supervision(
            embedded_broker_pid=self._broker.pid if self._broker is not None else None,
            log_identity=life.log_identity,
            starts=starts,
        )
        write_supervision(self._state_dir, supervision)
        self._written = (run, starts)

    def _stop(self, children: Sequence[ChildProcess]) -> None:
        for child in children:
            child.ask_to_stop()
        deadline_s = self._clock.monotonic_s() + self._stop_deadline_s
        pause = threading.Event()
        while not all(child.has_ended() for child in children):
            if self._clock.monotonic_s() >= deadline_s:
                break
            pause.wait(POLL_S)
        for child in children:
            if not child.has_ended():
                self._listener(
                    f"{child.name} did not stop within {self._stop_deadline_s:g} s and is killed"
                )
                child.kill()


class SupervisorThread:
    """A supervisor that runs beside the caller; leaving the context stops every process."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor")

    def __enter__(self) -> Supervisor:
        self._thread.start()
        return self._supervisor

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_until_serving(self, *, timeout_s: float, clock: Clock) -> None:
        """Returns when every process has served once.

        Raises:
            CommandError: one of them cannot start, or not all of them did in time.
        """
        deadline_s = clock.monotonic_s() + timeout_s
        while not self._supervisor.everyone_served.wait(POLL_S):
            if self._failure is not None:
                raise self._failure
            if clock.monotonic_s() >= deadline_s:
                raise CommandError(f"the platform did not come up within {timeout_s:g} s")

    def _run(self) -> None:
        try:
            self._supervisor.run(self._stop)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._failure = error
