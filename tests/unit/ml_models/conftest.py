"""One exported artifact for all tests that need one: exporting takes seconds."""

from pathlib import Path

import pytest

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.export.artifact import write_artifact
from ml_models.gan_gdm.config import DataConfig, NetworkConfig, TrainingConfig
from ml_models.gan_gdm.training import TrainedModel, train


@pytest.fixture(scope="session")
def tiny_model() -> TrainedModel:
    """A small network after two steps of training."""
    config = TrainingConfig(
        network=NetworkConfig(
            width=16,
            layers=1,
            heads=2,
            denoising_steps=2,
            candidates=3,
            critic_width=16,
            critic_layers=1,
        ),
        data=DataConfig(
            profile=ScenarioProfile(), labelled=0, unlabelled=100, calibration=80, seed=101
        ),
        diffusion_steps=0,
        secrecy_steps=2,
        secrecy_batch=4,
        lambda_gan=0.0,
        lambda_diff=0.0,
    )
    return train(config)


@pytest.fixture(scope="session")
def tiny_folder(tiny_model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact folder of that model."""
    folder = tmp_path_factory.mktemp("artifact")
    write_artifact(tiny_model, folder, command="make it again")
    return folder
