"""Looks into ONNX files: only what any runtime understands, and all of it in the one file."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx.shape_inference import InferenceError

from mms_repository.manifests import ContentError

# Operators of other domains are code that the file does not bring along.
_DEFAULT_DOMAINS = frozenset({"", "ai.onnx"})
_STANDARD_DOMAINS = _DEFAULT_DOMAINS | {"ai.onnx.ml"}
_MAX_COMPLAINT_CHARACTERS = 500


def check_onnx(path: Path) -> None:
    """Returns if the file is an ONNX model that passes onnx's full check.

    Tensors stand in the file itself, operators are of the standard domains. Subgraphs and
    functions are looked into as well.

    Not modelled: NaN in the weights; the repository never runs a model.

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
