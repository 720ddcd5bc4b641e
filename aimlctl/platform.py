"""``aimlctl up``, ``down`` and ``status``: the whole platform as processes on this machine."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from aimlctl.daemon import runtime_overrides
from aimlctl.lock import SupervisorLock
from aimlctl.nf_settings import GATEWAY
from aimlctl.options import EMBEDDED, BrokerOption, JsonOption, RuntimeOption, StateDirOption
from aimlctl.output import CommandError, Output, table_of
from aimlctl.run_file import (
    DEFAULT_STATE_DIR,
    RunFile,
    RunningProcess,
    read_run_file,
    read_supervision,
    run_file_path,
    runs_elsewhere,
)
from nf_runtime.clock import SystemClock
from nf_runtime.probe import why_not_serving

UP_TIMEOUT_S = 90.0
DOWN_TIMEOUT_S = 45.0
_POLL_S = 0.1
_HTTP_TIMEOUT_S = 3.0
_OK = 200
SERVING = "SERVING"


def up(
    *,
    broker: BrokerOption = EMBEDDED,
    runtime: RuntimeOption = "auto",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Start every network function, and return when all of them serve."""
    output = Output.of(as_json=as_json)
    runtime_overrides(runtime)
    _check_ours(state_dir)
    holder = SupervisorLock(state_dir).holder()
    if holder is not None:
        raise CommandError(
            f"the platform runs already in {state_dir} (supervisor pid {holder}); "
            "see 'aimlctl status', stop it with 'aimlctl down'"
        )
    output.say(f"starting in {state_dir}; logs are in {state_dir / 'logs'}")
    if broker == EMBEDDED:
        output.say("the embedded broker is for demos and tests: it forgets all events when it ends")
    process, log_file = _start_daemon(state_dir, broker, runtime)
    _wait_until(
        run_file_path(state_dir).exists,
        timeout_s=UP_TIMEOUT_S,
        check=lambda: _check_alive(process, log_file),
        what=f"the platform did not come up within {UP_TIMEOUT_S:g} s; see {log_file}",
    )
    _show_status(output, state_dir)


def down(*, state_dir: StateDirOption = DEFAULT_STATE_DIR, as_json: JsonOption = False) -> None:
    """Stop every network function; databases and artifacts stay."""
    output = Output.of(as_json=as_json)
    _check_ours(state_dir)
    lock = SupervisorLock(state_dir)
    holder = lock.holder()
    if holder is None:
        raise CommandError(f"nothing runs in {state_dir}")
    os.kill(holder, signal.SIGTERM)
    _wait_until(
        lambda: lock.holder() is None,
        timeout_s=DOWN_TIMEOUT_S,
        what=f"the supervisor (pid {holder}) did not end within {DOWN_TIMEOUT_S:g} s",
    )
    output.document({"stopped": True}, show=lambda console: console.print("stopped"))


def status(*, state_dir: StateDirOption = DEFAULT_STATE_DIR, as_json: JsonOption = False) -> None:
    """Every process with its address and health; fails unless all of them serve."""
    output = Output.of(as_json=as_json)
    if SupervisorLock(state_dir).holder() is None and not runs_elsewhere(state_dir):
        raise CommandError(f"nothing runs in {state_dir}; start it with 'aimlctl up'")
    _show_status(output, state_dir)


def _check_ours(state_dir: Path) -> None:
    if runs_elsewhere(state_dir):
        raise CommandError(
            f"the platform of {state_dir} is started and stopped elsewhere, as by docker compose"
        )


def health_of(name: str, process: RunningProcess) -> str:
    """SERVING, or why not."""
    if name != GATEWAY:
        return why_not_serving(process.address) or SERVING
    connection = http.client.HTTPConnection(process.address, timeout=_HTTP_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse().status
    except OSError as error:
        return f"{process.address} does not answer: {error}"
    finally:
        connection.close()
    return SERVING if answer == _OK else f"{process.address} answers {answer}"


def _show_status(output: Output, state_dir: Path) -> None:
    run = read_run_file(run_file_path(state_dir))
    document = _status_document(run, state_dir)
    rows = (
        (name, entry["health"], entry["pid"], entry["address"], entry["metrics"], entry["starts"])
        for name, entry in document["processes"].items()
    )
    columns = ("Function", "Health", "Pid", "Address", "Metrics", "Starts")

    def show(console: Any) -> None:
        kind = "embedded" if document["embedded_broker_pid"] else "external"
        console.print(f"broker {run.broker} ({kind})")
        console.print(table_of(columns, rows))

    output.document(document, show=show)
    away = [n for n, entry in document["processes"].items() if entry["health"] != SERVING]
    if away:
        output.say(f"not serving: {', '.join(away)}; see their logs in {state_dir / 'logs'}")
        raise typer.Exit(1)


def _status_document(run: RunFile, state_dir: Path) -> dict[str, Any]:
    supervision = read_supervision(state_dir)
    return {
        "broker": run.broker,
        "embedded_broker_pid": supervision.embedded_broker_pid,
        "supervisor_pid": SupervisorLock(state_dir).holder(),
        "processes": {
            name: {
                "pid": process.pid,
                "address": process.address,
                "metrics": process.metrics,
                "health": health_of(name, process),
                "starts": supervision.starts.get(name, 0),
            }
            for name, process in run.processes.items()
        },
    }


def _start_daemon(
    state_dir: Path, broker: str, runtime: str
) -> tuple[subprocess.Popen[bytes], Path]:
    log_file = state_dir / "logs" / "supervisor.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    run_file_path(state_dir).unlink(missing_ok=True)
    command = [sys.executable, "-m", "aimlctl.daemon", "--state-dir", str(state_dir)]
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [*command, "--broker", broker, "--runtime", runtime],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Of its own session: it stays when the terminal goes.
            start_new_session=True,
        )
    return process, log_file


def _check_alive(process: subprocess.Popen[bytes], log_file: Path) -> None:
    if process.poll() is None:
        return
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    words = next((line for line in reversed(lines) if line.strip()), "the log says nothing")
    raise CommandError(f"{words} (log: {log_file})")


def _wait_until(
    condition: Callable[[], bool],
    *,
    timeout_s: float,
    what: str,
    check: Callable[[], None] = lambda: None,
) -> None:
    clock, pause = SystemClock(), threading.Event()
    deadline_s = clock.monotonic_s() + timeout_s
    while not condition():
        check()
        if clock.monotonic_s() >= deadline_s:
            raise CommandError(what)
        pause.wait(_POLL_S)
