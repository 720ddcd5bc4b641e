"""Tests of the golden samples."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load, save
from support.tiny_models import golden_inputs, tiny_card, tiny_version

from inference_nf.golden import check_golden, read_golden
from inference_nf.model_card import read_card
from inference_nf.releases import Precision
from nf_runtime.errors import FailedPrecondition

CARD = read_card(json.dumps(tiny_card()).encode())
DOCUMENT = tiny_version().files["golden.safetensors"]


def changed(**tensors: npt.NDArray[Any] | None) -> bytes:
    """The samples with some tensors replaced, or left out where None."""
    kept = load(DOCUMENT)
    for name, array in tensors.items():
        kept.pop(name.replace("__", "."), None)
        if array is not None:
            kept[name.replace("__", ".")] = array
    return save(kept)


def test_reads_inputs_and_outputs() -> None:
    """Every input of the card and the stored outputs are there."""
    golden = read_golden(DOCUMENT, CARD)
    assert set(golden.inputs) == {spec.name for spec in CARD.inputs}
    assert set(golden.outputs) == {spec.name for spec in CARD.outputs}
    assert np.array_equal(golden.inputs["noise"], golden_inputs()["noise"])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"not safetensors", "cannot be read"),
        (DOCUMENT[:-1], "cannot be read"),
        (changed(inputs__noise=None), "other inputs"),
        (changed(inputs__more=np.zeros(3)), "other inputs"),
        (changed(inputs__noise=np.zeros((3, 1), np.float32)), "golden input noise"),
        (changed(inputs__power_budget_w=np.ones(3)), "golden input power_budget_w"),
    ],
)
def test_samples_that_do_not_fit_the_card_are_refused(document: bytes, message: str) -> None:
    """The sentence says what is wrong."""
    with pytest.raises(FailedPrecondition, match=message) as caught:
        read_golden(document, CARD)
    assert caught.value.reason == "ARTIFACT_REFUSED"


def test_equal_within_the_tolerance_passes() -> None:
    """Rounding of another engine is no mismatch."""
    stored = read_golden(DOCUMENT, CARD).outputs
    near = {name: v * 1.0005 if v.dtype.kind == "f" else v for name, v in stored.items()}
    check_golden(CARD, stored, near, precision=Precision.FP32)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("power_w", lambda v: v * 1.1, "power_w deviates by up to"),
        ("reliability", lambda v: v * np.nan, "reliability deviates"),
        ("carrier", lambda v: (v + 1) % 4, "carrier differs in 30 elements"),
        ("carrier", lambda v: v[:, :9], "carrier has shape"),
    ],
)
def test_a_deviation_is_a_mismatch(name: str, change: Any, message: str) -> None:
    """The output and the size of the deviation are named; NaN never passes."""
    stored = read_golden(DOCUMENT, CARD).outputs
    with pytest.raises(FailedPrecondition, match=message) as caught:
        check_golden(CARD, stored, {**stored, name: change(stored[name])}, precision=Precision.FP32)
    assert caught.value.reason == "GOLDEN_SAMPLE_MISMATCH"
    assert caught.value.metadata["tensor"] == name


def test_a_missing_output_is_a_mismatch() -> None:
    """An engine that does not compute a stored output does not pass."""
    stored = read_golden(DOCUMENT, CARD).outputs
    fewer = {name: array for name, array in stored.items() if name != "carrier"}
    with pytest.raises(FailedPrecondition, match="shape None"):
        check_golden(CARD, stored, fewer, precision=Precision.FP32)
