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
    assert float(reliability(embeddings(500, 5) + 90.0).max()) == pytest.approx(0.0, abs=1e-6)


def test_two_kinds_of_training_contexts_are_both_usual() -> None:
    """Each of two far clusters is scored on its own scale; between them nothing is usual."""
    far = torch.zeros(SET_FEATURES)
    far[0] = 40.0
    made = Reliability()
    made.fit(
        torch.cat([embeddings(1500, 6), embeddings(1500, 7) + far]),
        torch.cat([embeddings(500, 8), embeddings(500, 9) + far]),
    )
    assert float(made(embeddings(500, 10)).mean()) == pytest.approx(0.5, abs=0.1)
    assert float(made(embeddings(500, 11) + far).mean()) == pytest.approx(0.5, abs=0.1)
    assert float(made(embeddings(500, 12) + far / 2).mean()) < 0.1


def test_few_contexts_are_enough() -> None:
    """A retraining's few hundred contexts give one component and a usable scale."""
    made = Reliability()
    made.fit(embeddings(300, 13), embeddings(300, 14))
    assert float(made(embeddings(500, 15)).mean()) == pytest.approx(0.5, abs=0.1)
    assert float(made(embeddings(500, 16) + 50.0).max()) < 0.01


def test_within_zero_and_one(reliability: Reliability) -> None:
    """Also at the centre and at infinity's door."""
    probe = torch.stack([reliability.centre[0], reliability.centre[0] + 1e18])
    score = reliability(probe)
    assert float(score[0]) == pytest.approx(1.0, abs=1e-3)
    assert float(score[1]) == pytest.approx(0.0, abs=1e-6)
