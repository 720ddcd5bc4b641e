"""One real Apache Kafka node (KRaft) on free loopback ports, from jars of Maven Central."""

import fcntl
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from support.waiting import wait_until

from nf_runtime.process import die_with_parent

POM = Path(__file__).parent.parent / "integration" / "kafka" / "pom.xml"
CACHE = Path.home() / ".cache" / "aimlnf" / "kafka"
LEAST_JAVA = 17
START_TIMEOUT_S = 90.0
FETCH_TIMEOUT_S = 600.0
_JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


class KafkaNotHereError(RuntimeError):
    """This machine cannot run a Kafka node; the sentence says what is missing."""


class KafkaNode:
    """A broker and controller in one process, which ends with the test process."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._folder = folder
        self._port, controller = (port or free_port()), free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._properties = folder / "server.properties"
        self._properties.write_text(_properties(folder / "log", self._port, controller))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers.

        Raises:
            KafkaNotHereError: No Java, no Maven, or the jars cannot be fetched.
        """
        classpath = f"{jars()}/*"
        if not (self._folder / "log" / "meta.properties").exists():
            self._format(classpath)
        output = self._folder / "kafka.log"
        with output.open("wb") as log:
            self._process = subprocess.Popen(
                ["java", *_JVM, "-cp", classpath, "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in pytest is for pytest
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - only a system call
            )
        process = self._process

        def started() -> bool:
            text = output.read_text(errors="replace")
            if process.poll() is not None:
                raise RuntimeError(f"Kafka ended with {process.returncode}:\n{text[-4000:]}")
            return "Kafka Server started" in text

        wait_until(started, timeout_s=START_TIMEOUT_S, what="Kafka to start")

    def kill(self) -> None:
        """End it without warning; `start` brings it back with its log."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _format(self, classpath: str) -> None:
        command = ["java", *_JVM, "-cp", classpath, "kafka.tools.StorageTool"]
        identity = subprocess.run(
            [*command, "random-uuid"], check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        subprocess.run(
            [*command, "format", "--standalone", "-t", identity, "-c", str(self._properties)],
            check=True,
            capture_output=True,
        )


def jars() -> Path:
    """The folder with Kafka's jars, fetched once for the machine; safe to call concurrently."""
    for program, package in (("java", "Java 17+"), ("mvn", "Maven")):
        if shutil.which(program) is None:
            raise KafkaNotHereError(f"no real Kafka: {package} is not installed ({program})")
    if _java_version() < LEAST_JAVA:
        raise KafkaNotHereError(f"no real Kafka: Java {_java_version()} is older than {LEAST_JAVA}")
    version = ET.parse(POM).findtext(".//m:dependency/m:version", namespaces=_NAMESPACE)  # noqa: S314
    home = CACHE / str(version)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _fetch(home)
    return home


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _java_version() -> int:
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else 0


def _fetch(home: Path) -> None:
    # Into a folder beside it, then renamed: half a download must never look like a whole one.
    with tempfile.TemporaryDirectory(dir=home.parent) as unfinished:
        libs = Path(unfinished) / "libs"
        result = subprocess.run(
            [
                *("mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={libs}"),
            ],
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
            check=False,
        )
        if result.returncode != 0:
            raise KafkaNotHereError(f"no real Kafka: Maven failed: {result.stdout[-500:]}")
        libs.rename(home)


def _properties(log: Path, port: int, controller: int) -> str:
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": log,
        "num.partitions": 4,
        "auto.create.topics.enable": "true",
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _die_with_parent() -> None:
    die_with_parent(signal.SIGKILL)
