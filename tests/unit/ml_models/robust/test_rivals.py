"""The robust rivals by name."""

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.robust import rivals
from radio_math.secrecy import quota_respected

CONTEXT = draw_scenarios(ScenarioProfile(), 3, Split.VALIDATION.seed(74)).estimated


@pytest.mark.parametrize("name", rivals.NAMES)
def test_decisions_keep_quota_and_budget(name: str) -> None:
    """Whatever a rival believes of the channel, it decides within the rules."""
    decision = rivals.build(name)(CONTEXT, np.random.default_rng(1))
    assert quota_respected(decision, 4, 4).all()
    assert (decision.power_w >= 0).all()
    assert (decision.power_w.sum(axis=-1) <= CONTEXT.power_budget_w * (1 + 1e-9)).all()


@pytest.mark.parametrize("name", list(rivals.MARGINED))
def test_a_margin_makes_beamformers_more_careful(name: str) -> None:
    """With the margin nulls are deeper, on average, than without."""
    careful = rivals.build(name)(CONTEXT, np.random.default_rng(1))
    plain = rivals.MARGINED[name]()(CONTEXT, np.random.default_rng(1))
    assert careful.beamformer_index.mean() > plain.beamformer_index.mean()
