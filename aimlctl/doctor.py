"""``aimlctl doctor``: what this machine can do, and what it lacks."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.console import Console

from aimlctl.lock import SupervisorLock
from aimlctl.nf_settings import FUNCTIONS, HOST
from aimlctl.options import JsonOption, StateDirOption
from aimlctl.output import Output, table_of
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlctl.scenario_orders import SCENARIO_FOLDER

GOOD, LACKING, BROKEN = "good", "lacking", "broken"
_NEEDED_MEMORY_GB = 3.0
_NEEDED_DISK_GB = 1.0
_BYTES_PER_GB = 1e9
_TIMEOUT_S = 10.0
_OLDEST_PYTHON = (3, 11)

MODELS_FOLDER = SCENARIO_FOLDER.parent / "models"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: good, lacking (something cannot be done) or broken."""

    what: str
    state: str
    seen: str
    advice: str = ""


def doctor(*, state_dir: StateDirOption = DEFAULT_STATE_DIR, as_json: JsonOption = False) -> None:
    """What this machine can do, and what it lacks; fails if the demo cannot run."""
    output = Output.of(as_json=as_json)
    findings = list(look(state_dir))
    healthy = all(finding.state != BROKEN for finding in findings)
    document = {"healthy": healthy, "findings": [asdict(finding) for finding in findings]}

    def show(console: Console) -> None:
        rows = ((f.what, f.state, f.seen, f.advice) for f in findings)
        console.print(table_of(("What", "State", "Seen", "Advice"), rows))

    output.document(document, show=show)
    if not healthy:
        raise typer.Exit(1)


def look(state_dir: Path) -> Iterator[Finding]:
    """Everything that is looked at, in order."""
    yield _python()
    yield _memory()
    yield _disk(state_dir)
    yield _library("grpcio", BROKEN, "make install")
    yield _library("confluent-kafka", BROKEN, "make install; the embedded broker is in it")
    yield _library("onnxruntime", BROKEN, "pip install 'aimlnf[serve]'")
    yield _library("torch", BROKEN, "pip install 'aimlnf[train]'; the demo trains")
    yield _library("fastapi", LACKING, "pip install 'aimlnf[gateway]'; 'up' starts the gateway")
    yield _shipped_model()
    yield _default_ports()
    yield _gpu()
    yield _engine_library()
    yield _program(
        "java", "real Apache Kafka in the tests; apt-get install openjdk-17-jre-headless"
    )
    yield _program("postgres", "PostgreSQL in the tests; apt-get install postgresql", _postgres)
    yield _platform(state_dir)


def _python() -> Finding:
    seen = f"{platform.python_version()} on {len(os.sched_getaffinity(0))} cores"
    good = sys.version_info >= _OLDEST_PYTHON
    return Finding("Python", GOOD if good else BROKEN, seen, "" if good else "use Python 3.11+")


def _memory() -> Finding:
    total_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _BYTES_PER_GB
    good = total_gb >= _NEEDED_MEMORY_GB
    advice = "" if good else f"training and six functions need about {_NEEDED_MEMORY_GB:g} GB"
    return Finding("Memory", GOOD if good else LACKING, f"{total_gb:.1f} GB", advice)


def _disk(state_dir: Path) -> Finding:
    folder = next(
        parent
        for parent in (state_dir.absolute(), *state_dir.absolute().parents)
        if parent.exists()
    )
    free_gb = shutil.disk_usage(folder).free / _BYTES_PER_GB
    good = free_gb >= _NEEDED_DISK_GB
    advice = "" if good else "databases and artifacts need room"
    return Finding("Disk", GOOD if good else LACKING, f"{free_gb:.1f} GB free", advice)


def _library(name: str, otherwise: str, advice: str) -> Finding:
    try:
        return Finding(name, GOOD, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, otherwise, "not installed", advice)


def _shipped_model() -> Finding:
    cards = sorted(MODELS_FOLDER.glob("*/model_card.json"))
    if not cards:
        advice = "the first training starts from it; restore models/ from the repository"
        return Finding("Shipped model", BROKEN, f"none in {MODELS_FOLDER}", advice)
    return Finding("Shipped model", GOOD, ", ".join(card.parent.name for card in cards))


def _default_ports() -> Finding:
    taken = [str(port) for port, _ in FUNCTIONS.values() if not _is_free(port)]
    if taken:
        advice = "'up' takes other ports; see run.json"
        return Finding("Default ports", LACKING, f"taken: {', '.join(taken)}", advice)
    return Finding("Default ports", GOOD, "free")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    advice = "models run on ONNX Runtime on the CPU"
    if program is None:
        return Finding("NVIDIA GPU", LACKING, "none", advice)
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed query
            query, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("NVIDIA GPU", LACKING, f"nvidia-smi fails: {error}", advice)
    return Finding("NVIDIA GPU", GOOD, answer.stdout.strip().replace("\n", ", "))


def _engine_library() -> Finding:
    found = [name for name in ("tensorrt", "tensorrt_rtx") if importlib.util.find_spec(name)]
    if not found:
        return Finding("TensorRT", LACKING, "not installed", "--runtime tensorrt needs it")
    return Finding("TensorRT", GOOD, ", ".join(found))


def _program(name: str, advice: str, find: Callable[[str], str | None] = shutil.which) -> Finding:
    path = find(name)
    if path is None:
        return Finding(name, LACKING, "not installed", f"only for {advice}")
    return Finding(name, GOOD, path)


def _postgres(name: str) -> str | None:
    # Debian keeps the server's programs off the path.
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name)


def _platform(state_dir: Path) -> Finding:
    holder = SupervisorLock(state_dir).holder()
    seen = "not running" if holder is None else f"runs (supervisor pid {holder})"
    return Finding(f"Platform in {state_dir}", GOOD, seen)
