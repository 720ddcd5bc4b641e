"""The model repository over gRPC: fetches the files of a version, publishes new ones."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import grpc

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from nf_runtime.artifact_files import artifact_of, digest_of, sha256_of, upload_requests
from nf_runtime.errors import DataLoss, NotFound, ResourceExhausted, Unavailable
from nf_runtime.signing import SignedManifest, Signer
from nwdaf.mtlf.jobs import TrainingSpec
from nwdaf.mtlf.ports import ModelFile, ProvisionedModel, Region

CHAMPION = "champion"
AIML_INFERENCE_NAME = "NTN_SECURE_BEAMFORMING"
_DESCRIPTION = "Joint secure beamforming, carrier and power allocation of ESIMs on an NTN uplink"
_ACTOR = "nwdaf.mtlf"
_PAGE = 100


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
            await self._download(model_name, version, there[file_name], folder / file_name)

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
        files, artifacts = await asyncio.to_thread(_described, folder)
        header = self._header(spec, artifacts, job_id=job_id, kpis=kpis)
        # What an earlier attempt has left there need not be sent again.
        progress = await self._stub.GetUploadProgress(
            pb.GetUploadProgressRequest(request_id=job_id, manifest=header.manifest)
        )
        if progress.HasField("model_version"):
            return int(progress.model_version.version)
        try:
            response = await self._stub.UploadModelVersion(
                _requests(header, files, progress.received_bytes),
                timeout=self._transfer_deadline_s,
            )
        except ResourceExhausted as error:
            if "retry_after_s" not in error.metadata:
                raise
            # It has not given up the connection of the earlier attempt yet.
            raise Unavailable(error.message, reason=error.reason, **error.metadata) from error
        return response.model_version.version

    async def provisioned(self, model_name: str) -> ProvisionedModel:
        """The version that `champion` points to, else the newest one that is approved."""
        model = (await self._stub.GetModel(pb.GetModelRequest(model_name=model_name))).model
        if CHAMPION in model.aliases:
            champion = await self._stub.GetModelVersion(
                pb.GetModelVersionRequest(model_name=model_name, alias=CHAMPION)
            )
            return await self._provisioned(champion.model_version, model.aiml_inference_name)
        token = ""
        while True:
            response = await self._stub.ListModelVersions(
                pb.ListModelVersionsRequest(
                    model_name=model_name, page_size=_PAGE, page_token=token
                )
            )
            for version in response.model_versions:
                if version.state == model_pb2.MODEL_VERSION_STATE_APPROVED:
                    return await self._provisioned(version, model.aiml_inference_name)
            token = response.next_page_token
            if not token:
                raise NotFound(
                    f"model {model_name} has no approved version",
                    reason="UNAVAILABLE_DATA",
                    model_name=model_name,
                )

    async def models(self) -> Mapping[str, str]:
        """All models by name, and what each decides (`aIMLInferenceName`)."""
        found: dict[str, str] = {}
        token = ""
        while True:
            response = await self._stub.ListModels(
                pb.ListModelsRequest(page_size=_PAGE, page_token=token)
            )
            found |= {model.model_name: model.aiml_inference_name for model in response.models}
            token = response.next_page_token
            if not token:
                return found

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

    async def _provisioned(
        self, version: model_pb2.ModelVersion, aiml_inference_name: str
    ) -> ProvisionedModel:
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
            aiml_inference_name=aiml_inference_name,
            kpis=dict(version.kpis),
            file=next(
                (
                    ModelFile(artifact.file_name, artifact.sha256, artifact.size_bytes)
                    for artifact in version.manifest.artifacts
                    if artifact.kind == model_pb2.ARTIFACT_KIND_ONNX
                ),
                None,
            ),
            valid_from=_time(version.validity, "valid_from"),
            valid_until=_time(version.validity, "valid_until"),
            regions=tuple(
                Region(
                    region.min_latitude_deg,
                    region.max_latitude_deg,
                    region.min_longitude_deg,
                    region.max_longitude_deg,
                )
                for region in version.validity.regions
            ),
        )

    async def _download(
        self, model_name: str, version: int, artifact: model_pb2.Artifact, path: Path
    ) -> None:
        """Stream an artifact into a file; what an earlier attempt has left is gone on from."""
        partial = path.with_name(f"{path.name}.partial")
        await asyncio.to_thread(partial.touch)
        received = partial.stat().st_size
        call = self._stub.DownloadArtifact(
            pb.DownloadArtifactRequest(
                model_name=model_name,
                version=version,
                file_name=artifact.file_name,
                offset_bytes=received,
            ),
            timeout=self._transfer_deadline_s,
        )
        with partial.open("ab") as file:
            async for chunk in call:
                await asyncio.to_thread(file.write, chunk.data)
        digest = await asyncio.to_thread(sha256_of, partial)
        if digest.hexdigest() != artifact.sha256:
            partial.unlink()
            raise DataLoss(
                f"{artifact.file_name} of version {version} of model {model_name} does not match "
                "its digest",
                reason="DIGEST_MISMATCH",
                artifact=artifact.file_name,
            )
        partial.replace(path)

    def _header(
        self,
        spec: TrainingSpec,
        artifacts: Sequence[model_pb2.Artifact],
        *,
        job_id: str,
        kpis: Mapping[str, float],
    ) -> pb.UploadHeader:
        digests = list(map(digest_of, artifacts))
        manifest = SignedManifest(spec.model_name, spec.source_version, digests)
        key_id, signature = self._signer.sign(manifest)
        return pb.UploadHeader(
            request_id=job_id,
            manifest=model_pb2.Manifest(
                model_name=spec.model_name,
                source_version=spec.source_version,
                artifacts=artifacts,
            ),
            signature=model_pb2.Signature(key_id=key_id, value=signature),
            kpis=kpis,
            training_job_id=job_id,
            actor=_ACTOR,
            reason=f"{spec.training_type}, profile {spec.profile.name}, {spec.time_budget_s:g} s",
            resumable=True,
        )


def _time(
    validity: model_pb2.Validity, name: Literal["valid_from", "valid_until"]
) -> datetime | None:
    if not validity.HasField(name):
        return None
    time: datetime = getattr(validity, name).ToDatetime(tzinfo=UTC)
    return time


def _described(folder: Path) -> tuple[Sequence[Path], Sequence[model_pb2.Artifact]]:
    files = sorted(folder.iterdir())
    return files, list(map(artifact_of, files))


async def _requests(
    header: pb.UploadHeader, files: Sequence[Path], received_bytes: Sequence[int]
) -> AsyncIterator[pb.UploadModelVersionRequest]:
    """The header, then what is not there yet."""
    yield pb.UploadModelVersionRequest(header=header)
    for file, received in zip(files, received_bytes, strict=True):
        requests = upload_requests(file, received)
        while (request := await asyncio.to_thread(next, requests, None)) is not None:
            yield request
