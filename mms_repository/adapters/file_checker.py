"""Looks into each artifact with the checker of its kind."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mms_repository.adapters.document_checker import check_json, check_yaml
from mms_repository.adapters.onnx_checker import check_onnx
from mms_repository.adapters.safetensors_checker import check_safetensors
from mms_repository.descriptions import NO_TENSORS, TensorSignature
from mms_repository.manifests import Artifact, ArtifactKind, ContentError, refused

_CHECKS: Mapping[ArtifactKind, Callable[[Path], None]] = {
    ArtifactKind.SAFETENSORS: check_safetensors,
    ArtifactKind.JSON: check_json,
    ArtifactKind.YAML: check_yaml,
}


class FileChecker:
    """The port `FormatChecker`. One file at a time, so that one model at most is in memory."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mms-checker")

    async def check(self, artifact: Artifact, path: Path) -> TensorSignature:
        """What the file takes and gives; nothing unless it is ONNX.

        Raises:
            InvalidArgument: ARTIFACT_REFUSED.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, _check, artifact, path)
        except ContentError as error:
            raise refused(artifact.file_name, str(error)) from error

    async def close(self) -> None:
        """Finish what runs."""
        await asyncio.to_thread(self._executor.shutdown)


def _check(artifact: Artifact, path: Path) -> TensorSignature:
    if artifact.kind is ArtifactKind.ONNX:
        return check_onnx(path, artifact.file_name)
    _CHECKS[artifact.kind](path)
    return NO_TENSORS
