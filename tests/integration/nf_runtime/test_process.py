"""A network function as a process: its ready file, signals, exit status and sentences."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.echo_service import EchoStub, Request, call
from support.waiting import wait_until

from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings
from nf_runtime.errors import Unavailable

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests"
TIMEOUT_S = 30

# Starts a broker and forgets it.
PARENT = """
import subprocess, sys, time
broker = [sys.executable, "-m", "nf_runtime.embedded_broker", "--ready-file", sys.argv[1]]
subprocess.Popen(broker, stdout=subprocess.DEVNULL)
time.sleep(600)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the echo function with environment variables of its settings."""
    processes = []

    def start_one(*arguments: str, **settings: str) -> "subprocess.Popen[str]":
        ours = {f"AIMLNF_TEST_ECHO__{name}": value for name, value in settings.items()}
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "gen"), str(TESTS)]),
            "AIMLNF_TEST_ECHO__SERVER__READY_FILE": str(tmp_path / "ready.json"),
            **ours,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "support.echo_nf", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start_one
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def ready(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Waits for the ready file and returns its content."""

    def wait() -> dict[str, Any]:
        path = tmp_path / "ready.json"
        wait_until(path.exists, timeout_s=TIMEOUT_S, what="the ready file")
        content: dict[str, Any] = json.loads(path.read_text())
        return content

    return wait


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Status, stdout and stderr of a process that ends by itself."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_drains_and_ends_with_status_0(
    start: Start, ready: Callable[[], dict[str, Any]], tmp_path: Path, number: signal.Signals
) -> None:
    """The ready file leads to a serving process; a signal ends its streams and then itself."""
    process = start()
    content = ready()
    assert content["name"] == "test.echo"
    assert content["pid"] == process.pid
    async with open_channel(content["address"], settings=ClientSettings()) as channel:
        responses = aiter(EchoStub(channel).unary_stream(Request(service="wait")))
        await anext(responses)
        process.send_signal(number)
        with pytest.raises(Unavailable) as caught:
            await anext(responses)
    assert caught.value.reason == "DRAINING"
    status, out, err = finished(process)
    assert (status, err) == (0, "")
    assert not (tmp_path / "ready.json").exists()
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["event"] == "stopped"
    assert {line["nf"] for line in lines} == {"test.echo"}


def test_second_signal_does_not_wait(start: Start, ready: Callable[[], dict[str, Any]]) -> None:
    """A task that ignores the stop is cancelled by a second signal."""
    process = start(IGNORE_STOP="true")
    ready()
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    while "stopped" not in process.stdout.readline():
        pass
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    status, _, _ = finished(process)
    assert status == 0


def test_failed_background_task_ends_the_process(start: Start) -> None:
    """A task that fails takes the process with it: status 1, the traceback in the log."""
    status, out, err = finished(start(CRASH_AFTER_S="0.1"))
    assert (status, err) == (1, "")
    failure = next(line for line in map(json.loads, out.splitlines()) if line["event"] == "failed")
    assert "background task failed" in failure["exception"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"SERVER__PORT": "70000"}, "setting server.port: "),
        ({"SERVER__PROT": "1"}, "setting server.prot: there is no such setting"),
        ({"SEVRER__PORT": "1"}, "AIMLNF_TEST_ECHO__SEVRER__PORT names no section"),
        ({"SERVER__HOST": "192.0.2.1"}, "setting server.port: cannot listen on 192.0.2.1:0"),
    ],
)
def test_wrong_setting_is_one_sentence_and_status_2(
    start: Start, settings: dict[str, str], sentence: str
) -> None:
    """Settings that cannot be used are named on stderr, without a traceback."""
    status, out, err = finished(start(**settings))
    assert status == 2
    assert sentence in err
    assert "Traceback" not in err + out


def test_missing_file_is_one_sentence_and_status_2(start: Start, tmp_path: Path) -> None:
    """A --config file that is not there is named."""
    status, _, err = finished(start("--config", str(tmp_path / "nowhere.yaml")))
    assert status == 2
    assert "nowhere.yaml cannot be read" in err


async def test_killed_process_leaves_a_clear_error(
    start: Start, ready: Callable[[], dict[str, Any]]
) -> None:
    """After kill -9 a caller is told that the peer cannot be reached."""
    process = start()
    content = ready()
    async with open_channel(content["address"], settings=ClientSettings(attempts=1)) as channel:
        assert await call(channel, "unary_unary")
        process.kill()
        process.wait()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await call(channel, "unary_unary")


def test_embedded_broker_ends_with_its_parent(tmp_path: Path) -> None:
    """A broker whose parent is killed is gone a moment later."""
    ready_file = tmp_path / "broker.json"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(ready_file)], cwd=ROOT)
    wait_until(ready_file.exists, timeout_s=TIMEOUT_S, what="the embedded broker")
    broker_pid = json.loads(ready_file.read_text())["pid"]
    parent.kill()
    parent.wait()
    wait_until(lambda: _is_gone(broker_pid), timeout_s=TIMEOUT_S, what="the broker to end")


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # nobody in a container may be there to reap it
