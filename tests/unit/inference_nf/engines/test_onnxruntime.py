"""Tests of ONNX Runtime behind the port."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.tiny_models import CANDIDATES, expected_outputs, golden_inputs, tiny_version

from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.model_card import check_graph, read_card
from inference_nf.releases import EngineKind, Precision
from nf_runtime.errors import FailedPrecondition

VERSION = tiny_version()
GRAPH = VERSION.files["model.onnx"]
BUILDER = OnnxRuntimeBuilder(threads=1)


def identity_graph(data_type: int) -> bytes:
    """Y = x of some element type."""
    tensors = [helper.make_tensor_value_info(n, data_type, ["N"]) for n in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "identity", tensors[:1], tensors[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize("batch", [1, 5])
def test_computes_the_graph_for_any_batch(batch: int) -> None:
    """Every output by name, equal to numpy."""
    engine = BUILDER.build(GRAPH, sha256="0" * 64, precision=Precision.FP32)
    inputs = golden_inputs(batch)
    outputs = engine.run(inputs)
    for name, expected in expected_outputs(inputs).items():
        assert outputs[name].dtype == expected.dtype
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-5)


def test_tells_what_the_graph_takes_and_gives() -> None:
    """Names, dtypes and shapes as in the card."""
    engine = BUILDER.build(GRAPH, sha256="0" * 64, precision=Precision.FP32)
    check_graph(read_card(VERSION.files["model_card.json"]), engine.inputs, engine.outputs)
    noise = engine.inputs[-1]
    assert (noise.name, noise.shape) == ("noise", (None, CANDIDATES, 10, 6))
    assert engine.kind is EngineKind.ONNXRUNTIME
    assert engine.version


@pytest.mark.parametrize(
    "graph", [b"", b"not onnx", GRAPH[: len(GRAPH) // 2], identity_graph(TensorProto.STRING)]
)
def test_a_graph_that_cannot_be_used_is_refused(graph: bytes) -> None:
    """ARTIFACT_REFUSED, whatever ONNX Runtime itself raises."""
    with pytest.raises(FailedPrecondition, match="cannot use graph") as caught:
        BUILDER.build(graph, sha256="0" * 64, precision=Precision.FP32)
    assert caught.value.reason == "ARTIFACT_REFUSED"


def test_external_data_is_not_followed() -> None:
    """A graph cannot make this function read files of the host."""
    model = onnx.load_from_string(GRAPH)
    tensor = model.graph.initializer[-1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(FailedPrecondition):
        BUILDER.build(model.SerializeToString(), sha256="0" * 64, precision=Precision.FP32)
