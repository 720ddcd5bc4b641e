"""Looks into ONNX files: only what any runtime understands, and all of it in the one file."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx.shape_inference import InferenceError

from mms_repository.descriptions import TensorSignature, TensorSpec
from mms_repository.manifests import ContentError

# Operators of other domains are code that the file does not bring along.
_DEFAULT_DOMAINS = frozenset({"", "ai.onnx"})
_STANDARD_DOMAINS = _DEFAULT_DOMAINS | {"ai.onnx.ml"}
_MAX_COMPLAINT_CHARACTERS = 500
_FLOATING = frozenset(
    {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.DOUBLE,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.BFLOAT16,
        onnx.TensorProto.COMPLEX64,
        onnx.TensorProto.COMPLEX128,
    }
)
# As the Open Inference Protocol writes them; what it has no name for keeps ONNX's.
_DATATYPES: Mapping[int, str] = {
    onnx.TensorProto.BOOL: "BOOL",
    onnx.TensorProto.UINT8: "UINT8",
    onnx.TensorProto.UINT16: "UINT16",
    onnx.TensorProto.UINT32: "UINT32",
    onnx.TensorProto.UINT64: "UINT64",
    onnx.TensorProto.INT8: "INT8",
    onnx.TensorProto.INT16: "INT16",
    onnx.TensorProto.INT32: "INT32",
    onnx.TensorProto.INT64: "INT64",
    onnx.TensorProto.FLOAT16: "FP16",
    onnx.TensorProto.FLOAT: "FP32",
    onnx.TensorProto.DOUBLE: "FP64",
    onnx.TensorProto.STRING: "BYTES",
}


def check_onnx(path: Path, file_name: str = "") -> TensorSignature:
    """What the model takes and gives, if the file passes onnx's full check.

    Tensors stand in the file itself and hold no NaN, operators are of the standard domains.
    Subgraphs and functions are looked into as well. Infinities are fine: masks are made of them.

    Raises:
        ContentError: Otherwise.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise ContentError("it is no ONNX protobuf") from error
    if model.training_info:
        raise ContentError("it brings training_info; export the inference graph only")
    for opset in model.opset_import:
        # onnx's checker takes a newer set for the newest one that it knows.
        if opset.domain in _DEFAULT_DOMAINS and opset.version > onnx.defs.onnx_opset_version():
            raise ContentError(f"operator set {opset.version} is not known")
    for function in model.functions:
        _check_domain(function.domain, function.name)
        _check_nodes(function.node)
    _check_graph(model.graph)
    tensors = TensorSignature(
        inputs=tuple(_specs(_fed(model.graph), file_name)),
        outputs=tuple(_specs(model.graph.output, file_name)),
    )
    del model  # onnx's checker reads the file itself; two copies of the weights are enough
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (
        onnx.checker.ValidationError,
        InferenceError,
        RuntimeError,
        ValueError,
        TypeError,
        IndexError,
    ) as error:
        first_lines = " ".join(str(error).split())[:_MAX_COMPLAINT_CHARACTERS]
        raise ContentError(f"onnx's checker says: {first_lines}") from error
    return tensors


def _fed(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    # Old exporters list the weights among the inputs.
    weights = {tensor.name for tensor in graph.initializer}
    return (value for value in graph.input if value.name not in weights)


def _specs(values: Iterable[onnx.ValueInfoProto], file_name: str) -> Iterator[TensorSpec]:
    for value in values:
        if value.type.WhichOneof("value") != "tensor_type":
            continue
        tensor = value.type.tensor_type
        try:
            onnx_name = onnx.TensorProto.DataType.Name(tensor.elem_type)
        except ValueError as error:
            raise ContentError(f"{value.name} is of no known type") from error
        name = _DATATYPES.get(tensor.elem_type, onnx_name)
        shape = tuple(
            axis.dim_value if axis.HasField("dim_value") else -1 for axis in tensor.shape.dim
        )
        yield TensorSpec(file_name, value.name, name, shape)


def _check_graph(graph: onnx.GraphProto) -> None:
    for tensor in (*graph.initializer, *_dense(graph.sparse_initializer)):
        _check_tensor(tensor)
    _check_nodes(graph.node)


def _check_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        _check_domain(node.domain, node.op_type)
        for attribute in node.attribute:
            sparse = _dense((attribute.sparse_tensor, *attribute.sparse_tensors))
            for tensor in (attribute.t, *attribute.tensors, *sparse):
                _check_tensor(tensor)
            for graph in (attribute.g, *attribute.graphs):
                _check_graph(graph)


def _dense(tensors: Iterable[onnx.SparseTensorProto]) -> Iterator[onnx.TensorProto]:
    for tensor in tensors:
        yield tensor.values
        yield tensor.indices


def _check_domain(domain: str, name: str) -> None:
    if domain not in _STANDARD_DOMAINS:
        raise ContentError(
            f"operator {name} is of domain {domain}; export with standard operators only"
        )


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ContentError(f"tensor {tensor.name} stands in another file; save all in one file")
    if tensor.data_type not in _FLOATING:
        return
    try:
        values = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError) as error:
        raise ContentError(f"tensor {tensor.name} cannot be read: {error}") from error
    if np.isnan(values).any():
        raise ContentError(f"tensor {tensor.name} holds NaN; train it again")
