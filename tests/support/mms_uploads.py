"""Versions for tests of the model repository: tiny artifacts, manifests, signatures, uploads."""

import base64
import hashlib
import json
import struct
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from onnx import TensorProto, helper

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.descriptions import NO_TENSORS, TensorSignature
from mms_repository.housekeeping import Gate
from mms_repository.manifests import (
    Artifact,
    ArtifactKind,
    Manifest,
    ManifestLimits,
    refused,
)
from mms_repository.messages import chunk_from, upload_from
from mms_repository.ports import ArtifactStore, FormatChecker, ModelStore
from mms_repository.publication import PublicationRules, Publisher
from mms_repository.uploads import Chunk, Upload
from nf_runtime.clock import Clock
from nf_runtime.signing import Signer, TrustedKeys
from nf_runtime.use_terms import ANY_USE, UseTerms

MODEL = "gan-gdm"
SIGNER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(SIGNER_KEY)
KINDS = {
    "onnx": ArtifactKind.ONNX,
    "safetensors": ArtifactKind.SAFETENSORS,
    "json": ArtifactKind.JSON,
    "yaml": ArtifactKind.YAML,
}


def write_public_key(path: Path, key: Ed25519PrivateKey) -> Path:
    """The file with the public half of `key`, as the settings name it."""
    path.write_bytes(base64.b64encode(key.public_key().public_bytes_raw()))
    return path


