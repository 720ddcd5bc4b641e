"""What smaller variants of a small network cost."""

from pathlib import Path

import pytest

from ml_models.export.precision import Precision
from ml_models.studies.precision import Variant, precision_study


@pytest.mark.slow
def test_every_variant_is_measured_against_the_artifact(tiny_folder: Path) -> None:
    """The artifact is itself; a smaller one is smaller, timed, and near in half precision."""
    told: list[float] = []
    document = precision_study(
        tiny_folder,
        samples=3,
        seed=8,
        variants=(Variant(Precision.FP16), Variant(Precision.INT8)),
        on_progress=told.append,
    )
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    variants = document["variants"]
    assert list(variants) == ["fp32", "fp16", "int8"]
    assert variants["fp32"]["ratio_to_fp32"]["mean"] == 1.0
    assert variants["fp16"]["bytes"] < variants["fp32"]["bytes"]
    assert variants["fp16"]["ratio_to_fp32"]["mean"] == pytest.approx(1.0, abs=0.05)
    for figures in variants.values():
        assert figures["violations"] == 0
        assert figures["decision_p50_ms"] > 0
        assert 0 < figures["ratio_to_exhaustive"]["mean"] < 1.01


def test_names() -> None:
    """A variant is called by what it is."""
    assert Variant(Precision.INT8, 0.25).name == "int8_pruned_25"
    assert Variant(pruned_share=0.5).name == "fp32_pruned_50"
