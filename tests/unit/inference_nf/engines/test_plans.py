"""Tests of the plan cache."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_nf.engines.plans import PlanCache, PlanKey
from nf_runtime.errors import FailedPrecondition

KEY = PlanKey("a" * 64, "tensorrt 10.1", "H200 9.0", "graph", (1, 1, 64))
OTHERS = [
    replace(KEY, artifact_sha256="b" * 64),
    replace(KEY, library="tensorrt_rtx 10.1"),
    replace(KEY, gpu="L4 8.9"),
    replace(KEY, precision="fp16"),
    replace(KEY, profile=(1, 1, 32)),
]


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    """By another process too; the last one written counts."""
    cache = PlanCache(tmp_path / "plans")
    assert cache.read(KEY) is None
    cache.write(KEY, b"first")
    cache.write(KEY, b"second")
    assert PlanCache(tmp_path / "plans").read(KEY) == b"second"
    assert len(list((tmp_path / "plans").iterdir())) == 1


@pytest.mark.parametrize("other", OTHERS)
def test_a_plan_for_something_else_is_not_found(tmp_path: Path, other: PlanKey) -> None:
    """Graph, library, GPU, precision and shapes each matter."""
    cache = PlanCache(tmp_path)
    cache.write(KEY, b"plan")
    assert cache.read(other) is None


def test_a_plan_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    """A file that was copied over is compiled anew, not run."""
    cache = PlanCache(tmp_path)
    cache.write(KEY, b"plan")
    (written,) = tmp_path.iterdir()
    cache.write(OTHERS[0], b"other")
    (other,) = [path for path in tmp_path.iterdir() if path != written]
    written.replace(other)
    assert cache.read(OTHERS[0]) is None
    assert list(tmp_path.iterdir()) == []


@given(plan=st.binary(max_size=100), data=st.data())
def test_a_damaged_file_is_never_handed_out(
    tmp_path_factory: pytest.TempPathFactory, plan: bytes, data: Any
) -> None:
    """Cut short anywhere or with any byte changed: there is no plan."""
    folder = tmp_path_factory.mktemp("plans")
    cache = PlanCache(folder)
    cache.write(KEY, plan)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(content[:place])
    else:
        changed = bytearray(content)
        changed[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(bytes(changed))
    assert cache.read(KEY) is None


def compiling(calls: list[str], plan: bytes = b"plan") -> Callable[[], bytes]:
    """A compiler that is counted."""

    def compile_plan() -> bytes:
        calls.append("compiled")
        return plan

    return compile_plan


def test_a_plan_is_compiled_once(tmp_path: Path) -> None:
    """The next load reads it."""
    calls: list[str] = []
    for _ in range(2):
        cache = PlanCache(tmp_path)
        assert cache.loaded(KEY, load=bytes.upper, compile_plan=compiling(calls)) == b"PLAN"
    assert calls == ["compiled"]


def test_a_damaged_or_foreign_plan_is_compiled_anew_and_kept(tmp_path: Path) -> None:
    """So is one that is whole, but that the library does not take."""
    cache = PlanCache(tmp_path)
    calls: list[str] = []
    cache.write(KEY, b"plan")
    (path,) = tmp_path.glob("*.plan")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert cache.loaded(KEY, load=bytes.upper, compile_plan=compiling(calls)) == b"PLAN"
    cache.write(KEY, b"of an older driver")
    taken = cache.loaded(
        KEY,
        load=lambda plan: plan if plan == b"plan" else None,
        compile_plan=compiling(calls),
    )
    assert taken == b"plan"
    assert cache.read(KEY) == b"plan"
    assert calls == ["compiled"] * 2


def test_a_library_that_refuses_its_own_plan_is_an_error(tmp_path: Path) -> None:
    """Nothing is kept."""
    cache = PlanCache(tmp_path)
    with pytest.raises(FailedPrecondition, match="cannot load the plan"):
        cache.loaded(KEY, load=lambda _: None, compile_plan=lambda: b"plan")
    assert cache.read(KEY) is None


# Needs the plan as a process of its own: if it has to compile, says so and waits to be told.
COMPILER = """
import sys
from pathlib import Path
from inference_nf.engines.plans import PlanCache, PlanKey

def compile_plan():
    print("AT WORK", flush=True)
    sys.stdin.readline()
    return b"plan"

key = PlanKey("a" * 64, "tensorrt 10.1", "H200 9.0", "fp32", (1, 1, 64))
plan = PlanCache(Path(sys.argv[1])).loaded(key, load=bytes.upper, compile_plan=compile_plan)
print(plan.decode(), flush=True)
"""


class Compilers:
    """Processes that share a folder of plans."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        """One more."""
        process = subprocess.Popen(
            [sys.executable, "-c", COMPILER, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End those that are left."""
        for process in self.started:
            process.kill()
            process.communicate()


@pytest.fixture
def compilers(tmp_path: Path) -> Iterator[Compilers]:
    """Ended with the test."""
    compilers = Compilers(tmp_path)
    yield compilers
    compilers.close()


def at_work(process: subprocess.Popen[str]) -> None:
    """Wait until it compiles."""
    assert process.stdout is not None
    assert any(line.strip() == "AT WORK" for line in process.stdout)


def said(process: subprocess.Popen[str], told: str = "") -> list[str]:
    """Tell it to go on and wait until it ends; what it said, without its log."""
    lines = process.communicate(told)[0].splitlines()
    return [line for line in lines if line in ("AT WORK", "PLAN")]


def test_of_several_processes_one_compiles(compilers: Compilers) -> None:
    """The others wait and take its plan."""
    first = compilers.start()
    at_work(first)
    others = [compilers.start() for _ in range(2)]
    assert said(first, "\n") == ["PLAN"]
    assert [said(other) for other in others] == [["PLAN"]] * 2


def test_killed_while_compiling(compilers: Compilers, tmp_path: Path) -> None:
    """Whoever waited compiles in its place; a half-written file is swept away."""
    first = compilers.start()
    at_work(first)
    second = compilers.start()
    first.send_signal(signal.SIGKILL)
    at_work(second)
    assert said(second, "\n") == ["PLAN"]

    (path,) = tmp_path.glob("*.plan")
    left_over = path.with_name(f"{path.name}.0123.partial")
    left_over.write_bytes(b"half")
    assert said(compilers.start()) == ["PLAN"]
    assert not left_over.exists()


# Writes one plan after the other, each of a byte of its own, and says when each is kept.
WRITER = """
import itertools
import sys
from pathlib import Path
from inference_nf.engines.plans import PlanCache, PlanKey

key = PlanKey("a" * 64, "tensorrt 10.1", "H200 9.0", "graph", (1, 1, 64))
cache = PlanCache(Path(sys.argv[1]))
for number in itertools.count(1):
    cache.write(key, bytes([number % 256]) * 1_000_000)
    print(number, flush=True)
"""


@pytest.mark.prove
def test_killed_while_a_plan_is_written(tmp_path: Path, round_seed: int) -> None:
    """At any byte: the plan that was kept last is handed out, or the one after it, as a whole."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        threading.Timer(random.Random(round_seed).uniform(0, 0.1), process.kill).start()
        kept = [int(line) for line in process.stdout] or [1]
    cache = PlanCache(tmp_path)
    plan = cache.read(KEY)
    assert plan in {bytes([number % 256]) * 1_000_000 for number in (kept[-1], kept[-1] + 1)}
    cache.loaded(KEY, load=lambda whole: whole, compile_plan=lambda: b"")
    assert not list(tmp_path.glob("*.partial"))
