"""What a version is made of: artifacts known by name and digest, and the signature over them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mms_repository.names import check_file_name, check_model_name, check_sha256, invalid_field
from nf_runtime.errors import InvalidArgument
from nf_runtime.signing import ArtifactDigest, SignedManifest
from nf_runtime.use_terms import ANY_USE, UseTerms


class ArtifactKind(StrEnum):
    """The formats that are accepted. Nothing in them can execute when it is loaded."""

    ONNX = "ONNX"
    SAFETENSORS = "SAFETENSORS"
    JSON = "JSON"
    YAML = "YAML"


_KIND_OF_ENDING: Mapping[str, ArtifactKind] = {
    "onnx": ArtifactKind.ONNX,
    "safetensors": ArtifactKind.SAFETENSORS,
    "json": ArtifactKind.JSON,
    "yaml": ArtifactKind.YAML,
    "yml": ArtifactKind.YAML,
}


@dataclass(frozen=True)
class Artifact:
    """One file of a version. `sha256` is that of its content, in hexadecimal."""

    file_name: str
    kind: ArtifactKind
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """The files of a version and the version it was trained from (0: none)."""

    model_name: str
    source_version: int
    artifacts: tuple[Artifact, ...]

    def signed(self, terms: UseTerms = ANY_USE) -> SignedManifest:
        """What a signature covers; `terms` are those that the publisher states beside it."""
        digests = [ArtifactDigest(a.file_name, a.sha256, a.size_bytes) for a in self.artifacts]
        return SignedManifest(self.model_name, self.source_version, digests, terms)

    def sha256(self) -> str:
        """Digest of the files' part, in hexadecimal: equal for equal manifests only."""
        return hashlib.sha256(self.signed().canonical_bytes()).hexdigest()

    def artifact(self, file_name: str) -> Artifact | None:
        """The artifact of that name."""
        return next((a for a in self.artifacts if a.file_name == file_name), None)


@dataclass(frozen=True)
class Signature:
    """Ed25519 signature over a manifest; empty where nobody signed."""

    key_id: str
    value: bytes

    def __bool__(self) -> bool:
        return bool(self.key_id or self.value)


UNSIGNED = Signature("", b"")


@dataclass(frozen=True)
class ManifestLimits:
    """Bounds on what one version may hold."""

    max_artifacts: int
    max_artifact_bytes: int
    max_version_bytes: int


def check_manifest(manifest: Manifest, limits: ManifestLimits) -> None:
    """Returns if the manifest is well formed and within the bounds.

    Raises:
        InvalidArgument: INVALID_FIELD for a malformed field, ARTIFACT_REFUSED for a file of the
            wrong kind or beyond a bound.
    """
    check_model_name(manifest.model_name)
    if manifest.source_version < 0:
        raise invalid_field("source_version", "is negative; 0 means none")
    count = len(manifest.artifacts)
    if not 1 <= count <= limits.max_artifacts:
        raise invalid_field("artifacts", f"are {count}; send 1 to {limits.max_artifacts}")
    for artifact in manifest.artifacts:
        _check_artifact(artifact, limits.max_artifact_bytes)
    if len({artifact.file_name for artifact in manifest.artifacts}) != count:
        raise invalid_field("artifacts", "name a file twice; each name stands for one file")
    total_bytes = sum(artifact.size_bytes for artifact in manifest.artifacts)
    if total_bytes > limits.max_version_bytes:
        raise InvalidArgument(
            f"the version has {total_bytes} bytes; at most {limits.max_version_bytes} are accepted",
            reason="ARTIFACT_REFUSED",
            size_bytes=str(total_bytes),
            limit_bytes=str(limits.max_version_bytes),
        )


def _check_artifact(artifact: Artifact, max_bytes: int) -> None:
    check_file_name(artifact.file_name)
    check_sha256(artifact.sha256)
    stem, _, ending = artifact.file_name.rpartition(".")
    if not stem or _KIND_OF_ENDING.get(ending) is not artifact.kind:
        raise refused(
            artifact.file_name,
            f"its name does not end as {artifact.kind} files do; accepted are "
            + ", ".join(f".{known}" for known in _KIND_OF_ENDING),
        )
    if artifact.size_bytes < 1:
        raise invalid_field("size_bytes", f"is {artifact.size_bytes} for {artifact.file_name}")
    if artifact.size_bytes > max_bytes:
        raise refused(
            artifact.file_name,
            f"it has {artifact.size_bytes} bytes; at most {max_bytes} are accepted",
        )


class ContentError(ValueError):
    """Why the content of a file is not accepted; a clause that begins with "it"."""


def refused(file_name: str, why: str) -> InvalidArgument:
    """The error for an artifact that does not come in."""
    return InvalidArgument(
        f"artifact {file_name} is refused: {why}", reason="ARTIFACT_REFUSED", file_name=file_name
    )
