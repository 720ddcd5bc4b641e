"""Calibration of the reliability, and what it notices."""

from dataclasses import replace

import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import select_rows, to_torch
from ml_models.gan_gdm.embedding import EMBEDDING_SIZE
from ml_models.gan_gdm.reliability import Reliability
from radio_math.context import RadioContext

PROFILE = ScenarioProfile(geometry="mixed")


def drawn(count: int, seed: int, profile: ScenarioProfile = PROFILE) -> RadioContext:
    """Reported contexts."""
    return to_torch(draw_scenarios(profile, count, seed).estimated)


@pytest.fixture(scope="module")
def reliability() -> Reliability:
    """Fitted to 1,000 contexts and calibrated on 500 others."""
    made = Reliability()
    made.fit(drawn(1000, 1), drawn(500, 2))
    return made


@pytest.fixture(scope="module")
def usual() -> RadioContext:
    """New contexts of the same distribution."""
    return drawn(500, 3)


def test_uniform_where_it_was_trained(reliability: Reliability, usual: RadioContext) -> None:
    """On new contexts of the same distribution its deciles are deciles."""
    embedding, score = reliability(usual)
    assert embedding.shape == (500, EMBEDDING_SIZE)
    levels = torch.linspace(0.1, 0.9, 9)
    torch.testing.assert_close(torch.quantile(score, levels), levels, atol=0.08, rtol=0)


def test_conditions_it_never_saw_are_less_reliable(
    reliability: Reliability, usual: RadioContext
) -> None:
    """Heavy rain, and eavesdroppers next door."""
    rain = replace(PROFILE.channel, rain_probability=1.0, rain_mean_db=6.0)
    near = replace(PROFILE.channel, eavesdropper_min_m=300.0, eavesdropper_max_m=2000.0)
    for channel in (rain, near):
        changed = drawn(200, 4, replace(PROFILE, channel=channel))
        assert float(reliability(changed)[1].mean()) < 0.2 < float(reliability(usual)[1].mean())


def test_tables_that_no_frontier_has_are_not_reliable(
    reliability: Reliability, usual: RadioContext
) -> None:
    """Every entry off by 1 dB up or down: gains no longer fall along the grid."""
    sign = torch.randint(0, 2, usual.gain_per_w.shape, generator=torch.Generator().manual_seed(5))
    disturbed = replace(usual, gain_per_w=usual.gain_per_w * 10 ** (0.1 * (2.0 * sign - 1.0)))
    assert float(reliability(disturbed)[1].max()) == pytest.approx(0.0, abs=1e-3)


def test_within_zero_and_one(reliability: Reliability, usual: RadioContext) -> None:
    """Also at infinity's door."""
    far = replace(usual, gain_per_w=1e18 * usual.gain_per_w)
    for context in (usual, far):
        score = reliability(context)[1]
        assert float(score.min()) >= 0
        assert float(score.max()) <= 1
    assert float(reliability(far)[1].max()) == pytest.approx(0.0, abs=1e-6)


def test_few_contexts_are_enough(usual: RadioContext) -> None:
    """A retraining's few hundred contexts give a usable scale, and the same one every time."""
    learned, held = drawn(256, 6), drawn(256, 7)
    made, again = Reliability(), Reliability()
    made.fit(learned, held)
    again.fit(learned, held)
    score = made(usual)[1]
    assert float(score.mean()) == pytest.approx(0.5, abs=0.1)
    torch.testing.assert_close(again(usual)[1], score, atol=0, rtol=0)


def test_a_handful_of_contexts_does_not_fail(usual: RadioContext) -> None:
    """A trial run's few contexts are no basis, but no reason to stop either."""
    made = Reliability()
    made.fit(select_rows(usual, slice(0, 8)), select_rows(usual, slice(8, 16)))
    assert torch.isfinite(made(usual)[1]).all()