def onnx_model(*, operator: str = "Relu", domain: str = "", weight_count: int = 4) -> Any:
    """A valid one-operator model plus an addition of `weight_count` weights."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [weight_count], [0.5] * weight_count)
    shape = ["n", weight_count]
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["x", "w"], ["sum"]),
            helper.make_node(operator, ["sum"], ["y"], domain=domain),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        initializer=[weights],
    )
    opsets = [helper.make_opsetid("", 20)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def safetensors_bytes(header: Mapping[str, Any], data: bytes) -> bytes:
    """A safetensors file with this header and these bytes, right or wrong."""
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


def files(*, weight_count: int = 4, note: str = "") -> dict[str, bytes]:
    """The files of one good version; another note makes another version."""
    tensors = {
        "w": {"dtype": "F32", "shape": [weight_count], "data_offsets": [0, 4 * weight_count]}
    }
    return {
        "model.onnx": onnx_model(weight_count=weight_count).SerializeToString(),
        "weights.safetensors": safetensors_bytes(tensors, bytes(4 * weight_count)),
        "model_card.json": json.dumps({"name": MODEL, "note": note}).encode(),
    }


def manifest_of(
    contents: Mapping[str, bytes], *, model_name: str = MODEL, source_version: int = 0
) -> Manifest:
    """The true manifest of these files."""
    return Manifest(
        model_name=model_name,
        source_version=source_version,
        artifacts=tuple(
            Artifact(
                name,
                KINDS[name.rpartition(".")[2]],
                hashlib.sha256(content).hexdigest(),
                len(content),
            )
            for name, content in contents.items()
        ),
    )


def header_of(manifest: Manifest, **changes: Any) -> pb.UploadHeader:
    """The signed header of an upload; `changes` replace fields of it, before it is signed."""
    fields: dict[str, Any] = {
        "request_id": uuid.uuid4().hex,
        "manifest": model_pb2.Manifest(
            model_name=manifest.model_name,
            source_version=manifest.source_version,
            artifacts=[
                model_pb2.Artifact(
                    file_name=artifact.file_name,
                    kind=model_pb2.ArtifactKind.Value(f"ARTIFACT_KIND_{artifact.kind}"),
                    sha256=artifact.sha256,
                    size_bytes=artifact.size_bytes,
                )
                for artifact in manifest.artifacts
            ],
        ),
        "kpis": {"ratio_to_exhaustive": 0.9},
        "training_job_id": "job-1",
        "actor": "nwdaf.mtlf",
        "reason": "initial training",
    }
    header = pb.UploadHeader(**{**fields, **changes})
    if "signature" not in changes:
        key_id, value = SIGNER.sign(manifest.signed(_terms_of(header)))
        header.signature.CopyFrom(model_pb2.Signature(key_id=key_id, value=value))
    return header


def _terms_of(header: pb.UploadHeader) -> UseTerms:
    try:
        return UseTerms.of(header)
    except ValueError:  # a time that is none; the repository is to say so
        return ANY_USE


def chunks_of(
    contents: Mapping[str, bytes], *, chunk_bytes: int = 1024 * 1024
) -> Iterator[pb.UploadModelVersionRequest]:
    """The chunk messages of these files, in order."""
    for name, content in contents.items():
        for start in range(0, len(content), chunk_bytes):
            chunk = pb.UploadChunk(
                file_name=name, offset_bytes=start, data=content[start : start + chunk_bytes]
            )
            yield pb.UploadModelVersionRequest(chunk=chunk)


def upload_of(
    contents: Mapping[str, bytes],
    *,
    chunk_bytes: int = 1024 * 1024,
    model_name: str = MODEL,
    source_version: int = 0,
    **changes: Any,
) -> Sequence[pb.UploadModelVersionRequest]:
    """All messages of a good upload; `changes` replace fields of its header."""
    manifest = manifest_of(contents, model_name=model_name, source_version=source_version)
    first = pb.UploadModelVersionRequest(header=header_of(manifest, **changes))
    return [first, *chunks_of(contents, chunk_bytes=chunk_bytes)]


def announced(contents: Mapping[str, bytes], **options: Any) -> Upload:
    """What a good upload of these files announces; options are those of `upload_of`."""
    return upload_from(upload_of(contents, **options)[0].header)


async def bytes_of(
    contents: Mapping[str, bytes], *, chunk_bytes: int = 1024 * 1024
) -> AsyncIterator[Chunk]:
    """The chunks of these files, in order."""
    for message in chunks_of(contents, chunk_bytes=chunk_bytes):
        yield chunk_from(message.chunk)


class AcceptAll:
    """The port `FormatChecker`: refuses the files named in `refused_names`."""

    def __init__(self, *refused_names: str) -> None:
        self._refused_names = refused_names

    async def check(self, artifact: Artifact, path: Path) -> TensorSignature:
        """Nothing, unless the name is on the list."""
        if artifact.file_name in self._refused_names:
            raise refused(artifact.file_name, "it is on the list of the test")
        return NO_TENSORS


def publisher_on(
    store: ModelStore,
    artifacts: ArtifactStore,
    *,
    clock: Clock,
    formats: FormatChecker | None = None,
) -> Publisher:
    """A publisher with small bounds that trusts the signer of these uploads."""
    return Publisher(
        store=store,
        artifacts=artifacts,
        formats=AcceptAll() if formats is None else formats,
        keys=TrustedKeys([SIGNER_KEY.public_key()]),
        rules=PublicationRules(
            limits=ManifestLimits(
                max_artifacts=4, max_artifact_bytes=1_000_000, max_version_bytes=2_000_000
            ),
            signature_required=True,
            max_concurrent=2,
        ),
        gate=Gate(),
        clock=clock,
    )


async def publish(
    stub: Any, messages: Iterable[pb.UploadModelVersionRequest]
) -> model_pb2.ModelVersion:
    """The version that an upload of these messages makes."""
    response = await stub.UploadModelVersion(iter(messages))
    version: model_pb2.ModelVersion = response.model_version
    return version


def with_custom_operator() -> bytes:
    """An ONNX file with an operator that no standard runtime knows."""
    model: bytes = onnx_model(operator="Magic", domain="com.example").SerializeToString()
    return model


def with_external_data() -> bytes:
    """An ONNX file whose weights stand in another file."""
    model = onnx_model()
    (tensor,) = model.graph.initializer
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    content: bytes = model.SerializeToString()
    return content
