"""`python -m ml_models`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml_models.__main__ import app
from ml_models.datasets.labelled import load
from ml_models.onnx_sampler import read_card

RUNNER = CliRunner()


def test_dataset_is_written_with_its_manifest(tmp_path: Path) -> None:
    """The manifest on stdout is that of the file."""
    path = tmp_path / "set.safetensors"
    done = RUNNER.invoke(
        app, ["dataset", "--out", str(path), "--count", "3", "--seed", "4", "--geometry", "pass"]
    )
    assert done.exit_code == 0, done.output
    scenarios, manifest = load(path)
    assert json.loads(done.stdout) == manifest
    assert len(scenarios) == 3


def test_evaluation_is_a_table_or_json(tiny_folder: Path) -> None:
    """The same report for people and for programs."""
    arguments = ["evaluate", "--model", str(tiny_folder), "--samples", "2", "--seed", "5"]
    table = RUNNER.invoke(app, arguments)
    assert table.exit_code == 0, table.output
    assert "mrc_random" in table.stdout
    document = json.loads(RUNNER.invoke(app, [*arguments, "--json"]).stdout)
    assert document["samples"] == 2
    assert document["violations"] == 0


def test_training_leaves_an_evaluated_artifact(tiny_folder: Path) -> None:
    """From a configuration to a folder whose card tells command and figures."""
    card = read_card(tiny_folder)
    assert card["metrics"].keys() == {"reference", "pass"}
    assert card["training"]["steps"] == {"diffusion": 2, "secrecy": 2}
    assert card["command"].startswith("python -m ml_models")
    training = card["training"]
    assert (training["device"], training["threads"], training["processes"]) == ("cpu", 1, 1)
    assert "loss_critic" in training["history"][-1]["metrics"]
    assert (tiny_folder / "training.svg").read_text().startswith("<?xml")


def test_comparison_is_told_in_lines(tiny_folder: Path, tmp_path: Path) -> None:
    """Progress to the end, then the result; an artifact may stand anywhere."""
    words = ["compare", "--models", str(tmp_path), "--model", str(tiny_folder), "--lines"]
    words += ["--methods", "mrc_random, gan_gdm", "--samples", "9", "--seed", "6"]
    words += ["--dump", str(tmp_path / "all.npz")]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0, done.output
    *told, last = map(json.loads, done.stdout.splitlines())
    fractions = [line["fraction"] for line in told]
    assert fractions == sorted(fractions)
    result = last["result"]
    assert result["methods"].keys() == {"exhaustive", "mrc_random", "gan_gdm"}
    assert 0 <= result["reliability"]["auroc"]["rain"] <= 1
    assert (tmp_path / "all.npz").is_file()


def test_a_killed_training_ends_with_the_same_weights(tiny_folder: Path, tmp_path: Path) -> None:
    """Killed in the middle of the secrecy stage, the same command leaves the same file."""
    document = json.loads((tiny_folder.parent / "config.json").read_text())
    config = tmp_path / "config.json"
    config.write_text(json.dumps(document | {"secrecy_steps": 120}))
    whole, broken = tmp_path / "whole", tmp_path / "broken"

    def training(out: Path) -> list[str]:
        words = ["train", "--config", str(config), "--out", str(out), "--samples", "1", "--lines"]
        return [sys.executable, "-m", "ml_models", *words]

    subprocess.run(training(whole), check=True, stdout=subprocess.DEVNULL)
    kept = tmp_path / "broken.checkpoints" / "training.pt"
    with subprocess.Popen(training(broken), stdout=subprocess.PIPE, text=True) as killed:
        if killed.stdout is None:
            pytest.fail("the training has no output")
        for line in killed.stdout:
            if json.loads(line).get("phase") == "secrecy" and kept.is_file():
                break
        killed.kill()
    assert kept.is_file()
    assert not broken.exists()
    subprocess.run(training(broken), check=True, stdout=subprocess.DEVNULL)
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (whole, broken)]
    assert weights[0] == weights[1]
    assert not kept.parent.exists()
