"""One exported artifact for all tests that need one: exporting takes seconds."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml_models.__main__ import app
from ml_models.comparison import Comparison, ComparisonConfig, compare
from ml_models.export.artifact import WEIGHTS_FILE, config_of_card
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.training import TrainedModel
from ml_models.gan_gdm.weights import load_weights
from ml_models.methods import artifacts_in
from ml_models.onnx_sampler import read_card

TINY = {
    "network": {
        "width": 16,
        "layers": 1,
        "heads": 2,
        "denoising_steps": 2,
        "candidates": 3,
        "critic_width": 16,
        "critic_layers": 1,
    },
    "data": {"labelled": 40, "calibration": 70, "seed": 101},
    "diffusion_steps": 2,
    "secrecy_steps": 2,
    "secrecy_batch": 4,
}


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the train command leaves of a small network after two steps a stage."""
    folder = tmp_path_factory.mktemp("tiny")
    config, out = folder / "config.json", folder / "artifact"
    config.write_text(json.dumps(TINY))
    words = ["train", "--config", str(config), "--out", str(out), "--samples", "1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="session")
def tiny_model(tiny_folder: Path) -> TrainedModel:
    """The model in that folder, on torch."""
    card = read_card(tiny_folder)
    config = config_of_card(card)
    sampler, discriminator = Sampler(config.network), Discriminator(config.network)
    load_weights(tiny_folder / WEIGHTS_FILE, sampler, discriminator)
    return TrainedModel(
        config, sampler.eval(), discriminator, [], card["data"], card["training"]["steps"]
    )


@pytest.fixture(scope="session")
def models(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one artifact."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(tiny_folder, folder / "gan_gdm")
    return folder


@pytest.fixture(scope="session")
def comparison_config(models: Path) -> ComparisonConfig:
    """Few scenarios at two powers, methods of every kind."""
    return ComparisonConfig(
        methods=("exhaustive", "sca_matching", "exhaustive_margin", "mrc_random", "gan_gdm"),
        artifacts=artifacts_in(models),
        samples=6,
        seed=171,
        powers_dbw=(0.0, 20.0),
        timed=3,
    )


@pytest.fixture(scope="session")
def comparison(comparison_config: ComparisonConfig) -> Comparison:
    """All of them compared."""
    return compare(comparison_config)
