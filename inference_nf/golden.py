"""The stored samples of a version: what goes in, and what must come out on every engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from inference_nf.model_card import ModelCard, refused
from inference_nf.releases import Precision
from nf_runtime.errors import FailedPrecondition

_INPUT = "inputs."
_OUTPUT = "outputs."

Tensors = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class GoldenSamples:
    """A batch of samples: every input of the graph, and outputs that were computed from them."""

    inputs: Tensors
    outputs: Tensors


def read_golden(document: bytes, card: ModelCard) -> GoldenSamples:
    """The samples that `document`, safetensors, holds.

    Raises:
        FailedPrecondition: ARTIFACT_REFUSED when it cannot be read, or when its tensors are not
            the card's.
    """
    try:
        tensors = load(document)
    except SafetensorError as error:
        raise refused(f"the golden samples cannot be read: {error}") from error
    inputs = {
        name.removeprefix(_INPUT): array
        for name, array in tensors.items()
        if name.startswith(_INPUT)
    }
    outputs = {
        name.removeprefix(_OUTPUT): array
        for name, array in tensors.items()
        if name.startswith(_OUTPUT)
    }
    wanted = {spec.name: spec for spec in card.inputs}
    if inputs.keys() != wanted.keys() or not outputs:
        raise refused("the golden samples hold other inputs than the card, or no outputs")
    for name, array in inputs.items():
        if array.dtype != wanted[name].dtype or not wanted[name].accepts(array.shape):
            raise refused(f"golden input {name} is not as the card says")
    return GoldenSamples(inputs, outputs)


def check_golden(
    card: ModelCard, stored: Tensors, computed: Tensors, *, precision: Precision
) -> None:
    """Returns when every stored output was reproduced within the card's tolerance.

    Args:
        card: Has the tolerance, which differs with the precision.
        stored: What the version was tested with.
        computed: What the engine made of the same inputs.
        precision: That the engine computes in.

    Raises:
        FailedPrecondition: GOLDEN_SAMPLE_MISMATCH, with the output and the largest deviation.
    """
    tolerance = card.golden.tolerance_in(precision)
    for name, wanted in stored.items():
        got = computed.get(name)
        if got is None or got.shape != wanted.shape:
            shape = None if got is None else list(got.shape)
            raise mismatch(name, f"has shape {shape}; the golden sample has {list(wanted.shape)}")
        if wanted.dtype.kind == "f":
            deviation = np.abs(got.astype(np.float64) - wanted)
            allowed = tolerance.absolute + tolerance.relative * np.abs(wanted)
            if not (deviation <= allowed).all():  # also false for NaN
                raise mismatch(name, f"deviates by up to {deviation.max():.3g} in {precision}")
        elif not np.array_equal(got, wanted):
            raise mismatch(name, f"differs in {int((got != wanted).sum())} elements")


def mismatch(name: str, what: str) -> FailedPrecondition:
    """The error for an output that is not the stored one."""
    return FailedPrecondition(
        f"output {name} {what}: this engine does not compute what the version was tested with",
        reason="GOLDEN_SAMPLE_MISMATCH",
        tensor=name,
    )
