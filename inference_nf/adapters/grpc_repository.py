"""The model repository over gRPC."""

import re
from collections.abc import AsyncGenerator, Sequence

import grpc

from aimlnf.mms.v1 import model_pb2, model_repository_service_pb2_grpc
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from inference_nf.releases import ModelKey, ModelRelease
from nf_runtime.errors import DataLoss
from nf_runtime.signing import ArtifactDigest, SignedManifest
from nf_runtime.use_terms import UseTerms

_SHA256 = re.compile(r"[0-9a-f]{64}")
_STATE_PREFIX = "MODEL_VERSION_STATE_"


class GrpcRepository:
    """Resolves versions and streams artifacts.

    Args:
        channel: To the repository.
        download_deadline_s: Of the download of one artifact.
    """

    def __init__(self, channel: grpc.aio.Channel, *, download_deadline_s: float) -> None:
        self._stub = model_repository_service_pb2_grpc.ModelRepositoryServiceStub(channel)
        self._download_deadline_s = download_deadline_s

    async def resolve(self, model_name: str, selector: int | str) -> ModelRelease:
        """The version with that number or alias.

        Raises:
            NotFound: There is none.
            DataLoss: DIGEST_MISMATCH when a digest of its manifest is none.
            Unavailable: The repository does not answer.
        """
        request = pb.GetModelVersionRequest(model_name=model_name)
        if isinstance(selector, int):
            request.version = selector
        else:
            request.alias = selector
        response = await self._stub.GetModelVersion(request)
        return _release(response.model_version)

    async def members(self, group_name: str) -> Sequence[ModelKey]:
        """The versions of that coordination group.

        Raises:
            NotFound: There is none.
            Unavailable: The repository does not answer.
        """
        request = pb.GetCoordinationGroupRequest(group_name=group_name)
        response = await self._stub.GetCoordinationGroup(request)
        return [ModelKey(member.model_name, member.version) for member in response.group.members]

    async def download(
        self, key: ModelKey, file_name: str, *, offset_bytes: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a file from `offset_bytes` on, in the chunks that arrive."""
        request = pb.DownloadArtifactRequest(
            model_name=key.name,
            version=key.version,
            file_name=file_name,
            offset_bytes=offset_bytes,
        )
        expected = offset_bytes
        call = self._stub.DownloadArtifact(request, timeout=self._download_deadline_s)
        try:
            async for chunk in call:
                if chunk.offset_bytes != expected:
                    raise DataLoss(
                        f"{file_name} of {key} arrived from byte {chunk.offset_bytes} on instead "
                        f"of {expected}",
                        reason="DIGEST_MISMATCH",
                        artifact=file_name,
                    )
                expected += len(chunk.data)
                yield chunk.data
        finally:
            call.cancel()


def _release(version: model_pb2.ModelVersion) -> ModelRelease:
    artifacts = tuple(
        ArtifactDigest(artifact.file_name, artifact.sha256, artifact.size_bytes)
        for artifact in sorted(version.manifest.artifacts, key=lambda a: a.file_name)
    )
    for artifact in artifacts:
        if _SHA256.fullmatch(artifact.sha256) is None:
            raise DataLoss(
                f"the manifest of {version.model_name} holds no SHA-256 of {artifact.file_name}",
                reason="DIGEST_MISMATCH",
                artifact=artifact.file_name,
            )
    return ModelRelease(
        key=ModelKey(version.model_name, version.version),
        state=model_pb2.ModelVersionState.Name(version.state).removeprefix(_STATE_PREFIX),
        manifest=SignedManifest(
            model_name=version.manifest.model_name,
            source_version=version.manifest.source_version,
            artifacts=artifacts,
            terms=UseTerms.of(version),
        ),
        key_id=version.signature.key_id,
        signature=version.signature.value,
    )
