"""Tests of half precision in the graph."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.tiny_models import tiny_version

from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.releases import Precision
from ml_models.half_precision import HalfPrecisionError, in_half_precision

WIDTH = 64
RNG = np.random.default_rng(3)
FIRST = (RNG.standard_normal((WIDTH, WIDTH)) / 8).astype(np.float32)
SECOND = (RNG.standard_normal((1, WIDTH)) / 8).astype(np.float32)
X = RNG.standard_normal((5, WIDTH)).astype(np.float32)


def network(first: npt.NDArray[Any] = FIRST) -> bytes:
    """Two linear layers, one of them transposed, and a product that float16 cannot hold."""
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["hidden"], name="linear"),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Transpose", ["second"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["active", "turned"], ["y"]),
        helper.make_node("Mul", ["x", "million"], ["large"]),
        helper.make_node("Transpose", ["large"], ["upright"], perm=[1, 0]),
        helper.make_node("MatMul", ["large", "upright"], ["gram"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", WIDTH])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1]),
            helper.make_tensor_value_info("gram", TensorProto.FLOAT, ["N", "N"]),
        ],
        [
            numpy_helper.from_array(first, "first"),
            numpy_helper.from_array(SECOND, "second"),
            numpy_helper.from_array(np.array(1e6, np.float32), "million"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


def run(graph: bytes) -> dict[str, npt.NDArray[Any]]:
    """What ONNX Runtime computes."""
    builder = OnnxRuntimeBuilder(threads=1)
    return builder.build(graph, sha256="0" * 64, precision=Precision.FP32).run({"x": X})


def test_linear_layers_are_halved_and_nothing_else() -> None:
    """Weights take half the room; what float16 could not hold is still computed in float32."""
    halved = in_half_precision(network())
    assert len(halved) < 0.6 * len(network())
    types = {t.name: t.data_type for t in onnx.load_from_string(halved).graph.initializer}
    assert types == {
        "first/fp16": TensorProto.FLOAT16,
        "turned/fp16": TensorProto.FLOAT16,
        "million": TensorProto.FLOAT,
    }
    whole, half = run(network()), run(halved)
    np.testing.assert_array_equal(half["gram"], whole["gram"])
    np.testing.assert_allclose(half["y"], whole["y"], atol=5e-3)
    assert not np.array_equal(half["y"], whole["y"])
    assert half["y"].dtype == np.float32


def test_names_and_types_of_inputs_and_outputs_stay() -> None:
    """The signature is the card's in either precision."""
    before, after = (
        onnx.load_from_string(g).graph for g in (network(), in_half_precision(network()))
    )
    assert list(before.input) == list(after.input)
    assert list(before.output) == list(after.output)


@pytest.mark.parametrize(
    ("graph", "what"),
    [
        (b"no graph", "cannot be read"),
        (tiny_version().files["model.onnx"], "no linear layer"),
        (network(FIRST * np.float32(1e6)), "weights first do not fit"),
    ],
)
def test_a_graph_that_cannot_be_halved_is_refused(graph: bytes, what: str) -> None:
    """It says why; nothing is served in another precision than was said."""
    with pytest.raises(HalfPrecisionError, match=what):
        in_half_precision(graph)
