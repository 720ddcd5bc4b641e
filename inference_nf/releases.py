"""What the model repository publishes: an immutable version and its files."""

from dataclasses import dataclass
from enum import StrEnum

from nf_runtime.errors import FailedPrecondition
from nf_runtime.signing import ArtifactDigest, SignedManifest

APPROVED = "APPROVED"
GRAPH_FILE = "model.onnx"
CARD_FILE = "model_card.json"


class EngineKind(StrEnum):
    """What can run a graph."""

    ONNXRUNTIME = "onnxruntime"
    TENSORRT = "tensorrt"


class Precision(StrEnum):
    """What the linear layers of a graph compute in."""

    FP32 = "fp32"
    FP16 = "fp16"


@dataclass(frozen=True, order=True)
class ModelKey:
    """Name and version of a model: what decides, is loaded, is rolled back."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


@dataclass(frozen=True)
class ModelRelease:
    """A version as the repository describes it.

    Attributes:
        key: Name and version.
        state: The repository's state without its prefix, e.g. ``APPROVED``.
        manifest: The files with their digests, in a tuple sorted by name.
        key_id: Fingerprint of the key that signed the manifest.
        signature: Ed25519 signature over the manifest.
    """

    key: ModelKey
    state: str
    manifest: SignedManifest
    key_id: str
    signature: bytes

    def artifact(self, file_name: str) -> ArtifactDigest:
        """The file of that name.

        Raises:
            FailedPrecondition: ARTIFACT_REFUSED when the version has no such file.
        """
        for artifact in self.manifest.artifacts:
            if artifact.file_name == file_name:
                return artifact
        raise FailedPrecondition(
            f"{self.key} has no file {file_name}; publish it with one",
            reason="ARTIFACT_REFUSED",
            artifact=file_name,
        )


@dataclass(frozen=True)
class LoadFailure:
    """A load that failed: the number or the alias that was asked for, and why."""

    name: str
    selector: int | str
    reason: str
    message: str
