"""The losses of the labels and of the rate."""

import numpy as np
import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import Batch, off_log_share, torch_pair
from ml_models.gan_gdm.config import ESTIMATED, TRUE, NetworkConfig
from ml_models.gan_gdm.losses import diffusion_loss, secrecy_loss
from ml_models.gan_gdm.network import Proposal
from ml_models.gan_gdm.sampler import Sampler

PAIR = torch_pair(draw_scenarios(ScenarioProfile(), 8, 81))
CONTEXT = PAIR.estimated
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
def batch() -> Batch:
    """Made-up labels: some ESIMs are off."""
    rng = np.random.default_rng(0)
    share = torch.as_tensor(rng.dirichlet(np.full(10, 0.3), 8).astype(np.float32))
    return Batch(
        context=CONTEXT,
        carrier=torch.as_tensor(rng.integers(0, 4, (8, 10))),
        log_share=off_log_share(share * CONTEXT.power_budget_w[:, None], CONTEXT.power_budget_w),
        index=torch.as_tensor(rng.uniform(0, 15, (8, 10)).astype(np.float32)),
    )


def saying(logits: torch.Tensor, log_share: torch.Tensor, index: torch.Tensor) -> Proposal:
    """A proposal of these shares and indices on whatever carrier."""
    everywhere = torch.ones_like(logits)
    place = torch.logit(index / 15)
    said = (logits, log_share[..., None] * everywhere, place[..., None] * everywhere)
    return Proposal(torch.stack(said)[..., None])


def test_the_label_itself_has_no_diffusion_loss(batch: Batch) -> None:
    """A proposal that says the label is perfect, one that says another carrier is not."""
    logits = 40.0 * torch.nn.functional.one_hot(batch.carrier, 4)
    right = saying(logits, batch.log_share, batch.index)
    wrong = saying(logits.roll(1, dims=-1), batch.log_share, batch.index)
    assert float(diffusion_loss(right, batch)) == pytest.approx(0.0, abs=1e-6)
    assert float(diffusion_loss(wrong, batch)) > 1.0


def test_carriers_of_silent_esims_do_not_count(batch: Batch) -> None:
    """Where the label gives no power, the carrier means nothing."""
    off = torch.arange(10) < 5
    log_share = torch.where(off, -9.0, -np.log(5.0)).expand_as(batch.log_share).float()
    silent = Batch(batch.context, batch.carrier, log_share, batch.index)
    right = 40.0 * torch.nn.functional.one_hot(batch.carrier, 4)
    elsewhere = torch.where(off[:, None], right.roll(1, dims=-1), right)
    assert float(diffusion_loss(saying(elsewhere, log_share, batch.index), silent)) < 0.05


def test_secrecy_loss_reaches_every_parameter_of_the_generator(sampler: Sampler) -> None:
    """Gradients are finite, and carriers, powers and beamformers all get some."""
    loss, rate = secrecy_loss(sampler, PAIR, ESTIMATED, 3, torch.Generator().manual_seed(1))
    loss.backward()
    assert float(rate) > 0
    head = sampler.generator.head.weight.grad
    assert head is not None
    assert (head.abs().sum(dim=1) > 0).all()
    gradients = [p.grad for p in sampler.generator.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_following_the_secrecy_loss_raises_the_rate(sampler: Sampler) -> None:
    """A few dozen steps on one batch gain a twentieth at least."""
    optimiser = torch.optim.Adam(sampler.generator.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(2)
    rates = []
    for _ in range(50):
        loss, rate = secrecy_loss(sampler, PAIR, ESTIMATED, 4, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.append(rate.item())
    assert np.mean(rates[-10:]) > 1.05 * np.mean(rates[:3])


def test_true_outcomes_reward_decisions_made_from_estimates(sampler: Sampler) -> None:
    """The same draws decide the same; only what they are worth is another."""
    rates = [
        secrecy_loss(sampler, PAIR, outcome, 4, torch.Generator().manual_seed(3))[1].item()
        for outcome in (ESTIMATED, TRUE)
    ]
    assert rates[1] < rates[0]
