"""The unfolded optimiser."""

import numpy as np
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import torch_pair
from ml_models.gan_gdm.config import ESTIMATED, UNFOLDED, NetworkConfig
from ml_models.gan_gdm.losses import secrecy_loss
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.unfolded import UnfoldedOptimiser
from radio_math.context import RadioContext

PAIR = torch_pair(draw_scenarios(ScenarioProfile(), 8, 161))
CONTEXT = PAIR.estimated
CONFIG = NetworkConfig(
    architecture=UNFOLDED, width=16, layers=3, heads=2, denoising_steps=1, critic_width=16
)


def test_the_order_of_esims_and_carriers_means_nothing() -> None:
    """Turned contexts and noise give turned proposals."""
    torch.manual_seed(0)
    optimiser = UnfoldedOptimiser(CONFIG)
    noise = torch.randn(8, 2, 10, 6)
    esims, carriers = torch.randperm(10), torch.randperm(4)
    turned = RadioContext(
        beam_amplitude=CONTEXT.beam_amplitude[:, esims],
        gain_per_w=CONTEXT.gain_per_w[:, esims],
        leakage_per_w=CONTEXT.leakage_per_w[:, esims],
        ici_factor=CONTEXT.ici_factor[:, esims],
        carrier_noise=CONTEXT.carrier_noise[:, carriers],
        power_budget_w=CONTEXT.power_budget_w,
    )
    turned_noise = torch.cat([noise[..., carriers], noise[..., 4:]], dim=-1)[..., esims, :]
    with torch.no_grad():
        first, second = optimiser(CONTEXT, noise), optimiser(turned, turned_noise)
    torch.testing.assert_close(
        first.said[:, :, esims][:, :, :, carriers], second.said, atol=1e-3, rtol=1e-3
    )


def test_it_learns_from_the_secrecy_rate_alone() -> None:
    """A few dozen steps on one batch gain, though the start is a best response already."""
    torch.manual_seed(1)
    sampler = Sampler(CONFIG)
    sampler.features.calibrate(CONTEXT)
    optimiser = torch.optim.Adam(sampler.generator.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(2)
    rates = []
    for _ in range(50):
        loss, rate = secrecy_loss(sampler, PAIR, ESTIMATED, 4, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rates.append(rate.item())
    assert np.mean(rates[-10:]) > 1.02 * np.mean(rates[:3])
