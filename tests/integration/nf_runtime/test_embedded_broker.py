"""The embedded broker as a process."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from support.waiting import wait_until


def started(folder: Path) -> tuple["subprocess.Popen[str]", dict[str, object]]:
    """A running broker and the content of its ready file."""
    ready_file = folder / "broker.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "nf_runtime.embedded_broker", "--ready-file", str(ready_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(ready_file.exists, timeout_s=30, what="the embedded broker")
    return process, json.loads(ready_file.read_text())


def test_says_what_it_is_and_leaves_on_sigterm(tmp_path: Path) -> None:
    """It warns that it forgets, and a signal ends it with status 0 and without its file."""
    process, ready = started(tmp_path)
    assert ready["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "demos and tests only" in json.loads(out)["event"]
    assert err == ""
    assert not (tmp_path / "broker.json").exists()


def test_each_start_is_another_log(tmp_path: Path) -> None:
    """Offsets of one life must never be used in the next, so the identity changes."""
    identities = set()
    for _ in range(2):
        process, ready = started(tmp_path)
        identities.add(ready["log_identity"])
        process.terminate()
        process.communicate(timeout=30)
    assert len(identities) == 2
