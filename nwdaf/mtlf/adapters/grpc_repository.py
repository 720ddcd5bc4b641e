"""The model repository over gRPC: fetches the files of a version, publishes new ones."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path

import grpc

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from nf_runtime.errors import DataLoss, NotFound
from nf_runtime.signing import ArtifactDigest, SignedManifest, Signer
from nwdaf.mtlf.jobs import TrainingSpec
from nwdaf.mtlf.ports import ProvisionedModel

CHAMPION = "champion"
AIML_INFERENCE_NAME = "NTN_SECURE_BEAMFORMING"
_DESCRIPTION = "Joint secure beamforming, carrier and power allocation of ESIMs on an NTN uplink"
_ACTOR = "nwdaf.mtlf"
_CHUNK_BYTES = 512 * 1024
_PAGE = 100
_KINDS = {
    ".onnx": model_pb2.ARTIFACT_KIND_ONNX,
    ".safetensors": model_pb2.ARTIFACT_KIND_SAFETENSORS,
    ".json": model_pb2.ARTIFACT_KIND_JSON,
    ".yaml": model_pb2.ARTIFACT_KIND_YAML,
}


class GrpcRepository:
    """`nwdaf.mtlf.ports.Repository` over gRPC.

    Args:
        channel: To it.
        signer: Signs what is published.
        transfer_deadline_s: Of one upload or download.
    """

    def __init__(
        self, channel: grpc.aio.Channel, *, signer: Signer, transfer_deadline_s: float
    ) -> None:
        self._stub = ModelRepositoryServiceStub(channel)
        self._signer = signer
        self._transfer_deadline_s = transfer_deadline_s

    async def fetch(
        self, model_name: str, version: int, file_names: Sequence[str], folder: Path
    ) -> None:
        """Writes the files of a version into `folder`, each equal to its digest."""
        response = await self._stub.GetModelVersion(
            pb.GetModelVersionRequest(model_name=model_name, version=version)
        )
        there = {a.file_name: a for a in response.model_version.manifest.artifacts}
        for file_name in file_names:
            if file_name not in there:
                raise NotFound(
                    f"version {version} of model {model_name} holds no {file_name}",
                    reason="RESOURCE_NOT_FOUND",
                    resource=file_name,
                )
            content = await self._download(model_name, version, file_name)
            if hashlib.sha256(content).hexdigest() != there[file_name].sha256:
                raise DataLoss(
                    f"{file_name} of version {version} of model {model_name} does not match its "
                    "digest",
                    reason="DIGEST_MISMATCH",
                    artifact=file_name,
                )
            await asyncio.to_thread((folder / file_name).write_bytes, content)

    async def check_exists(self, model_name: str, version: int) -> None:
        """Returns when the version exists."""
        await self._stub.GetModelVersion(
            pb.GetModelVersionRequest(model_name=model_name, version=version)
        )

    async def publish(
        self, spec: TrainingSpec, folder: Path, *, job_id: str, kpis: Mapping[str, float]
    ) -> int:
        """The version that holds the files of `folder`; the same job makes it only once."""
        await self._make_model(spec.model_name)
        files = await asyncio.to_thread(_contents, folder)
        header = self._header(spec, files, job_id=job_id, kpis=kpis)
        response = await self._stub.UploadModelVersion(
            _requests(header, files), timeout=self._transfer_deadline_s
        )
        return response.model_version.version

    async def provisioned(self, model_name: str) -> ProvisionedModel:
        """The version that `champion` points to, else the newest one that is approved."""
        model = (await self._stub.GetModel(pb.GetModelRequest(model_name=model_name))).model
        if CHAMPION in model.aliases:
            champion = await self._stub.GetModelVersion(
                pb.GetModelVersionRequest(model_name=model_name, alias=CHAMPION)
            )
            return await self._provisioned(champion.model_version)
        token = ""
        while True:
            response = await self._stub.ListModelVersions(
                pb.ListModelVersionsRequest(
                    model_name=model_name, page_size=_PAGE, page_token=token
                )
            )
            for version in response.model_versions:
                if version.state == model_pb2.MODEL_VERSION_STATE_APPROVED:
                    return await self._provisioned(version)
            token = response.next_page_token
            if not token:
                raise NotFound(
                    f"model {model_name} has no approved version",
                    reason="UNAVAILABLE_DATA",
                    model_name=model_name,
                )

    async def model_names(self) -> Sequence[str]:
        """All models."""
        names: list[str] = []
        token = ""
        while True:
            response = await self._stub.ListModels(
                pb.ListModelsRequest(page_size=_PAGE, page_token=token)
            )
            names += [model.model_name for model in response.models]
            token = response.next_page_token
            if not token:
                return names

    async def _make_model(self, model_name: str) -> None:
        """Make sure that there is a model to publish a version of."""
        try:
            await self._stub.GetModel(pb.GetModelRequest(model_name=model_name))
        except NotFound:
            await self._stub.CreateModel(
                pb.CreateModelRequest(
                    model=model_pb2.Model(
                        model_name=model_name,
                        aiml_inference_name=AIML_INFERENCE_NAME,
                        description=_DESCRIPTION,
                    )
                )
            )

    async def _provisioned(self, version: model_pb2.ModelVersion) -> ProvisionedModel:
        history = await self._stub.ListVersionHistory(
            pb.ListVersionHistoryRequest(model_name=version.model_name, version=version.version)
        )
        times = [
            entry.change_time
            for entry in history.entries
            if entry.to_state == model_pb2.MODEL_VERSION_STATE_APPROVED
        ]
        approve_time = times[-1] if times else version.create_time
        return ProvisionedModel(
            model_name=version.model_name,
            version=version.version,
            model_unique_id=version.model_unique_id,
            approve_time=approve_time.ToDatetime(tzinfo=UTC),
        )

    async def _download(self, model_name: str, version: int, file_name: str) -> bytes:
        request = pb.DownloadArtifactRequest(
            model_name=model_name, version=version, file_name=file_name
        )
        content = bytearray()
        async for chunk in self._stub.DownloadArtifact(request, timeout=self._transfer_deadline_s):
            content += chunk.data
        return bytes(content)

    def _header(
        self,
        spec: TrainingSpec,
        files: Mapping[str, bytes],
        *,
        job_id: str,
        kpis: Mapping[str, float],
    ) -> pb.UploadHeader:
        digests = [
            ArtifactDigest(name, hashlib.sha256(content).hexdigest(), len(content))
            for name, content in files.items()
        ]
        manifest = SignedManifest(spec.model_name, spec.source_version, digests)
        key_id, signature = self._signer.sign(manifest)
        return pb.UploadHeader(
            request_id=job_id,
            manifest=model_pb2.Manifest(
                model_name=spec.model_name,
                source_version=spec.source_version,
                artifacts=[
                    model_pb2.Artifact(
                        file_name=digest.file_name,
                        kind=_KINDS[Path(digest.file_name).suffix],
                        sha256=digest.sha256,
                        size_bytes=digest.size_bytes,
                    )
                    for digest in digests
                ],
            ),
            signature=model_pb2.Signature(key_id=key_id, value=signature),
            kpis=kpis,
            training_job_id=job_id,
            actor=_ACTOR,
            reason=f"{spec.training_type}, profile {spec.profile.name}, {spec.time_budget_s:g} s",
        )


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def _requests(
    header: pb.UploadHeader, files: Mapping[str, bytes]
) -> AsyncIterator[pb.UploadModelVersionRequest]:
    yield pb.UploadModelVersionRequest(header=header)
    for file_name, content in files.items():
        for offset in range(0, len(content), _CHUNK_BYTES):
            yield pb.UploadModelVersionRequest(
                chunk=pb.UploadChunk(
                    file_name=file_name,
                    offset_bytes=offset,
                    data=content[offset : offset + _CHUNK_BYTES],
                )
            )
