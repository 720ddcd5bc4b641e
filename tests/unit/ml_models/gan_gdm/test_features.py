"""What the networks see."""

import numpy as np
import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import to_torch
from ml_models.gan_gdm.features import (
    CARRIER_FEATURES,
    ESIM_FEATURES,
    PAIR_FEATURES,
    ContextFeatures,
    FeatureExtractor,
)
from radio_math.context import RadioContext

CONTEXT = to_torch(draw_scenarios(ScenarioProfile(geometry="mixed"), 64, 61).estimated)
PER_ESIM = ("beam_amplitude", "gain_per_w", "leakage_per_w", "ici_factor")


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    """Scales taken from the contexts of this module."""
    made = FeatureExtractor()
    made.calibrate(CONTEXT)
    return made


def test_features_are_scaled(extractor: FeatureExtractor) -> None:
    """On the contexts of the calibration every feature has mean 0 and deviation at most 1."""
    features = extractor(CONTEXT)
    assert features.esim.shape == (64, 10, ESIM_FEATURES)
    assert features.pair.shape == (64, 10, 10, PAIR_FEATURES)
    assert features.carrier.shape == (64, 4, CARRIER_FEATURES)
    assert features.esim.mean(dim=(0, 1)).abs().max() < 0.1
    assert features.esim.std(dim=(0, 1)).max() < 1.05


def test_order_of_esims_does_not_matter(extractor: FeatureExtractor) -> None:
    """Permuted ESIMs have permuted features."""
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    values = vars(CONTEXT) | {name: getattr(CONTEXT, name)[:, order] for name in PER_ESIM}
    before: ContextFeatures = extractor(CONTEXT)
    after: ContextFeatures = extractor(RadioContext(**values))
    torch.testing.assert_close(after.esim, before.esim[:, order], atol=1e-4, rtol=1e-4)
    expected = before.pair[:, order][:, :, order]
    torch.testing.assert_close(after.pair, expected, atol=1e-5, rtol=1e-4)


def test_beams_may_come_in_any_order_and_number(extractor: FeatureExtractor) -> None:
    """A beam more that nobody is in and beams in another order change nothing."""
    beams = CONTEXT.beam_amplitude
    more = torch.cat([beams.flip(-1), torch.zeros_like(beams[..., :1])], dim=-1)
    other = extractor(RadioContext(**(vars(CONTEXT) | {"beam_amplitude": more})))
    torch.testing.assert_close(other.esim, extractor(CONTEXT).esim, atol=1e-4, rtol=1e-4)


def test_extreme_contexts_stay_finite(extractor: FeatureExtractor) -> None:
    """Gains and leakages far outside of training are cut, not infinite."""
    for factor in (1e-12, 1e12):
        values = vars(CONTEXT) | {"leakage_per_w": CONTEXT.leakage_per_w * factor}
        features = extractor(RadioContext(**values))
        assert torch.isfinite(features.esim).all()
        assert features.esim.abs().max() <= 6.0


def test_interference_is_directed(extractor: FeatureExtractor) -> None:
    """How u disturbs v is the transpose of how v disturbs u."""
    pair = extractor(CONTEXT).pair.numpy()
    np.testing.assert_allclose(pair[..., 2], np.swapaxes(pair[..., 3], 1, 2))
    assert not np.allclose(pair[..., 2], pair[..., 3])
