"""The part of a model card that serving relies on: inputs, outputs and the golden samples."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from inference_nf.releases import Precision
from nf_runtime.errors import FailedPrecondition
from radio_math.context import RadioContext

STANDARD_NORMAL = "standard_normal"
# Only some models give it: how likely the decision is within 5 % of the best.
CONFIDENCE = "confidence"
REQUIRED_OUTPUTS: Mapping[str, str] = {
    "carrier": "int64",
    "power_w": "float32",
    "beamformer_index": "float32",
    "predicted_rate_bps_hz": "float32",
    "reliability": "float32",
}
_DTYPES = ("float32", "float64", "int32", "int64", "bool")
_MAX_RANK = 8
_CONTEXT_TENSORS = frozenset(tensor.name for tensor in fields(RadioContext))


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a graph.

    Attributes:
        name: Its name in the graph.
        dtype: numpy's name of its element type.
        shape: Length of each axis, the batch axis first; None is an axis of any length.
        kind: ``standard_normal`` for noise that the caller draws, else what the card says.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    kind: str = ""

    def accepts(self, shape: Sequence[int]) -> bool:
        """Whether an array of that shape may stand here."""
        return len(shape) == len(self.shape) and all(
            want is None or want == length for want, length in zip(self.shape, shape, strict=True)
        )

    def agrees_with(self, other: "TensorSpec") -> bool:
        """Whether the two describe the same tensor; an axis of any length agrees with all."""
        return (
            (self.name, self.dtype) == (other.name, other.dtype)
            and len(self.shape) == len(other.shape)
            and all(
                ours is None or theirs is None or ours == theirs
                for ours, theirs in zip(self.shape, other.shape, strict=True)
            )
        )


@dataclass(frozen=True)
class Tolerance:
    """How far an output may be from a stored one: ``absolute + relative * |stored|``."""

    absolute: float
    relative: float


@dataclass(frozen=True)
class GoldenCheck:
    """Where the stored samples are, and how near to them the outputs must come.

    An integer passes only if it is equal.

    Attributes:
        file_name: Of the samples.
        tolerance: For the graph as it was published.
        reduced: For engines that compute its linear layers in less, as the exporter measured it.
    """

    file_name: str
    tolerance: Tolerance
    reduced: Mapping[Precision, Tolerance] = field(default_factory=dict)

    def tolerance_in(self, precision: Precision) -> Tolerance:
        """For an engine of that precision; where nobody measured it, as for the published graph."""
        return self.reduced.get(precision, self.tolerance)


@dataclass(frozen=True)
class ModelCard:
    """What serving reads of a model card.

    `precision` is the lowest that the version may be served in; fp32 where the card is silent.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    golden: GoldenCheck
    precision: Precision = Precision.FP32


def read_card(document: bytes) -> ModelCard:
    """The card that `document`, JSON, holds.

    Raises:
        FailedPrecondition: ARTIFACT_REFUSED when it cannot be read, or when the model takes or
            gives something else than this function deals in.
    """
    try:
        content = json.loads(document)
        signature, golden = content["signature"], content["golden"]
        card = ModelCard(
            inputs=tuple(_tensor_spec(entry) for entry in signature["inputs"]),
            outputs=tuple(_tensor_spec(entry) for entry in signature["outputs"]),
            golden=GoldenCheck(
                file_name=str(golden["file"]),
                tolerance=_tolerance(golden["tolerance"]),
                reduced={
                    precision: _tolerance(entry)
                    for precision in Precision
                    if (entry := golden.get("tolerance_by_precision", {}).get(precision))
                },
            ),
            precision=_precision(content.get("precision", Precision.FP32)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise refused(f"the model card cannot be read: {type(error).__name__}: {error}") from error
    _check_inputs(card.inputs)
    _check_outputs(card.outputs)
    return card


def check_graph(
    card: ModelCard, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> None:
    """Returns when the graph's own inputs and outputs are those of the card.

    Raises:
        FailedPrecondition: ARTIFACT_REFUSED, naming the first that differs.
    """
    for what, said, found in (
        ("input", card.inputs, inputs),
        ("output", card.outputs, outputs),
    ):
        by_name = {spec.name: spec for spec in found}
        for spec in said:
            real = by_name.pop(spec.name, None)
            if real is None or not spec.agrees_with(real):
                raise refused(f"the card's {what} {spec} is not the graph's: {real}")
        if by_name:
            raise refused(f"the graph's {what} {min(by_name)} is not in the card")


def _precision(entry: Any) -> Precision:
    # The card of a variant tells in what its layers are typed already, and how many they are.
    return Precision(entry["layers"] if isinstance(entry, Mapping) else entry)


def _tolerance(entry: Mapping[str, Any]) -> Tolerance:
    tolerance = Tolerance(float(entry["absolute"]), float(entry["relative"]))
    for value in (tolerance.absolute, tolerance.relative):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"a golden tolerance of {value} would let everything or nothing pass")
    return tolerance


def _tensor_spec(entry: Mapping[str, Any]) -> TensorSpec:
    shape = tuple(length if isinstance(length, int) else None for length in entry["shape"])
    dtype = str(entry["dtype"])
    if dtype not in _DTYPES:
        raise ValueError(f"dtype {dtype!r} is none of {', '.join(_DTYPES)}")
    if not 1 <= len(shape) <= _MAX_RANK or any(n is not None and n < 1 for n in shape):
        raise ValueError(f"shape {entry['shape']} of {entry['name']} is unusable")
    return TensorSpec(str(entry["name"]), dtype, shape, str(entry.get("kind", "")))


def _check_inputs(inputs: Sequence[TensorSpec]) -> None:
    for spec in inputs:
        if spec.shape[0] is not None:
            raise refused(f"input {spec.name} has no free batch axis")
        if spec.kind == STANDARD_NORMAL:
            if None in spec.shape[1:]:
                raise refused(f"noise input {spec.name} has an axis of any length")
        elif spec.name not in _CONTEXT_TENSORS:
            raise refused(f"input {spec.name} is neither part of the radio context nor noise")


def _check_outputs(outputs: Sequence[TensorSpec]) -> None:
    given = {spec.name: spec.dtype for spec in outputs}
    for name, dtype in REQUIRED_OUTPUTS.items():
        if given.get(name) != dtype:
            raise refused(f"output {name} must be {dtype}, not {given.get(name)}")
    if given.get(CONFIDENCE, "float32") != "float32":
        raise refused(f"output {CONFIDENCE} must be float32, not {given[CONFIDENCE]}")


def refused(what: str) -> FailedPrecondition:
    """The error for a file of a version that this function cannot serve from."""
    return FailedPrecondition(
        f"{what}; publish a version that fits this function", reason="ARTIFACT_REFUSED"
    )
