"""`python -m ml_models.datasets`, killed and run again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import wait_until
from typer.testing import CliRunner

from ml_models.datasets.__main__ import app

RUNNER = CliRunner()
_DEADLINE_S = 120.0


def arguments(out: Path, processes: int = 1) -> list[str]:
    """A set of three blocks, the last of one scenario."""
    return ["make", "--out", str(out), "--seed", "61", "--count", "129",
            "--split", "validation", "--processes", str(processes)]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set made without interruption."""
    out = tmp_path_factory.mktemp("whole") / "set.safetensors"
    done = RUNNER.invoke(app, arguments(out))
    assert done.exit_code == 0, done.output
    return out


def wait_for_block(folder: Path) -> None:
    """Returns once a finished block lies in the folder."""
    wait_until(
        lambda: any(folder.glob("*.safetensors")), timeout_s=_DEADLINE_S, what="a finished block"
    )


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_and_run_again_gives_the_same_bytes(
    whole: Path, tmp_path: Path, processes: int
) -> None:
    """After kill -9 finished blocks stay, and the end is byte for byte the same."""
    out = tmp_path / "set.safetensors"
    folder = tmp_path / "set.safetensors.blocks"
    command = [sys.executable, "-m", "ml_models.datasets", *arguments(out, processes)]
    victim = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        wait_for_block(folder)
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        # End of file comes when the workers, which hold the same pipe, are gone too.
        victim.communicate(timeout=_DEADLINE_S)
    kept = {block: block.stat().st_mtime_ns for block in folder.glob("*.safetensors")}
    assert kept
    assert not out.exists()
    (folder / "00001.safetensors.partial").write_bytes(b"half a block")
    again = RUNNER.invoke(app, arguments(out))
    assert again.exit_code == 0, again.output
    assert out.read_bytes() == whole.read_bytes()
    assert not folder.exists()


def test_check_tells_the_manifest(whole: Path) -> None:
    """The manifest names split, seed and count."""
    done = RUNNER.invoke(app, ["check", str(whole)])
    assert done.exit_code == 0, done.output
    manifest = json.loads(done.stdout)
    assert (manifest["split"], manifest["seed"], manifest["count"]) == ("validation", 61, 129)
