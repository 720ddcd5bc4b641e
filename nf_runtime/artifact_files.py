"""Files of a model version on their way to the repository, alike for all who publish.

::

    artifacts = [artifact_of(path) for path in files]
    header = UploadHeader(manifest=Manifest(artifacts=artifacts, ...), ...)
    for path, received in zip(files, progress.received_bytes):
        yield from upload_requests(path, received)
"""

import hashlib
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.signing import ArtifactDigest

KINDS: "Mapping[str, model_pb2.ArtifactKind.ValueType]" = {
    ".onnx": model_pb2.ARTIFACT_KIND_ONNX,
    ".safetensors": model_pb2.ARTIFACT_KIND_SAFETENSORS,
    ".json": model_pb2.ARTIFACT_KIND_JSON,
    ".yaml": model_pb2.ARTIFACT_KIND_YAML,
    ".yml": model_pb2.ARTIFACT_KIND_YAML,
}
_CHUNK_BYTES = 1024 * 1024  # the most that the repository takes


def sha256_of(path: Path) -> "hashlib._Hash":
    """The digest of a file, to be continued. Nobody may shorten the file meanwhile."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if path.stat().st_size:
            # Mapped: reading it would take half as long again, for copies that nobody needs.
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                digest.update(content)
    return digest


def artifact_of(path: Path) -> model_pb2.Artifact:
    """The file's line in a manifest.

    Raises:
        KeyError: The repository takes no file of this kind.
    """
    return model_pb2.Artifact(
        file_name=path.name,
        kind=KINDS[path.suffix],
        sha256=sha256_of(path).hexdigest(),
        size_bytes=path.stat().st_size,
    )


def digest_of(artifact: model_pb2.Artifact) -> ArtifactDigest:
    """What of a line in a manifest is signed."""
    return ArtifactDigest(artifact.file_name, artifact.sha256, artifact.size_bytes)


def upload_requests(path: Path, received_bytes: int = 0) -> Iterator[pb.UploadModelVersionRequest]:
    """The file from `received_bytes` on; one chunk of it is in memory at a time."""
    offset_bytes = received_bytes
    with path.open("rb", buffering=0) as file:
        file.seek(offset_bytes)
        while data := file.read(_CHUNK_BYTES):
            request = pb.UploadModelVersionRequest()
            chunk = request.chunk  # filled in its place: `chunk=` would copy the bytes again
            chunk.file_name, chunk.offset_bytes, chunk.data = path.name, offset_bytes, data
            yield request
            offset_bytes += len(data)
