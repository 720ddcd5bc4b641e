"""Contexts that no decision can be made from are refused with the reason."""

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.context import ContextError, RadioContext, check_context

GOOD = draw_scenarios(ScenarioProfile(), 2, 1).estimated


def test_drawn_contexts_pass() -> None:
    """What the data sets draw is usable."""
    check_context(GOOD)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("gain_per_w", GOOD.gain_per_w[:, :, :8], "share one beamformer grid"),
        ("beam_amplitude", GOOD.beam_amplitude[:, :9], "9 ESIMs"),
        ("ici_factor", GOOD.ici_factor[0], "begin with the batch axes"),
        ("ici_factor", GOOD.ici_factor * np.nan, "not finite"),
        ("ici_factor", GOOD.ici_factor - 1, "negative"),
        ("leakage_per_w", GOOD.leakage_per_w * 0, "above zero"),
        ("power_budget_w", -GOOD.power_budget_w, "above zero"),
        ("carrier_noise", GOOD.carrier_noise * 0 + 0.5, "below 1"),
    ],
)
def test_unusable_contexts_are_refused(name: str, value: np.ndarray, reason: str) -> None:
    """The message names what is wrong."""
    with pytest.raises(ContextError, match=reason):
        check_context(RadioContext(**{**vars(GOOD), name: value}))
