"""A network function as a process of its own, that a test can kill and start again."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from support.waiting import wait_until

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


class NfProcess:
    """``python -m MODULE --config FILE`` on a free port; its output goes to a file beside it.

    Args:
        module: The network function, e.g. ``nwdaf.anlf``.
        settings: Content of its configuration; ``server`` is filled in.
        folder: Where files of the process go; its working directory.
    """

    def __init__(self, module: str, settings: dict[str, Any], folder: Path) -> None:
        self.module = module
        self._folder = folder
        self._ready_file = folder / f"{module}.ready.json"
        self._config_file = folder / f"{module}.yaml"
        self.log_file = folder / f"{module}.log"
        server = {"port": 0, "metrics_port": 0, "drain_s": 2.0}
        content = {
            **settings,
            "server": {**server, "ready_file": str(self._ready_file), **settings.get("server", {})},
        }
        self._config_file.write_text(yaml.safe_dump(content))
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def memory_map(self) -> str:
        """The files that the process has mapped, libraries among them."""
        return Path(f"/proc/{self.pid}/maps").read_text()

    def start(self) -> str:
        """The address that it serves at, once it does."""
        self._ready_file.unlink(missing_ok=True)
        with self.log_file.open("ab") as log:
            # No preexec_fn: it makes Popen fork, which gRPC in this process does not survive.
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, "--config", str(self._config_file)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                process_group=0,  # Ctrl-C in pytest is for pytest
            )
        self._process = process

        def ready() -> bool:
            if process.poll() is not None:
                text = self.log_file.read_text(errors="replace")
                raise RuntimeError(
                    f"{self.module} ended with {process.returncode}:\n{text[-4000:]}"
                )
            return self._ready_file.exists()

        wait_until(ready, timeout_s=START_TIMEOUT_S, what=f"{self.module} to serve")
        self.address = json.loads(self._ready_file.read_text())["address"]
        return self.address

    def kill(self) -> None:
        """``kill -9``."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(timeout=STOP_TIMEOUT_S)
