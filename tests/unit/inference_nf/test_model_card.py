"""Tests of reading a model card and of comparing it with a graph."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_models import tiny_card

from inference_nf.model_card import STANDARD_NORMAL, TensorSpec, Tolerance, check_graph, read_card
from inference_nf.releases import Precision
from nf_runtime.errors import FailedPrecondition

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def card(change: Callable[[dict[str, Any]], None] = lambda _: None) -> bytes:
    """The tiny card, changed."""
    document = tiny_card()
    change(document)
    return json.dumps(document).encode()


def test_reads_inputs_outputs_and_tolerance() -> None:
    """Names of axes are axes of any length; noise is known by its kind."""
    read = read_card(card())
    assert [spec.name for spec in read.inputs if spec.kind == STANDARD_NORMAL] == ["noise"]
    assert read.inputs[0].shape == (None, 10, 8)
    assert read.golden.file_name == "golden.safetensors"
    assert read.golden.tolerance == Tolerance(absolute=1e-3, relative=1e-3)


def test_a_precision_has_a_tolerance_of_its_own_where_the_card_has_one() -> None:
    """Without, and for cards that were written before there was any, the card's own holds."""
    whole, half = Tolerance(1e-3, 1e-3), Tolerance(2e-2, 1e-2)
    measured = {"fp16": {"absolute": 2e-2, "relative": 1e-2}, "int4": {"absolute": 9}}
    old = read_card(card()).golden
    new = read_card(card(lambda c: c["golden"].update(tolerance_by_precision=measured))).golden
    assert [old.tolerance_in(precision) for precision in Precision] == [whole, whole]
    assert new.tolerance_in(Precision.FP32) == whole
    assert new.tolerance_in(Precision.FP16) == half


@pytest.mark.parametrize("entry", ["fp16", {"layers": "fp16", "layers_changed": 3}])
def test_reads_the_precision_of_a_card_and_of_a_variants(entry: object) -> None:
    """The lowest that it may be served in; fp32 where the card is silent."""
    assert read_card(card()).precision is Precision.FP32
    assert read_card(card(lambda c: c.update(precision=entry))).precision is Precision.FP16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("signature"), "cannot be read: KeyError"),
        (lambda c: c["signature"].update(inputs=3), "cannot be read"),
        (lambda c: c.update(precision="int4"), "cannot be read: ValueError.*int4"),
        (lambda c: c.update(precision={"layers": "int8"}), "cannot be read: ValueError.*int8"),
        (lambda c: c["golden"].pop("tolerance"), "cannot be read"),
        (lambda c: c["golden"]["tolerance"].update(absolute=float("inf")), "tolerance of inf"),
        (lambda c: c["golden"]["tolerance"].update(relative=-1), "tolerance of -1"),
        (lambda c: c["signature"]["inputs"][0].update(dtype="object"), "dtype"),
        (lambda c: c["signature"]["inputs"][0].update(shape=[]), "unusable"),
        (lambda c: c["signature"]["inputs"][0].update(shape=["N", 0]), "unusable"),
        (lambda c: c["signature"]["inputs"][0].update(shape=[1, 10, 8]), "no free batch axis"),
        (lambda c: c["signature"]["inputs"][0].update(name="weather"), "neither part"),
        (lambda c: c["signature"]["inputs"][-1].update(shape=["N", "K"]), "axis of any length"),
        (lambda c: c["signature"]["outputs"].pop(), "output reliability must be float32"),
        (lambda c: c["signature"]["outputs"][0].update(dtype="int32"), "output carrier must be"),
    ],
)
def test_a_card_that_cannot_be_served_is_refused(
    change: Callable[[dict[str, Any]], None], message: str
) -> None:
    """The sentence names what is wrong."""
    with pytest.raises(FailedPrecondition, match=message) as caught:
        read_card(card(change))
    assert caught.value.reason == "ARTIFACT_REFUSED"


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_bytes_are_it_is_a_clear_refusal(document: bytes) -> None:
    """No bytes lead to anything but ARTIFACT_REFUSED."""
    with pytest.raises(FailedPrecondition) as caught:
        read_card(document)
    assert caught.value.reason == "ARTIFACT_REFUSED"


def test_a_graph_must_be_what_the_card_says() -> None:
    """A missing, other or further tensor is named."""
    read = read_card(card())
    check_graph(read, read.inputs, read.outputs)
    with pytest.raises(FailedPrecondition, match="beam_amplitude"):
        check_graph(read, read.inputs[1:], read.outputs)
    other = TensorSpec("carrier", "int32", (None, 10))
    with pytest.raises(FailedPrecondition, match="carrier"):
        check_graph(read, read.inputs, [other, *read.outputs[1:]])
    extra = TensorSpec("spy", "float32", (None,))
    with pytest.raises(FailedPrecondition, match="the graph's input spy is not in the card"):
        check_graph(read, [*read.inputs, extra], read.outputs)
