"""Reliability under shifts."""

from pathlib import Path

import numpy as np

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.onnx_sampler import OnnxSampler
from ml_models.shifts import auroc, reliability_document, shifts


def test_auroc_is_the_probability_to_rank_right() -> None:
    """One when all positives score higher, a half when nothing tells them apart."""
    low, high = np.array([0.1, 0.2, 0.3]), np.array([0.4, 0.5])
    assert auroc(low, high) == 1.0
    assert auroc(high, low) == 0.0
    assert auroc(low, low) == 0.5
    assert auroc(np.array([0.0, 1.0]), np.array([0.5])) == 0.5


def test_every_shift_changes_its_own_conditions_only() -> None:
    """A shift differs from the conditions it is compared with, or disturbs the reports."""
    for shift in shifts(ScenarioProfile(geometry="mixed")).values():
        assert shift.is_jammed == (shift.usual == shift.shifted)
        assert shift.usual.geometry == shift.shifted.geometry


def test_document_tells_single_decisions_and_windows(tiny_folder: Path) -> None:
    """Every shift has both; stations next to the ESIMs are told from the usual ones."""
    told = reliability_document(OnnxSampler(tiny_folder), ScenarioProfile(), samples=32, seed=181)
    assert told["auroc"].keys() == told["auroc_window"].keys() == shifts(ScenarioProfile()).keys()
    assert told["auroc"]["near_eavesdroppers"] > 0.9
    assert told == reliability_document(
        OnnxSampler(tiny_folder), ScenarioProfile(), samples=32, seed=181
    )
