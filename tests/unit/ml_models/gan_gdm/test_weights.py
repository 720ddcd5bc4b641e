"""The file of a version's weights."""

from pathlib import Path

import pytest
import torch

from ml_models.gan_gdm.config import ConfigError, NetworkConfig
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.weights import load_weights, save_weights

CONFIG = NetworkConfig(width=16, layers=1, heads=2, critic_width=16, critic_layers=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the weights of two untrained networks."""
    torch.manual_seed(1)
    save_weights(Sampler(CONFIG), Discriminator(CONFIG), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_weights_come_back(path: Path) -> None:
    """Other networks take them over, and nothing but the file is left in the folder."""
    samplers = [Sampler(CONFIG), Sampler(CONFIG)]
    critics = [Discriminator(CONFIG), Discriminator(CONFIG)]
    for sampler, critic in zip(samplers, critics, strict=True):
        load_weights(path, sampler, critic)
    assert torch.equal(*(sampler.generator.head.weight for sampler in samplers))
    assert torch.equal(*(critic.head.weight for critic in critics))
    assert list(path.parent.iterdir()) == [path]


def test_weights_of_another_network_are_refused(path: Path) -> None:
    """A parent of another shape does not load half-way."""
    with pytest.raises(ConfigError, match="do not fit this network"):
        load_weights(path, Sampler(NetworkConfig(width=32, layers=1, heads=2)))
