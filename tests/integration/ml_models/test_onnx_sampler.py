"""Decisions through ONNX Runtime."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.evaluate import obeys
from ml_models.onnx_sampler import OnnxSampler, read_card
from radio_math.context import ContextError
from radio_math.secrecy import sum_secrecy_rate

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 70, 121).estimated


def test_decides_any_number_of_contexts(tiny_folder: Path) -> None:
    """More than fit one run are decided in several; each is feasible and rightly predicted."""
    decision = OnnxSampler(tiny_folder).decide(CONTEXT, np.random.default_rng(1))
    assert decision.allocation.carrier.shape == (70, 10)
    assert obeys(decision.allocation, CONTEXT).all()
    rate = sum_secrecy_rate(CONTEXT, decision.allocation)
    np.testing.assert_allclose(decision.predicted_rate_bps_hz, rate, rtol=1e-3, atol=1e-3)
    assert decision.reliability.min() >= 0
    assert decision.reliability.max() <= 1


def test_a_seed_gives_a_decision(tiny_folder: Path) -> None:
    """The same noise decides alike, other noise differently."""
    model = OnnxSampler(tiny_folder)
    first, again, other = (
        model.decide(CONTEXT, np.random.default_rng(seed)).allocation.power_w for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    """The message asks for an artifact folder."""
    with pytest.raises(ValueError, match="give an artifact folder"):
        read_card(tmp_path)
    (tmp_path / "model_card.json").write_text("[]")
    with pytest.raises(ValueError, match="no JSON object"):
        OnnxSampler(tmp_path)


def test_a_context_that_is_none_never_reaches_the_graph(tiny_folder: Path) -> None:
    """One NaN among many good numbers is refused by name."""
    context = draw_scenarios(ScenarioProfile(), 2, 161).estimated
    gain = np.array(context.gain_per_w)
    gain[1, 2, 3] = np.nan
    with pytest.raises(ContextError, match="gain_per_w holds a value that is not finite"):
        OnnxSampler(tiny_folder).decide(replace(context, gain_per_w=gain), np.random.default_rng(0))
