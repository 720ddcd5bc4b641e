"""`python -m ml_models`."""

import json
from pathlib import Path

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
