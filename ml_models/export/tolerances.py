"""How near an engine must come to the golden samples when it computes in less than was trained in.

A host may serve a graph with its layers in half precision. What that costs differs from model to
model, so it is measured where the model is exported, and the card carries it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from safetensors.numpy import load_file

from ml_models.export.precision import Precision
from ml_models.half_precision import HalfPrecisionError, in_half_precision

# Engines sum in another order, and in other steps, than the one that measures here.
_MARGIN = 4.0
_MOST = 0.05  # more says nothing about a decision any more
_INPUT, _OUTPUT = "inputs.", "outputs."

Tensors = Mapping[str, npt.NDArray[Any]]


def measured_tolerances(graph: Path, golden: Path, *, least: float) -> dict[str, dict[str, float]]:
    """By precision, the tolerance of the golden samples: absolute, and relative to the stored ones.

    A precision is left out in which the version must not be served: its integer outputs change, a
    deviation is too large, or the graph has no layer that could be reduced.

    Args:
        graph: ONNX file in single precision.
        golden: samples of the same artifact, from single precision.
        least: tolerance in single precision.
    """
    samples = load_file(golden)
    inputs = {n.removeprefix(_INPUT): v for n, v in samples.items() if n.startswith(_INPUT)}
    stored = {n.removeprefix(_OUTPUT): v for n, v in samples.items() if n.startswith(_OUTPUT)}
    try:
        half = in_half_precision(graph.read_bytes())
    except HalfPrecisionError:
        return {}
    session = onnxruntime.InferenceSession(half, providers=["CPUExecutionProvider"])
    outputs = session.run(list(stored), inputs)
    deviation = _largest_deviation(stored, dict(zip(stored, outputs, strict=True)))
    tolerance = float(f"{max(least, _MARGIN * deviation):.2g}")
    if not tolerance <= _MOST:  # also false for NaN
        return {}
    return {Precision.FP16.value: {"absolute": tolerance, "relative": tolerance}}


def _largest_deviation(stored: Tensors, found: Tensors) -> float:
    """The least t with ``|found - stored| <= t + t * |stored|`` for every element.

    Infinite where an integer differs.
    """
    largest = 0.0
    for name, wanted in stored.items():
        if wanted.dtype.kind == "f":
            share = np.abs(found[name].astype(np.float64) - wanted) / (1 + np.abs(wanted))
            largest = float(np.maximum(largest, share.max()))
        elif not np.array_equal(found[name], wanted):
            return np.inf
    return largest
