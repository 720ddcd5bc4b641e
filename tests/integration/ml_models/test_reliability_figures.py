"""Does a model know what it does not know?"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.onnx_sampler import OnnxSampler
from ml_models.regret_figures import auroc, calibration_error
from ml_models.reliability_figures import WINDOW, distance_to_uniform, reliability_document
from ml_models.shifts import shifts


def test_auroc_is_the_probability_to_rank_right() -> None:
    """One when all positives score higher, a half when nothing tells them apart."""
    low, high = np.array([0.1, 0.2, 0.3]), np.array([0.4, 0.5])
    assert auroc(low, high) == 1.0
    assert auroc(high, low) == 0.0
    assert auroc(low, low) == 0.5
    assert auroc(np.array([0.0, 1.0]), np.array([0.5])) == 0.5


def test_values_spread_evenly_are_uniform() -> None:
    """No distance for an even spread, half of the range when all values are the same end."""
    assert distance_to_uniform((np.arange(100) + 0.5) / 100) == pytest.approx(0.0)
    assert distance_to_uniform(np.zeros(1000)) == pytest.approx(0.5, abs=1e-3)
    assert distance_to_uniform(np.full(1000, 0.5)) == pytest.approx(0.25, abs=1e-3)


def test_probabilities_that_come_true_as_often_as_they_say_are_calibrated() -> None:
    """Nine of ten at 0.9 have no error; nine of ten at 0.4 have one of a half."""
    came_true = np.arange(100) % 10 > 0
    assert calibration_error(np.full(100, 0.9), came_true) == pytest.approx(0.0)
    assert calibration_error(np.full(100, 0.4), came_true) == pytest.approx(0.5)
    assert calibration_error(np.ones(4), np.ones(4, dtype=bool)) == 0.0


@pytest.fixture(scope="module")
def told(tiny_folder: Path) -> dict[str, Any]:
    """What is said of a small model."""
    samplers = {"tiny": OnnxSampler(tiny_folder)}
    return reliability_document(samplers, "tiny", ScenarioProfile(), samples=16, seed=181)


def test_document_tells_shifts(told: dict[str, Any]) -> None:
    """Every shift has both figures, and their mean is that of all."""
    assert told["auroc"].keys() == told["auroc_window"].keys() == shifts(ScenarioProfile()).keys()
    assert told["mean_auroc"] == pytest.approx(np.mean(list(told["auroc"].values())))
    assert 0 <= told["calibration_error"] <= 0.5


def test_document_tells_regret_on_both_channels(told: dict[str, Any]) -> None:
    """Usual and shifted contexts together; a small model regrets many of its decisions."""
    regret = told["regret"]
    assert regret["decisions"] == 16 * (1 + len(told["auroc"]))
    for figures in (regret["models"]["tiny"][channel] for channel in ("estimated", "true")):
        assert 0 < figures["share"] <= 1
        assert figures["count"] == round(figures["share"] * regret["decisions"])
        assert figures["auroc"].keys() >= {"reliability", "candidate_spread", "both"}


def test_few_samples_are_a_window_at_least_and_a_seed_is_a_seed(tiny_folder: Path) -> None:
    """One sample is taken for eight; the same seed says the same, as plain JSON."""
    samplers = {"tiny": OnnxSampler(tiny_folder)}
    first, again = (
        json.dumps(
            reliability_document(samplers, "tiny", ScenarioProfile(), samples=samples, seed=182),
            allow_nan=False,
        )
        for samples in (1, WINDOW)
    )
    assert first == again
