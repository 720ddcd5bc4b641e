"""Equivariance of the networks."""

import pytest
import torch

from ml_models.gan_gdm.config import NetworkConfig
from ml_models.gan_gdm.features import ESIM_FEATURES, PAIR_FEATURES
from ml_models.gan_gdm.network import VARIABLE, Discriminator, Generator

CONFIG = NetworkConfig(width=16, layers=2, heads=2, critic_width=16, critic_layers=1)
ORDER = torch.tensor([3, 1, 4, 0, 9, 2, 6, 5, 8, 7])


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    """Random features, noisy decisions and latents of three contexts."""
    generator = torch.Generator().manual_seed(0)
    return {
        "esim": torch.randn(3, 10, ESIM_FEATURES, generator=generator),
        "pair": torch.randn(3, 10, 10, PAIR_FEATURES, generator=generator),
        "noisy": torch.randn(3, 10, VARIABLE, generator=generator),
        "latent": torch.randn(3, 10, CONFIG.latent, generator=generator),
    }


def permuted(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same contexts with their ESIMs in another order."""
    return {
        name: value[:, ORDER][:, :, ORDER] if name == "pair" else value[:, ORDER]
        for name, value in inputs.items()
    }


def test_generator_is_equivariant(inputs: dict[str, torch.Tensor]) -> None:
    """Permuted ESIMs get permuted proposals; shares sum to one, indices stay on the grid."""
    torch.manual_seed(1)
    generator = Generator(CONFIG)
    time = torch.tensor([75.0])

    def propose(given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        conditioning = generator.body.condition(given["esim"], given["pair"])
        proposal = generator(conditioning, given["noisy"], given["latent"], time)
        return proposal.logits, proposal.log_share, proposal.index

    for before, after in zip(propose(inputs), propose(permuted(inputs)), strict=True):
        torch.testing.assert_close(after, before[:, ORDER], atol=1e-5, rtol=1e-4)
    _, log_share, index = propose(inputs)
    torch.testing.assert_close(log_share.exp().sum(dim=1), torch.ones(3))
    assert ((index >= 0) & (index <= 15)).all()


def test_discriminator_is_invariant(inputs: dict[str, torch.Tensor]) -> None:
    """The order of ESIMs does not change a judgement; the noise level and the context do."""
    torch.manual_seed(2)
    critic = Discriminator(CONFIG)
    other = permuted(inputs)

    def judge(given: dict[str, torch.Tensor], level: float) -> torch.Tensor:
        return critic(
            given["esim"], given["pair"], given["noisy"], -given["noisy"], torch.tensor([level])
        )

    torch.testing.assert_close(judge(inputs, 50.0), judge(other, 50.0), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(judge(inputs, 50.0), judge(inputs, 100.0))
    assert not torch.allclose(judge(inputs, 50.0), judge(inputs | {"esim": other["esim"]}, 50.0))
