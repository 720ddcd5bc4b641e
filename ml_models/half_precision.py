"""Any graph with its linear layers in half precision, as a host serves it that computes in less.

Precision is set in the graph itself: TensorRT 11 compiles a graph as it is typed. The exporter
measures what it costs by the very same graph (`ml_models.export.tolerances`).

What is halved are the network's linear layers, where nearly all the time goes: the products with a
constant matrix. Everything around them stays in float32, as do inputs and outputs: sums, softmax,
normalisation, and the physics of the radio context, whose range float16 does not have.

Not modelled: INT8, bfloat16, halving of convolutions and of products of two activations.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_PRODUCT = "MatMul"
_MATRIX_RANK = 2
# What reshapes a constant without computing with it.
_PASSING = ("Identity", "Transpose")


class HalfPrecisionError(ValueError):
    """A graph whose linear layers cannot be halved; the message says why."""


def in_half_precision(graph: bytes) -> bytes:
    """The same graph with its linear layers in float16; names, shapes and types are kept.

    Raises:
        HalfPrecisionError: the graph cannot be read, has no linear layer, or one whose weights
            float16 cannot hold.
    """
    try:
        model = onnx.load_from_string(graph)
    except Exception as error:  # protobuf's own, which share no base class of onnx's
        raise HalfPrecisionError(f"the graph cannot be read: {error}") from error
    weights = _constant_matrices(model.graph)
    layers = [
        node
        for node in model.graph.node
        if node.op_type == _PRODUCT and any(name in weights for name in node.input)
    ]
    if not layers:
        raise HalfPrecisionError(
            "the graph has no linear layer that could be put in half precision"
        )
    _rewire(model.graph, {id(node) for node in layers}, weights)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _constant_matrices(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Every float32 matrix that is an initializer, or one that was only transposed."""
    found = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == _MATRIX_RANK
    }
    for node in graph.node:
        if node.op_type in _PASSING and node.input[0] in found:
            axes = next((list(a.ints) for a in node.attribute if a.name == "perm"), [1, 0])
            whole = found[node.input[0]]
            found[node.output[0]] = whole if node.op_type == "Identity" else whole.transpose(axes)
    return found


def _rewire(graph: onnx.GraphProto, layers: set[int], weights: dict[str, np.ndarray]) -> None:
    nodes: list[onnx.NodeProto] = []
    halved: set[str] = set()
    for node in graph.node:
        if id(node) not in layers:
            nodes.append(node)
            continue
        inputs = []
        for name in node.input:
            half = f"{name}/fp16"
            inputs.append(half)
            if half in halved:
                continue
            halved.add(half)
            if name in weights:
                graph.initializer.append(numpy_helper.from_array(_halved(name, weights), half))
            else:
                nodes.append(helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16))
        output = f"{node.output[0]}/fp16"
        nodes.append(helper.make_node(_PRODUCT, inputs, [output], name=node.name))
        nodes.append(helper.make_node("Cast", [output], [node.output[0]], to=TensorProto.FLOAT))
    _replace(graph, nodes)


def _halved(name: str, weights: dict[str, np.ndarray]) -> np.ndarray:
    with np.errstate(over="ignore"):
        half = weights[name].astype(np.float16)
    if not np.isfinite(half).all():
        raise HalfPrecisionError(f"weights {name} do not fit into half precision")
    return half


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    outputs = {tensor.name for tensor in graph.output}
    used = {name for node in nodes for name in node.input} | outputs
    alive = [n for n in nodes if n.op_type not in _PASSING or used & set(n.output)]
    used = {name for node in alive for name in node.input} | outputs
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(alive)
    graph.initializer.extend(kept)
