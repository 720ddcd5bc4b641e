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
from dataclasses import dataclass
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

BODY = ".generator."
_MULTIPLE = 8

Feeds = Mapping[str, npt.NDArray[Any]]


class Precision(StrEnum):
    """What the network's layers compute in."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class PrecisionError(ValueError):
    """A graph that cannot be brought to a precision; the message says why."""


@dataclass(frozen=True)
class Layer:
    """A linear layer of the network in a graph: its node, and the name of its constant weight."""

    node: str
    weight: str


def network_layers(model: onnx.ModelProto) -> list[Layer]:
    """The layers that may change, in order of the graph; one per use of a weight.

    The exporter keeps the names of biases, so a layer is a product with a constant matrix to which
    a bias of the generator is added.
    """
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    biased = {
        name
        for node in model.graph.node
        if node.op_type == "Add" and any(BODY in name for name in node.input)
        for name in node.input
    }
    return [
        Layer(node.name, node.input[1])
        for node in model.graph.node
        if (node.op_type == "MatMul" and node.output[0] in biased)
        if len(shape := shapes.get(node.input[1], [])) == 2  # noqa: PLR2004 a matrix
        and not any(side % _MULTIPLE for side in shape)
    ]


def with_constant_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with transposed weights stored as such, not transposed at each call."""
    model = copy.deepcopy(model)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Transpose"]:
        constant = constants.get(node.input[0])
        if constant is None or BODY not in constant.name:
            continue
        order = next((list(item.ints) for item in node.attribute if item.name == "perm"), None)
        turned = np.transpose(numpy_helper.to_array(constant), order)
        graph.initializer.append(
            numpy_helper.from_array(np.ascontiguousarray(turned), node.output[0])
        )
        graph.node.remove(node)
    _drop_unused(graph)
    return model


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with weights and products of its layers in half precision.

    Raises:
        PrecisionError: no layer in single precision is found.
    """
    model = with_constant_weights(model)
    graph = model.graph
    layers = {layer.node: layer for layer in _found(model)}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for weight in {layer.weight for layer in layers.values()}:
        half = numpy_helper.to_array(constants[weight]).astype(np.float16)
        graph.initializer.append(numpy_helper.from_array(half, f"{weight}_half"))
    nodes: list[onnx.NodeProto] = []
    cast: set[str] = set()
    for node in graph.node:
        layer = layers.get(node.name)
        if layer is None:
            nodes.append(node)
            continue
        source, result = node.input[0], node.output[0]
        if source not in cast:
            cast.add(source)
            nodes.append(_cast(source, f"{source}_half", onnx.TensorProto.FLOAT16))
        product = onnx.helper.make_node(
            "MatMul", [f"{source}_half", f"{layer.weight}_half"], [f"{result}_half"], node.name
        )
        nodes += [product, _cast(f"{result}_half", result, onnx.TensorProto.FLOAT)]
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def to_int8(model: onnx.ModelProto, calibration: Iterable[Feeds]) -> onnx.ModelProto:
    """The graph with weights and inputs of its layers in eight-bit integers.

    Quantised and dequantised (QDQ), symmetric, weights by output channel, inputs by the range that
    each has over the calibration: the form that ONNX Runtime and TensorRT both read.

    Args:
        model: in single precision.
        calibration: inputs of the graph, as the network will meet them.

    Raises:
        PrecisionError: no layer in single precision is found.
    """
    model = with_constant_weights(model)
    layers = _found(model)
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
                nodes_to_quantize=[layer.node for layer in layers],
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


def _found(model: onnx.ModelProto) -> list[Layer]:
    layers = network_layers(model)
    if not layers:
        raise PrecisionError(
            "the graph has no layer of the generator in single precision; give an artifact that "
            "was trained, not one that was reduced already"
        )
    return layers


def _cast(source: str, result: str, kind: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [source], [result], f"cast_{result}", to=kind)


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
