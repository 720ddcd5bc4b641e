"""A real S3-compatible server on the loopback, as a process of its own: moto in server mode."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
import uuid

from support.waiting import wait_until

START_TIMEOUT_S = 60.0


class S3Server:
    """Serves from the constructor on. What it holds is in memory, so a restart loses it."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._process = self._started()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def create_bucket(self, name: str = "") -> str:
        """The name of a new, empty bucket."""
        bucket = name or f"test-{uuid.uuid4().hex[:12]}"
        request = urllib.request.Request(f"{self.endpoint}/{bucket}", method="PUT")  # noqa: S310
        urllib.request.urlopen(request).close()  # noqa: S310 - an http URL of this class
        return bucket

    def url(self, bucket: str, prefix: str = "") -> str:
        """What a setting says to name a place in it."""
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}"

    def freeze(self) -> None:
        """Answer nothing any more, as behind a dead network; connections stay."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; connections are refused from now on."""
        self._process.kill()
        self._process.wait(timeout=20)

    def start(self) -> None:
        """Serve again on the same port, empty."""
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the S3 server ended with {process.returncode}")
            try:
                urllib.request.urlopen(self.endpoint).close()  # noqa: S310 - an http URL
            except OSError:
                return False
            return True

        wait_until(answers, timeout_s=START_TIMEOUT_S, what="the S3 server to start")
        return process


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
