"""Artifacts as any store holds them: their names, and how their damage is told."""

from mms_repository.manifests import Artifact
from nf_runtime.errors import DataLoss

PIECE_BYTES = 1024 * 1024


def damaged(artifact: Artifact, how: str) -> DataLoss:
    """The error for bytes that are gone, cut or changed; `how` is a clause about the artifact."""
    return DataLoss(
        f"artifact {artifact.file_name} with digest {artifact.sha256} {how}; publish it again",
        reason="DIGEST_MISMATCH",
        file_name=artifact.file_name,
        sha256=artifact.sha256,
    )


def gone(artifact: Artifact) -> DataLoss:
    """The error for bytes that are not in the store at all."""
    error = damaged(artifact, "is gone")
    error.metadata["gone"] = "true"
    return error


def blob_name(sha256: str) -> str:
    """Path of a digest's bytes within the store."""
    return f"{sha256[:2]}/{sha256[2:]}"
