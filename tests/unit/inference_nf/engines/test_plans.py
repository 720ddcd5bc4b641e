"""Tests of the plan cache."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_nf.engines.plans import PlanCache, PlanKey

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
