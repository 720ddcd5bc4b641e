"""The adversarial game."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.adversary import (
    Exhibits,
    critic_loss,
    denoising,
    fooling_loss,
    make_plain,
    normalise_spectrally,
)
from ml_models.gan_gdm.batches import Batch, off_log_share, to_torch
from ml_models.gan_gdm.config import NetworkConfig
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler

CONTEXT = to_torch(draw_scenarios(ScenarioProfile(), 8, 81).estimated)
CONFIG = NetworkConfig(
    width=16, layers=1, heads=2, denoising_steps=2, critic_width=16, critic_layers=1
)


@pytest.fixture
def sampler() -> Sampler:
    """An untrained sampler with scales."""
    torch.manual_seed(0)
    made = Sampler(CONFIG)
    made.features.calibrate(CONTEXT)
    return made


@pytest.fixture
def critic() -> Discriminator:
    """An untrained critic with heavy weights, so that there is something to hold back."""
    torch.manual_seed(3)
    made = Discriminator(CONFIG)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3.0)
    return made


@pytest.fixture
def exhibits(sampler: Sampler) -> Exhibits:
    """Steps back from made-up labels."""
    rng = np.random.default_rng(0)
    share = torch.as_tensor(rng.dirichlet(np.full(10, 0.3), 8).astype(np.float32))
    batch = Batch(
        context=CONTEXT,
        carrier=torch.as_tensor(rng.integers(0, 4, (8, 10))),
        log_share=off_log_share(share * CONTEXT.power_budget_w[:, None], CONTEXT.power_budget_w),
        index=torch.as_tensor(rng.uniform(0, 15, (8, 10)).astype(np.float32)),
    )
    loss, shown = denoising(sampler, sampler.steps[0], batch, torch.Generator().manual_seed(3))
    assert loss.item() > 0
    return shown


def test_adversaries_oppose_each_other(
    sampler: Sampler, critic: Discriminator, exhibits: Exhibits
) -> None:
    """Each loss moves its own player and leaves the other alone."""
    critic_loss(critic, exhibits, 0.0).backward()
    assert all(parameter.grad is None for parameter in sampler.generator.parameters())
    assert all(parameter.grad is not None for parameter in critic.parameters())
    critic.zero_grad()
    fooling_loss(critic, exhibits).backward()
    assert all(parameter.grad is None for parameter in critic.parameters())
    assert any(parameter.grad is not None for parameter in sampler.generator.parameters())


def test_spectral_norm_holds_every_matrix_at_one(critic: Discriminator) -> None:
    """Power iterations find the greatest singular value as the critic is used."""
    normalise_spectrally(critic)
    matrices = [module for module in critic.modules() if isinstance(module, nn.Linear)]
    for _ in range(100):
        greatest = [torch.linalg.matrix_norm(module.weight, 2).item() for module in matrices]
    assert len(greatest) > 5
    assert greatest == pytest.approx([1.0] * len(greatest), abs=0.01)


def test_a_plain_critic_judges_as_the_normalised_one(
    critic: Discriminator, exhibits: Exhibits
) -> None:
    """What is kept for another training has ordinary weights and says the same."""
    names = set(critic.state_dict())
    normalise_spectrally(critic)
    critic.eval()
    shown = (exhibits.features, exhibits.real, exhibits.noisy, exhibits.level)
    said = critic(*shown)
    make_plain(critic)
    assert set(critic.state_dict()) == names
    torch.testing.assert_close(critic(*shown), said)


def test_the_gradient_penalty_is_half_the_squared_slope(
    critic: Discriminator, exhibits: Exhibits
) -> None:
    """The loss grows by what finite differences of the critic's logits say, times the weight."""
    shown = replace(exhibits, real=exhibits.real.detach(), fake=exhibits.fake.detach())
    flat = shown.real.flatten(1)
    slope = torch.zeros_like(flat)
    for place in range(flat.shape[1]):
        logits = []
        for sign in (1.0, -1.0):
            moved = flat.clone()
            moved[:, place] += sign * 2e-3
            real = moved.reshape(shown.real.shape)
            with torch.no_grad():
                logits.append(critic(shown.features, real, shown.noisy, shown.level))
        slope[:, place] = (logits[0] - logits[1]) / 4e-3
    expected = 0.5 * slope.square().sum(dim=1).mean().item()
    without = critic_loss(critic, shown, 0.0).item()
    for weight in (1.0, 4.0):
        penalty = critic_loss(critic, shown, weight).item() - without
        assert penalty == pytest.approx(weight * expected, rel=0.02)


def test_following_the_penalised_loss_flattens_the_critic(
    critic: Discriminator, exhibits: Exhibits
) -> None:
    """The penalty has a gradient of its own: a few steps down it make the slope smaller."""
    shown = replace(exhibits, real=exhibits.real.detach(), fake=exhibits.fake.detach())

    def penalty() -> float:
        return (critic_loss(critic, shown, 100.0) - critic_loss(critic, shown, 0.0)).item()

    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    before = penalty()
    for _ in range(10):
        optimiser.zero_grad()
        critic_loss(critic, shown, 100.0).backward()
        optimiser.step()
    assert penalty() < 0.8 * before
