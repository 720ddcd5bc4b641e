"""The network's layers in half precision or in eight-bit integers; everything else stays single.

Only the linear layers inside the generator change, and of them those whose sides are multiples of
eight: there the arithmetic is, and what tensor cores and integer kernels run at full rate. First
and last layers, normalisation, attention weights, inputs, outputs and all physics (features,
decoding, scoring) stay single: the tables of a context span more decades than half precision has.

Source: Micikevicius 2018 (mixed precision), Jacob 2018 (integer arithmetic).
"""

import copy
import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

BODY = "sampler.generator."
_MULTIPLE = 8

Feeds = Mapping[str, npt.NDArray[Any]]
Weights = Mapping[str, npt.NDArray[Any]]
"""The tensors of a weights file by name."""


class Precision(StrEnum):
    """What the network's layers compute in."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class PrecisionError(ValueError):
    """A graph that cannot be brought to a precision; the message says why."""


def with_plain_layers(
    model: onnx.ModelProto, weights: Weights
) -> tuple[onnx.ModelProto, dict[str, str]]:
    """The same graph with every layer that may change as one product with a constant matrix.

    The exporter forgets which module a constant came from, so a layer is told by its matrix being
    one of the generator's weights, either way up. What is added within the same operation of the
    graph (a bias, cells so far) becomes an operation of its own, which stays single.

    Args:
        model: in single precision.
        weights: the weights file of the same artifact.

    Returns:
        The graph, and the constant matrix [in, out] of each layer by the name of its node.

    Raises:
        PrecisionError: no layer in single precision is found.
    """
    model = copy.deepcopy(model)
    graph = model.graph
    own = _generator_matrices(weights)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in constants:
            order = [list(item.ints) for item in node.attribute if item.name == "perm"]
            turned = np.transpose(constants[node.input[0]], *order)
            constants[node.output[0]] = np.ascontiguousarray(turned)
    nodes: list[onnx.NodeProto] = []
    layers: dict[str, str] = {}
    matrices: dict[str, npt.NDArray[Any]] = {}
    for node in graph.node:
        matrix = constants.get(node.input[1]) if node.op_type in {"MatMul", "Gemm"} else None
        if matrix is None or _key(matrix) not in own:
            nodes.append(node)
            continue
        plain = {item.name: item.i or item.f for item in node.attribute}
        if plain.get("transA", 0) or {plain.get("alpha", 1.0), plain.get("beta", 1.0)} != {1.0}:
            raise PrecisionError(f"layer {node.name} scales or turns its input; export it plainly")
        turned = np.ascontiguousarray(matrix.T) if plain.get("transB", 0) else matrix
        name = f"{node.input[1]}_in_out"
        matrices[name] = turned
        layers[node.name] = name
        result = node.output[0]
        added = list(node.input[2:3])
        product = f"{result}_product" if added else result
        make = onnx.helper.make_node
        nodes.append(make("MatMul", [node.input[0], name], [product], node.name))
        if added:
            nodes.append(make("Add", [product, *added], [result], f"{node.name}_added"))
    if not layers:
        raise PrecisionError(
            "the graph has no layer of the generator in single precision; give an artifact that "
            "was trained, not one that was reduced already"
        )
    graph.initializer.extend(
        numpy_helper.from_array(matrix, name) for name, matrix in matrices.items()
    )
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    return model, layers


def to_half(model: onnx.ModelProto, weights: Weights) -> onnx.ModelProto:
    """The graph with weights and products of its layers in half precision.

    Raises:
        PrecisionError: no layer in single precision is found.
    """
    model, layers = with_plain_layers(model, weights)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for name in set(layers.values()):
        half = numpy_helper.to_array(constants[name]).astype(np.float16)
        graph.initializer.append(numpy_helper.from_array(half, f"{name}_half"))
    nodes: list[onnx.NodeProto] = []
    cast: set[str] = set()
    for node in graph.node:
        matrix = layers.get(node.name)
        if matrix is None:
            nodes.append(node)
            continue
        source, result = node.input[0], node.output[0]
        if source not in cast:
            cast.add(source)
            nodes.append(_cast(source, f"{source}_half", onnx.TensorProto.FLOAT16))
        product = onnx.helper.make_node(
            "MatMul", [f"{source}_half", f"{matrix}_half"], [f"{result}_half"], node.name
        )
        nodes += [product, _cast(f"{result}_half", result, onnx.TensorProto.FLOAT)]
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def to_int8(
    model: onnx.ModelProto, weights: Weights, calibration: Iterable[Feeds]
) -> onnx.ModelProto:
    """The graph with weights and inputs of its layers in eight-bit integers.

    Quantised and dequantised (QDQ), symmetric, weights by output channel, inputs by the range that
    each has over the calibration: the form that ONNX Runtime and TensorRT both read.

    Args:
        model: in single precision.
        weights: the weights file of the same artifact.
        calibration: inputs of the graph, as the network will meet them.

    Raises:
        PrecisionError: no layer in single precision is found.
    """
    model, layers = with_plain_layers(model, weights)
    # The quantiser tells how to prepare graphs for it, on the root logger.
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with TemporaryDirectory() as scratch:
            path = Path(scratch) / "int8.onnx"
            quantize_static(
                model,
                path,
                _Calibration(calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul"],
                nodes_to_quantize=list(layers),
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                extra_options={
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "OpTypesToExcludeOutputQuantization": ["MatMul"],
                },
            )
            quantised = onnx.load(path)
    finally:
        logging.root.setLevel(level)
    del quantised.metadata_props[:]
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


class _Calibration(CalibrationDataReader):  # type: ignore[misc] # the library has no types
    """Batches of inputs, one after the other."""

    def __init__(self, batches: Iterable[Feeds]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        """The next batch, None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else dict(batch)


def _generator_matrices(weights: Weights) -> set[tuple[tuple[int, ...], bytes]]:
    """Matrices of the generator whose sides are multiples of eight, both ways up."""
    return {
        _key(turned)
        for name, value in weights.items()
        if name.startswith(BODY) and value.ndim == 2  # noqa: PLR2004 a matrix
        if not any(side % _MULTIPLE for side in value.shape)
        for turned in (value, value.T)
    }


def _key(matrix: npt.NDArray[Any]) -> tuple[tuple[int, ...], bytes]:
    return matrix.shape, matrix.astype(np.float32).tobytes()


def _cast(source: str, result: str, kind: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [source], [result], f"cast_{result}", to=kind)


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
