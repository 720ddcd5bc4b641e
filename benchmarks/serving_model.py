"""A multilayer perceptron of about a million parameters as a signed version, and who hands it out.

Its inputs and outputs are those that the inference function asks of a decision; what it decides is
feasible and says nothing, but for `predicted_rate_bps_hz`, which is the version's number.
"""

import hashlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceServicer
from nf_runtime.signing import ArtifactDigest, SignedManifest, Signer

NAME = "mlp"
INPUT = "noise"
WIDTHS = (256, 768, 768, 256)  # about a million weights
_ESIMS = 10
_CARRIERS = 4
_CHUNK_BYTES = 1024 * 1024
_OUTPUTS = {
    "carrier": (TensorProto.INT64, "int64", [_ESIMS]),
    "power_w": (TensorProto.FLOAT, "float32", [_ESIMS]),
    "beamformer_index": (TensorProto.FLOAT, "float32", [_ESIMS]),
    "predicted_rate_bps_hz": (TensorProto.FLOAT, "float32", []),
    "reliability": (TensorProto.FLOAT, "float32", []),
    "embedding": (TensorProto.FLOAT, "float32", [WIDTHS[-1]]),
}


@dataclass(frozen=True)
class Version:
    """A version with its files."""

    number: int
    files: dict[str, bytes]

    @property
    def graph(self) -> bytes:
        """The ONNX file."""
        return self.files["model.onnx"]


def make_version(number: int) -> Version:
    """The version of that number; all have the same weights but for one constant."""
    graph = _graph(number)
    inputs = {INPUT: example(batch=2)}
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    outputs = dict(zip(_OUTPUTS, session.run(list(_OUTPUTS), inputs), strict=True))
    golden = {f"inputs.{k}": v for k, v in inputs.items()}
    golden |= {f"outputs.{k}": v for k, v in outputs.items()}
    card = {
        "name": NAME,
        "signature": {
            "inputs": [
                {
                    "name": INPUT,
                    "dtype": "float32",
                    "shape": ["N", WIDTHS[0]],
                    "kind": "standard_normal",
                }
            ],
            "outputs": [
                {"name": name, "dtype": dtype, "shape": ["N", *shape]}
                for name, (_, dtype, shape) in _OUTPUTS.items()
            ],
        },
        "golden": {
            "file": "golden.safetensors",
            "tolerance": {"absolute": 1e-3, "relative": 1e-3},
        },
    }
    files = {
        "model.onnx": graph,
        "model_card.json": json.dumps(card).encode(),
        "golden.safetensors": save(golden),
    }
    return Version(number, files)


def example(batch: int = 1) -> npt.NDArray[np.float32]:
    """An input [batch, 256]."""
    return np.random.default_rng(5).standard_normal((batch, WIDTHS[0])).astype(np.float32)


def _graph(number: int) -> bytes:
    rng = np.random.default_rng(1)
    nodes, initializers, flowing = [], [], INPUT
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(WIDTHS)):
        weights = (rng.standard_normal((fan_in, fan_out)) / np.sqrt(fan_in)).astype(np.float32)
        initializers.append(numpy_helper.from_array(weights, f"w{layer}"))
        nodes.append(helper.make_node("MatMul", [flowing, f"w{layer}"], [f"h{layer}"]))
        last = layer == len(WIDTHS) - 2
        flowing = "embedding" if last else f"a{layer}"
        nodes.append(helper.make_node("Tanh" if last else "Relu", [f"h{layer}"], [flowing]))
    carrier = np.array([[u % _CARRIERS for u in range(_ESIMS)]], np.int64)
    constants: dict[str, npt.NDArray[Any]] = {
        "first": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "esims": np.array([_ESIMS], np.int64),
        "axis": np.array([1], np.int64),
        "carriers": carrier,
        "zero": np.array(0, np.float32),
        "tiny": np.array(1e-3, np.float32),
        "middle": np.array(7, np.float32),
        "half": np.array(0.5, np.float32),
        "number": np.array(number, np.float32),
    }
    initializers += [numpy_helper.from_array(value, key) for key, value in constants.items()]
    nodes += [
        helper.make_node("Slice", ["embedding", "first", "esims", "axis"], ["head"]),
        helper.make_node("Slice", ["embedding", "first", "one", "axis"], ["column"]),
        helper.make_node("Squeeze", ["column", "axis"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "number"], ["predicted_rate_bps_hz"]),
        helper.make_node("Add", ["nothing", "half"], ["reliability"]),
        helper.make_node("Add", ["head", "middle"], ["beamformer_index"]),
        helper.make_node("Mul", ["head", "zero"], ["nothings"]),
        helper.make_node("Add", ["nothings", "tiny"], ["power_w"]),
        helper.make_node("Shape", ["nothing"], ["count"]),
        helper.make_node("Concat", ["count", "esims"], ["shape"], axis=0),
        helper.make_node("Expand", ["carriers", "shape"], ["carrier"]),
    ]
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", WIDTHS[0]])],
        [
            helper.make_tensor_value_info(name, kind, ["N", *shape])
            for name, (kind, _, shape) in _OUTPUTS.items()
        ],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


class Repository(ModelRepositoryServiceServicer):
    """Hands out versions, signed and approved."""

    def __init__(self, versions: list[Version], signer: Signer) -> None:
        self._versions = {version.number: version for version in versions}
        self._signer = signer

    async def GetModelVersion(  # noqa: N802 - the generated code's name
        self,
        request: pb.GetModelVersionRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # noqa: ARG002 - likewise
    ) -> pb.GetModelVersionResponse:
        """The version with its manifest and signature."""
        files = self._versions[request.version].files
        artifacts = tuple(
            ArtifactDigest(name, hashlib.sha256(content).hexdigest(), len(content))
            for name, content in sorted(files.items())
        )
        key_id, signature = self._signer.sign(SignedManifest(NAME, 0, artifacts))
        return pb.GetModelVersionResponse(
            model_version=model_pb2.ModelVersion(
                model_name=NAME,
                version=request.version,
                state=model_pb2.MODEL_VERSION_STATE_APPROVED,
                manifest=model_pb2.Manifest(
                    model_name=NAME,
                    artifacts=[
                        model_pb2.Artifact(
                            file_name=a.file_name, sha256=a.sha256, size_bytes=a.size_bytes
                        )
                        for a in artifacts
                    ],
                ),
                signature=model_pb2.Signature(key_id=key_id, value=signature),
            )
        )

    async def DownloadArtifact(  # noqa: N802 - the generated code's name
        self,
        request: pb.DownloadArtifactRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # noqa: ARG002 - likewise
    ) -> AsyncIterator[pb.DownloadArtifactResponse]:
        """The bytes of a file."""
        content = self._versions[request.version].files[request.file_name]
        for offset in range(request.offset_bytes, len(content), _CHUNK_BYTES):
            yield pb.DownloadArtifactResponse(
                offset_bytes=offset, data=content[offset : offset + _CHUNK_BYTES]
            )
