"""The whole decision."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import to_torch
from ml_models.gan_gdm.config import FEW_STEP_COUNTS, GAN_GDM, UNFOLDED, NetworkConfig
from ml_models.gan_gdm.network import VARIABLE
from ml_models.gan_gdm.sampler import SampledDecision, Sampler
from radio_math.context import RadioContext
from radio_math.secrecy import quota_respected, sum_secrecy_rate

CONTEXT = to_torch(draw_scenarios(ScenarioProfile(geometry="mixed"), 6, 71).estimated)
CANDIDATES = 5


def sampler_of(denoising_steps: int, architecture: str = GAN_GDM) -> Sampler:
    """An untrained sampler."""
    torch.manual_seed(0)
    config = NetworkConfig(
        architecture=architecture,
        width=16,
        layers=1,
        heads=2,
        denoising_steps=denoising_steps,
        candidates=CANDIDATES,
    )
    made = Sampler(config)
    made.features.calibrate(CONTEXT)
    return made.eval()


def decide(sampler: Sampler, seed: int = 0, context: RadioContext = CONTEXT) -> SampledDecision:
    """Decisions from noise of a seed."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(context.power_budget_w), CANDIDATES)
    noise = torch.randn(*shape, 10, VARIABLE, generator=generator)
    latent = torch.randn(*shape, len(sampler.steps), 10, sampler.latent_size, generator=generator)
    with torch.no_grad():
        return sampler(context, noise, latent)


@pytest.mark.parametrize(
    ("architecture", "denoising_steps"),
    [*((GAN_GDM, count) for count in FEW_STEP_COUNTS), (UNFOLDED, 1)],
)
def test_decisions_are_feasible(architecture: str, denoising_steps: int) -> None:
    """Even untrained: the quota holds, the budget is spent exactly, the grid is not left."""
    decision = decide(sampler_of(denoising_steps, architecture)).allocation
    assert bool(quota_respected(decision, 4, 4).all())
    torch.testing.assert_close(decision.power_w.sum(dim=1), CONTEXT.power_budget_w)
    assert float(decision.power_w.min()) >= 0
    assert float(decision.beamformer_index.min()) >= 0
    assert float(decision.beamformer_index.max()) <= 15


def test_best_candidate_wins_by_the_real_objective() -> None:
    """The prediction is the sum secrecy rate of the winner, the greatest of all candidates."""
    decision = decide(sampler_of(4))
    torch.testing.assert_close(
        decision.predicted_rate_bps_hz, sum_secrecy_rate(CONTEXT, decision.allocation)
    )
    assert decision.candidate_rates_bps_hz.shape == (6, CANDIDATES)
    torch.testing.assert_close(
        decision.predicted_rate_bps_hz, decision.candidate_rates_bps_hz.amax(dim=1)
    )
    assert (decision.candidate_rates_bps_hz.std(dim=1) > 0).all()


def test_candidates_are_compared_with_the_margin_on_leakage() -> None:
    """A cautious sampler draws the same candidates and values them as if more leaked."""
    plain = sampler_of(2)
    config = replace(plain.config, leakage_margin=4.0)
    cautious = Sampler(config).eval()
    cautious.load_state_dict(plain.state_dict())
    decision = decide(cautious)
    feared = replace(CONTEXT, leakage_per_w=4.0 * CONTEXT.leakage_per_w)
    torch.testing.assert_close(
        decision.predicted_rate_bps_hz, sum_secrecy_rate(feared, decision.allocation)
    )
    assert (decision.candidate_rates_bps_hz < decide(plain).candidate_rates_bps_hz).all()


def test_noise_decides_and_nothing_else() -> None:
    """The same noise gives the same decision, other noise another one."""
    sampler = sampler_of(2)
    first, again, other = decide(sampler), decide(sampler), decide(sampler, seed=1)
    assert torch.equal(first.allocation.power_w, again.allocation.power_w)
    assert not torch.equal(first.allocation.power_w, other.allocation.power_w)


@pytest.mark.parametrize("architecture", [GAN_GDM, UNFOLDED])
def test_contexts_of_a_batch_do_not_mix(architecture: str) -> None:
    """A context is decided alike alone and in company."""
    sampler = sampler_of(2, architecture)
    first = RadioContext(**{name: value[:1] for name, value in vars(CONTEXT).items()})
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn(6, CANDIDATES, 10, VARIABLE, generator=generator)
    latent = torch.randn(6, CANDIDATES, 2, 10, sampler.latent_size, generator=generator)
    with torch.no_grad():
        alone = sampler(first, noise[:1], latent[:1])
        together = sampler(CONTEXT, noise, latent)
    torch.testing.assert_close(alone.allocation.power_w, together.allocation.power_w[:1])
    assert torch.equal(alone.allocation.carrier, together.allocation.carrier[:1])


def test_a_sampler_that_expects_errors_compares_by_what_reports_mean() -> None:
    """Before it has learned anything it takes them at their word; then its prediction follows."""
    torch.manual_seed(0)
    sampler = Sampler(replace(sampler_of(2).config, expects_errors=True)).eval()
    decision = decide(sampler)
    torch.testing.assert_close(
        decision.predicted_rate_bps_hz,
        sum_secrecy_rate(CONTEXT, decision.allocation),
        atol=1e-3,
        rtol=1e-4,
    )
    assert sampler.expectation is not None
    torch.nn.init.constant_(sampler.expectation.narrow.bias, 1.0)
    decision = decide(sampler)
    expected = replace(
        CONTEXT,
        gain_per_w=np.e * CONTEXT.gain_per_w,
        leakage_per_w=np.e * CONTEXT.leakage_per_w,
    )
    spread = torch.full_like(CONTEXT.leakage_per_w, np.e)
    torch.testing.assert_close(
        decision.predicted_rate_bps_hz,
        sum_secrecy_rate(expected, decision.allocation, leakage_spread=spread),
    )


def test_confidence_comes_where_it_is_asked_for() -> None:
    """One probability a decision, or none at all."""
    torch.manual_seed(0)
    asked = Sampler(replace(sampler_of(2).config, says_confidence=True)).eval()
    confidence = decide(asked).confidence
    assert confidence is not None
    assert confidence.shape == (6,)
    assert decide(sampler_of(2)).confidence is None
