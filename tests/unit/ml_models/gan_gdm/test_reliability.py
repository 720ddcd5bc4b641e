"""Calibration of the reliability."""

import pytest
import torch

from ml_models.gan_gdm.features import SET_FEATURES
from ml_models.gan_gdm.reliability import Reliability


def embeddings(count: int, seed: int) -> torch.Tensor:
    """Correlated Gaussian embeddings away from the origin."""
    mixing = torch.randn(SET_FEATURES, SET_FEATURES, generator=torch.Generator().manual_seed(0))
    drawn = torch.randn(count, SET_FEATURES, generator=torch.Generator().manual_seed(seed))
    return 2.0 + drawn @ mixing / 5


@pytest.fixture(scope="module")
def reliability() -> Reliability:
    """Fitted to 4,000 embeddings and calibrated on 1,000 others."""
    made = Reliability()
    made.fit(embeddings(4000, 1), embeddings(1000, 2))
    return made


def test_uniform_where_it_was_trained(reliability: Reliability) -> None:
    """On new contexts of the same distribution its deciles are deciles."""
    score = reliability(embeddings(4000, 3))
    levels = torch.linspace(0.1, 0.9, 9)
    torch.testing.assert_close(torch.quantile(score, levels), levels, atol=0.05, rtol=0)


def test_near_zero_far_out(reliability: Reliability) -> None:
    """A shift along any direction is noticed, and far out the score is zero."""
    shift = torch.zeros(SET_FEATURES)
    shift[7] = 3.0
    assert float(reliability(embeddings(500, 4) + shift).mean()) < 0.3
    assert float(reliability(embeddings(500, 5) + 100.0).max()) == pytest.approx(0.0, abs=1e-6)


def test_within_zero_and_one(reliability: Reliability) -> None:
    """Also at the centre and at infinity's door."""
    probe = torch.stack([reliability.centre, reliability.centre + 1e18])
    score = reliability(probe)
    assert float(score[0]) == pytest.approx(1.0, abs=1e-3)
    assert float(score[1]) == pytest.approx(0.0, abs=1e-6)
