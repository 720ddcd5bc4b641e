"""What reports mean, learned from pairs of reports and truths."""

from dataclasses import replace

import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import torch_pair
from ml_models.gan_gdm.expectation import Expectation
from ml_models.gan_gdm.features import ContextFeatures, FeatureExtractor
from radio_math.channel import ContextPair

PAIR = torch_pair(draw_scenarios(ScenarioProfile(), 256, 82))
OTHERS = torch_pair(draw_scenarios(ScenarioProfile(), 48, 83))


def features_of(pair: ContextPair) -> ContextFeatures:
    """Scaled features of the reports."""
    extractor = FeatureExtractor()
    extractor.calibrate(PAIR.estimated)
    features: ContextFeatures = extractor(pair.estimated)
    return features


def deviations(made: Expectation, pair: ContextPair) -> torch.Tensor:
    """True leakages as deviations from what was expected."""
    with torch.no_grad():
        expected = made(features_of(pair), pair.estimated)
    away = torch.log(pair.true.leakage_per_w / expected.context.leakage_per_w)
    assert expected.leakage_spread is not None
    return away / expected.leakage_spread


@pytest.fixture(scope="module")
def learned() -> Expectation:
    """From 2,560 ESIMs."""
    torch.manual_seed(0)
    made = Expectation()
    made.learn(features_of(PAIR).esim, PAIR, torch.Generator().manual_seed(1))
    return made


def test_a_report_is_taken_at_its_word_before_anything_was_learned() -> None:
    """Tables are those of the report, and hardly any spread is on them."""
    expected = Expectation()(features_of(PAIR), PAIR.estimated)
    torch.testing.assert_close(expected.context.leakage_per_w, PAIR.estimated.leakage_per_w)
    assert expected.leakage_spread is not None
    assert expected.leakage_spread.max() < 0.01


def test_true_leakages_are_as_far_from_the_expected_ones_as_is_said(learned: Expectation) -> None:
    """On others than those it learned from, in the mean and in the spread."""
    away = deviations(learned, OTHERS)
    assert away.mean().abs() < 0.3
    assert 0.8 < away.std() < 2.0


def test_it_knows_that_nulls_of_the_report_fail_and_those_of_the_horizon_do_not(
    learned: Expectation,
) -> None:
    """At the end of the frontier ten times as much leaks, at that of the path no more."""
    expected = learned(features_of(OTHERS), OTHERS.estimated).context
    excess = torch.log(expected.leakage_per_w / OTHERS.estimated.leakage_per_w).mean(dim=(0, 1))
    assert excess[15] > 2.0
    assert excess[-1].abs() < 0.3


def test_it_stays_as_it_is_once_it_has_learned(learned: Expectation) -> None:
    """No optimiser moves it, and learning again goes on from where it was."""
    assert not any(parameter.requires_grad for parameter in learned.parameters())
    before = learned.foretold(features_of(OTHERS).esim)[1].mean()
    louder = replace(PAIR, true=replace(PAIR.true, leakage_per_w=3 * PAIR.true.leakage_per_w))
    learned.learn(features_of(PAIR).esim, louder, torch.Generator().manual_seed(2))
    after = learned.foretold(features_of(OTHERS).esim)[1].mean()
    assert 0.8 < after - before < 1.4  # log 3 is 1.1
