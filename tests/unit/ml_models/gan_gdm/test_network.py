"""Equivariance of the networks."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ml_models.gan_gdm.config import NetworkConfig
from ml_models.gan_gdm.features import (
    CARRIER_FEATURES,
    ESIM_FEATURES,
    PAIR_FEATURES,
    ContextFeatures,
)
from ml_models.gan_gdm.network import Discriminator, Generator, Proposal

CONFIG = NetworkConfig(
    width=16, layers=2, heads=2, cell_width=8, cell_layers=2, channels=3, critic_width=8
)
ESIMS = torch.tensor([3, 1, 4, 0, 9, 2, 6, 5, 8, 7])
CARRIERS = torch.tensor([2, 0, 3, 1])


def drawn(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers of a seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def features_of(users: int = 10, carriers: int = 4) -> ContextFeatures:
    """Random features of three contexts."""
    return ContextFeatures(
        esim=drawn(3, users, ESIM_FEATURES, seed=0),
        carrier=drawn(3, carriers, CARRIER_FEATURES, seed=1),
        pair=drawn(3, users, users, PAIR_FEATURES, seed=2),
        alone=torch.ones(3),
    )


def turned(features: ContextFeatures) -> ContextFeatures:
    """The same contexts with their ESIMs and their carriers in another order."""
    return replace(
        features,
        esim=features.esim[:, ESIMS],
        carrier=features.carrier[:, CARRIERS],
        pair=features.pair[:, ESIMS][:, :, ESIMS],
    )


def turned_variable(variable: Tensor) -> Tensor:
    """Decisions [N, U, M + 2, ...] of them."""
    return torch.cat([variable[:, :, CARRIERS], variable[:, :, -2:]], dim=2)[:, ESIMS]


def test_generator_is_equivariant_to_esims_and_carriers() -> None:
    """Turned contexts and noise get turned proposals."""
    torch.manual_seed(1)
    generator = Generator(CONFIG)
    noisy, latent = drawn(3, 10, 6, 2, seed=3), drawn(3, 10, CONFIG.latent, 2, seed=4)
    time = torch.tensor([75.0])
    before = generator(generator.encoder(features_of()), noisy, latent, time)
    after = generator(
        generator.encoder(turned(features_of())),
        turned_variable(noisy),
        latent[:, ESIMS],
        time,
    )
    expected = before.said[:, :, ESIMS][:, :, :, CARRIERS]
    torch.testing.assert_close(after.said, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("users", "carriers"), [(12, 4), (10, 5), (7, 3)])
def test_one_network_takes_any_number_of_esims_and_carriers(users: int, carriers: int) -> None:
    """Its weights belong to no ESIM and to no carrier."""
    torch.manual_seed(1)
    generator = Generator(CONFIG)
    conditioning = generator.encoder(features_of(users, carriers))
    proposal = generator(
        conditioning,
        drawn(3, users, carriers + 2, 2, seed=3),
        drawn(3, users, CONFIG.latent, 2, seed=4),
        torch.tensor([50.0]),
    )
    assert proposal.logits.shape == (3, users, carriers, 2)


def test_shares_and_indices_belong_to_the_carriers() -> None:
    """Shares sum to one, indices stay on the grid, and another carrier gives others."""
    proposal = Proposal(3.0 * drawn(3, 5, 10, 4, 2, seed=0))
    first = torch.zeros(5, 10, 4, 2)
    first[:, :, 0] = 1.0
    log_share, index = proposal.on(first)
    torch.testing.assert_close(log_share.exp().sum(dim=1), torch.ones(5, 2))
    assert ((index >= 0) & (index <= 15)).all()
    assert not torch.allclose(proposal.on(first.roll(1, dims=2))[1], index)


def test_discriminator_is_invariant() -> None:
    """No order changes a judgement; the noise level and the context do."""
    torch.manual_seed(2)
    critic = Discriminator(CONFIG)
    earlier, noisy = drawn(3, 10, 6, seed=5), drawn(3, 10, 6, seed=6)

    def judge(
        features: ContextFeatures, level: float, turn: Callable[[Tensor], Tensor] = torch.clone
    ) -> Tensor:
        judged: Tensor = critic(features, turn(earlier), turn(noisy), torch.tensor([level]))
        return judged

    features = features_of()
    before = judge(features, 50.0)
    after = judge(turned(features), 50.0, turned_variable)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(judge(features, 100.0), before)
    assert not torch.allclose(judge(turned(features), 50.0), before)
