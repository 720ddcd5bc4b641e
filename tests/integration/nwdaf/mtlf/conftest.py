"""The MTLF and the model repository as processes that know each other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mtlf_world import MtlfWorld

from ml_models.gan_gdm.config import (
    DataConfig,
    NetworkConfig,
    TrainingConfig,
    config_to_json,
)
from nwdaf.mtlf.job_folder import CARD_FILE, WEIGHTS_FILE


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training starts from, of a network so small that it is trained in a moment."""
    # torch takes seconds to import; the other tests need none of it.
    from ml_models.gan_gdm.training import train  # noqa: PLC0415
    from ml_models.gan_gdm.weights import save_weights  # noqa: PLC0415

    network = NetworkConfig(
        width=16,
        layers=1,
        heads=2,
        denoising_steps=1,
        candidates=2,
        critic_width=16,
        critic_layers=1,
    )
    config = TrainingConfig(
        network=network,
        data=DataConfig(labelled=0, unlabelled=64, calibration=64, seed=101),
        diffusion_steps=0,
        secrecy_steps=1,
        secrecy_batch=4,
        lambda_gan=0.0,
        lambda_diff=0.0,
    )
    folder = tmp_path_factory.mktemp("pretrained")
    model = train(config)
    save_weights(model.sampler, model.discriminator, folder / WEIGHTS_FILE)
    (folder / CARD_FILE).write_text(json.dumps({"config": config_to_json(config)}))
    return folder


@pytest.fixture
def world(tmp_path: Path, pretrained: Path) -> Iterator[MtlfWorld]:
    """Both processes, started; no broker."""
    made = MtlfWorld(tmp_path, worker={"pretrained_folder": str(pretrained)})
    made.repository.start()
    made.mtlf.start()
    yield made
    made.end()
