"""A version on its way in: what the client announces and which byte must come next."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mms_repository.descriptions import UNDESCRIBED, Description
from mms_repository.manifests import (
    Artifact,
    Manifest,
    ManifestLimits,
    Signature,
    check_manifest,
)
from mms_repository.names import (
    MAX_IDENTIFIER_CHARACTERS,
    check_identifier,
    check_kpi_name,
    check_text,
    invalid_field,
)

MAX_CHUNK_BYTES = 1024 * 1024
_MAX_KPIS = 128


@dataclass(frozen=True)
class Upload:
    """Everything about a new version but its bytes."""

    request_id: str
    manifest: Manifest
    signature: Signature
    kpis: Mapping[str, float]
    training_job_id: str
    actor: str
    reason: str
    description: Description = UNDESCRIBED
    resumable: bool = False

    def check(self, limits: ManifestLimits) -> None:
        """Returns if each field is well formed and within its bound.

        Raises:
            InvalidArgument: INVALID_FIELD or ARTIFACT_REFUSED.
        """
        check_identifier(self.request_id, field="request_id")
        check_identifier(self.actor, field="actor")
        check_text(self.reason, field="reason")
        if len(self.training_job_id) > MAX_IDENTIFIER_CHARACTERS:
            raise invalid_field(
                "training_job_id", f"is longer than {MAX_IDENTIFIER_CHARACTERS} characters"
            )
        check_kpis(self.kpis)
        self.description.check()
        check_manifest(self.manifest, limits)


@dataclass(frozen=True)
class Chunk:
    """Bytes of one artifact; `offset_bytes` is the place of the first within the artifact."""

    file_name: str
    offset_bytes: int
    data: bytes


class Reception:
    """Where an upload stands: artifacts come in the manifest's order, each without gap or overlap.

    Args:
        manifest: What was announced.
        received_bytes: What is there already of each artifact, in the manifest's order.
    """

    def __init__(self, manifest: Manifest, received_bytes: Sequence[int] = ()) -> None:
        self._expected = list(reversed(manifest.artifacts))
        self._received_bytes = 0
        self._resumed: list[Artifact] = []
        for size_bytes in received_bytes:
            self._received_bytes = size_bytes
            if size_bytes < self._expected[-1].size_bytes:
                break
            self._resumed.append(self._expected.pop())
            self._received_bytes = 0

    @property
    def resumed(self) -> Sequence[Artifact]:
        """Artifacts that an earlier, interrupted upload had brought to their end."""
        return self._resumed

    def accept(self, chunk: Chunk) -> Artifact:
        """The artifact that the chunk continues.

        Raises:
            InvalidArgument: INVALID_FIELD when the chunk is not the one that must come next.
        """
        if not self._expected:
            raise invalid_field("chunk", "comes after the last announced byte; send no more")
        artifact = self._expected[-1]
        if chunk.file_name != artifact.file_name:
            raise invalid_field(
                "chunk.file_name",
                f"is {chunk.file_name[:MAX_IDENTIFIER_CHARACTERS]!r} where bytes of "
                f"{artifact.file_name} are due; send the artifacts in the manifest's order",
            )
        if chunk.offset_bytes != self._received_bytes:
            raise invalid_field(
                "chunk.offset_bytes",
                f"is {chunk.offset_bytes}, but byte {self._received_bytes} of "
                f"{artifact.file_name} is due; send chunks in order, without gaps",
            )
        if not 1 <= len(chunk.data) <= MAX_CHUNK_BYTES:
            raise invalid_field(
                "chunk.data", f"has {len(chunk.data)} bytes; send 1 to {MAX_CHUNK_BYTES}"
            )
        if self._received_bytes + len(chunk.data) > artifact.size_bytes:
            raise invalid_field(
                "chunk.data",
                f"goes beyond the {artifact.size_bytes} bytes announced for {artifact.file_name}",
            )
        self._received_bytes += len(chunk.data)
        if self._received_bytes == artifact.size_bytes:
            self._expected.pop()
            self._received_bytes = 0
        return artifact

    def is_complete(self, artifact: Artifact) -> bool:
        """Whether every byte of `artifact` came."""
        return artifact not in self._expected

    def finish(self) -> None:
        """Returns if every announced byte came.

        Raises:
            InvalidArgument: INVALID_FIELD, the client stopped early.
        """
        if self._expected:
            artifact = self._expected[-1]
            raise invalid_field(
                "chunk",
                f"the upload ended at byte {self._received_bytes} of {artifact.size_bytes} of "
                f"{artifact.file_name}; no version is made, send it again",
            )


def check_kpis(kpis: Mapping[str, float]) -> None:
    """Returns if the figures are few, well named and finite.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    if len(kpis) > _MAX_KPIS:
        raise invalid_field("kpis", f"are {len(kpis)}; at most {_MAX_KPIS}")
    for name, value in kpis.items():
        check_kpi_name(name)
        if not math.isfinite(value):
            raise invalid_field("kpis", f"{name} is {value}; send finite figures")
