"""`aimlctl model evaluate` and `train`, each with its child process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import wait_until

from aimlctl.__main__ import run

TINY = {
    "network": {"width": 16, "layers": 1, "heads": 2, "candidates": 2, "critic_width": 16},
    "data": {"labelled": 40, "calibration": 70, "seed": 103},
    "diffusion_steps": 2,
    "secrecy_steps": 2,
    "secrecy_batch": 4,
}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a quick training leaves."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "config.json").write_text(json.dumps(TINY))
    words = ["model", "train", "--config", str(folder / "config.json"), "--quick", "--json"]
    assert run([*words, "--out", str(folder / "artifact")]) == 0
    return folder / "artifact"


def test_training_leaves_an_artifact_that_tells_its_command(artifact: Path) -> None:
    """The card's command is the one that trains it again."""
    card = json.loads((artifact / "model_card.json").read_text())
    assert card["command"].startswith("python -m ml_models train --config")
    assert card["command"].endswith("--quick")
    assert card["training"]["steps"] == {"diffusion": 2, "secrecy": 2}


def test_evaluation_is_one_json_document(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures of the artifact and of the methods asked for; progress goes to stderr."""
    words = ["model", "evaluate", "--model", str(artifact), "--methods", "mrc_random,gan_gdm"]
    assert run([*words, "--samples", "8", "--seed", "7", "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["methods"]["gan_gdm"]["25"].keys() == {"mean", "ci95"}
    assert document["reliability"]["auroc"].keys() >= {"rain", "altitude_1200_km"}
    assert "comparing" in captured.err


def test_what_is_wrong_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A method that is not there, with the names that are."""
    words = ["model", "evaluate", "--models", str(tmp_path), "--methods", "magic"]
    assert run(words) == 1
    assert "magic is no method; choose from exhaustive" in capsys.readouterr().err


@pytest.mark.timeout(600)  # a busy machine takes minutes to start the workers
def test_an_interrupted_command_leaves_no_process_behind(tmp_path: Path) -> None:
    """Ended in the middle of a comparison, it takes the work and its workers along."""
    words = ["-m", "aimlctl", "model", "evaluate", "--models", str(tmp_path), "--samples", "5000"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL) as command:
        try:
            workers = 2 if len(os.sched_getaffinity(0)) > 1 else 0  # one core works by itself
            wait_until(
                lambda: len(grandchildren_of(command.pid)) >= workers,
                timeout_s=240.0,
                what="workers",
            )
            started = [*children_of(command.pid), *grandchildren_of(command.pid)]
            assert len(started) > workers
        finally:
            command.terminate()
            command.wait(60.0)
    wait_until(
        lambda: not any(is_running(pid) for pid in started), timeout_s=60.0, what="their end"
    )
    assert not [pid for pid in started if is_running(pid)]


def grandchildren_of(pid: int) -> list[int]:
    """Processes that children of a process have started."""
    return [grandchild for child in children_of(pid) for grandchild in children_of(child)]


def children_of(pid: int) -> list[int]:
    """Processes that a process started; none if it is gone."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [int(word) for word in words]


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split(") ")[1][0] != "Z"
    except OSError:
        return False
