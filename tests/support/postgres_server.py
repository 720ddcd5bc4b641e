"""One real PostgreSQL server on a free loopback port, as an unprivileged user."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

import psycopg
from support.kafka_node import free_port
from support.waiting import wait_until

from nf_runtime.process import die_with_parent

START_TIMEOUT_S = 60.0


class PostgresNotHereError(RuntimeError):
    """This machine cannot run a PostgreSQL server; the sentence says what is missing."""


class PostgresServer:
    """A throw-away cluster; it ends with the test process.

    Raises:
        PostgresNotHereError: No server programs, or root has no user to run them as.
    """

    def __init__(self) -> None:
        self._programs = programs = _programs()
        self._identity = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="aimlnf-postgres-"))
        if self._identity:
            os.chown(self._folder, self._identity["user"], self._identity["group"])
        self.port = free_port()
        data = self._folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "aimlnf", "-A", "trust", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._identity,
        )
        self.start()

    def start(self) -> None:
        """Serve what the cluster holds; the constructor has done it once."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "max_connections": 50,
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *settings],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                process_group=0,  # Ctrl-C in pytest is for pytest
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - only a system call
                **self._identity,
            )
        wait_until(self._answers, timeout_s=START_TIMEOUT_S, what="PostgreSQL to start")

    def interrupt(self) -> None:
        """End the server, whoever is connected; `start` brings it back with what it holds."""
        self._process.send_signal(signal.SIGINT)  # fast shutdown
        self._process.wait(timeout=30)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://aimlnf@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Remove it, whoever is connected."""
        self._execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    def stop(self) -> None:
        """End the server and remove its files."""
        self.interrupt()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._address(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            log = (self._folder / "postgres.log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL ended with {self._process.returncode}:\n{log[-2000:]}")
        try:
            psycopg.connect(self._address()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=aimlnf dbname=postgres connect_timeout=5"


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name)
    )
    for folder in ([Path(found).parent] if found else []) + folders[::-1]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresNotHereError("no PostgreSQL server: initdb and postgres are not installed")


def _unprivileged() -> dict[str, Any]:
    # The server refuses to run as root.
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid}
    raise PostgresNotHereError("no PostgreSQL server: it refuses root, and no other user is here")


def _die_with_parent() -> None:
    die_with_parent(signal.SIGINT)
