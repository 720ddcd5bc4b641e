# ruff: noqa: N802, ARG002 - gRPC names the methods and gives each a context
"""`aimlnf.mms.v1.ModelRepositoryService`: messages in, procedures called, messages out."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import (
    ModelRepositoryServiceServicer,
    add_ModelRepositoryServiceServicer_to_server,
)
from mms_repository.coordination import CoordinationGroups
from mms_repository.coordination_servicer import CoordinationMethods
from mms_repository.description_messages import time_from
from mms_repository.lookups import VersionKey
from mms_repository.messages import (
    entry_message,
    filter_from,
    manifest_from,
    model_message,
    upload_from,
    version_message,
    watch_message,
)
from mms_repository.names import invalid_field
from mms_repository.procedures import Author, ModelRepository
from mms_repository.publication import Publisher
from mms_repository.upload_stream import chunks_of, discard, paced
from mms_repository.version_messages import VersionMessages
from nf_runtime.errors import NfError

_SERVICE = pb.DESCRIPTOR.services_by_name["ModelRepositoryService"]
_ENCODED = ("GetModelVersion", "ListModelVersions", "SearchModelVersions")


class ModelRepositoryServicer(CoordinationMethods, ModelRepositoryServiceServicer):
    """The service. What it may answer stands with each method in the proto file.

    Args:
        repository: Models and versions.
        groups: Coordination groups.
        publisher: Uploads.
        upload_idle_s: How long a client may stay silent between two messages of an upload.
        max_upload_bytes: How much is read of an upload that is already decided.
    """

    def __init__(
        self,
        repository: ModelRepository,
        groups: CoordinationGroups,
        publisher: Publisher,
        *,
        upload_idle_s: float,
        max_upload_bytes: int,
    ) -> None:
        self._repository = repository
        super().__init__(groups)
        self._publisher = publisher
        self._messages = VersionMessages()
        self._upload_idle_s = upload_idle_s
        self._max_upload_bytes = max_upload_bytes

    async def CreateModel(
        self, request: pb.CreateModelRequest, context: Any
    ) -> pb.CreateModelResponse:
        """Create a model."""
        model = await self._repository.create_model(
            request.model.model_name,
            aiml_inference_name=request.model.aiml_inference_name,
            description=request.model.description,
        )
        return pb.CreateModelResponse(model=model_message(model))

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        """One model."""
        model = await self._repository.get_model(request.model_name)
        return pb.GetModelResponse(model=model_message(model))

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        """Models by name."""
        page = await self._repository.list_models(
            page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListModelsResponse(
            models=[model_message(model) for model in page.items], next_page_token=page.next_token
        )

    async def UploadModelVersion(
        self, request_iterator: AsyncIterator[pb.UploadModelVersionRequest], context: Any
    ) -> pb.UploadModelVersionResponse:
        """Publish a version."""
        parts = paced(request_iterator, self._upload_idle_s)
        try:
            first = await anext(parts, None)
            if first is None or first.WhichOneof("part") != "header":
                raise invalid_field("header", "is missing; send it first, then the chunks")
            version = await self._publisher.publish(upload_from(first.header), chunks_of(parts))
        except NfError:
            await discard(parts, most_bytes=self._max_upload_bytes)
            raise
        await discard(parts, most_bytes=self._max_upload_bytes)
        return pb.UploadModelVersionResponse(model_version=version_message(version))

    async def DownloadArtifact(
        self, request: pb.DownloadArtifactRequest, context: Any
    ) -> AsyncIterator[pb.DownloadArtifactResponse]:
        """The bytes of one artifact."""
        offset_bytes = request.offset_bytes
        async for piece in self._repository.read_artifact(
            VersionKey(request.model_name, request.version),
            request.file_name,
            offset_bytes=offset_bytes,
        ):
            yield pb.DownloadArtifactResponse(offset_bytes=offset_bytes, data=piece)
            offset_bytes += len(piece)

    async def GetModelVersion(self, request: pb.GetModelVersionRequest, context: Any) -> Any:
        """One version, by number or alias."""
        selector = request.WhichOneof("selector")
        if selector is None:
            raise invalid_field("selector", "is missing; set version or alias")
        if selector == "version":
            version = await self._repository.get_version(
                VersionKey(request.model_name, request.version)
            )
        else:
            at_time = request.at_time if request.HasField("at_time") else None
            version = await self._repository.get_version_by_alias(
                request.model_name, request.alias, at_time=time_from(at_time)
            )
        return self._messages.encoded([version])

    async def ListModelVersions(self, request: pb.ListModelVersionsRequest, context: Any) -> Any:
        """Versions, newest first."""
        page = await self._repository.list_versions(
            request.model_name, page_size=request.page_size, page_token=request.page_token
        )
        rest = pb.ListModelVersionsResponse(next_page_token=page.next_token)
        return self._messages.encoded(page.items) + rest.SerializeToString()

    async def SetAlias(self, request: pb.SetAliasRequest, context: Any) -> pb.SetAliasResponse:
        """Point an alias to a version."""
        model = await self._repository.set_alias(_key(request), request.alias, _author(request))
        return pb.SetAliasResponse(model=model_message(model))

    async def RecordTestResult(
        self, request: pb.RecordTestResultRequest, context: Any
    ) -> pb.RecordTestResultResponse:
        """TESTED or REJECTED."""
        version = await self._repository.record_test_result(
            _key(request),
            _author(request),
            passed=request.passed,
            metrics=dict(request.metrics),
            test_set=request.test_set,
            etag=request.etag,
        )
        return pb.RecordTestResultResponse(model_version=version_message(version))

    async def ApproveModelVersion(
        self, request: pb.ApproveModelVersionRequest, context: Any
    ) -> pb.ApproveModelVersionResponse:
        """APPROVED."""
        version = await self._repository.approve(_key(request), _author(request), etag=request.etag)
        return pb.ApproveModelVersionResponse(model_version=version_message(version))

    async def RejectModelVersion(
        self, request: pb.RejectModelVersionRequest, context: Any
    ) -> pb.RejectModelVersionResponse:
        """REJECTED."""
        version = await self._repository.reject(_key(request), _author(request), etag=request.etag)
        return pb.RejectModelVersionResponse(model_version=version_message(version))

    async def ArchiveModelVersion(
        self, request: pb.ArchiveModelVersionRequest, context: Any
    ) -> pb.ArchiveModelVersionResponse:
        """ARCHIVED."""
        version = await self._repository.archive(_key(request), _author(request), etag=request.etag)
        return pb.ArchiveModelVersionResponse(model_version=version_message(version))

    async def SetModelVersionLabels(
        self, request: pb.SetModelVersionLabelsRequest, context: Any
    ) -> pb.SetModelVersionLabelsResponse:
        """Other labels."""
        version = await self._repository.set_labels(
            _key(request), dict(request.labels), _author(request), etag=request.etag
        )
        return pb.SetModelVersionLabelsResponse(model_version=version_message(version))

    async def ListVersionHistory(
        self, request: pb.ListVersionHistoryRequest, context: Any
    ) -> pb.ListVersionHistoryResponse:
        """Changes, oldest first."""
        page = await self._repository.list_history(
            request.model_name,
            version=request.version,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListVersionHistoryResponse(
            entries=[entry_message(positioned.entry) for positioned in page.items],
            next_page_token=page.next_token,
        )

    async def WatchVersions(
        self, request: pb.WatchVersionsRequest, context: Any
    ) -> AsyncIterator[pb.WatchVersionsResponse]:
        """Changes as they happen."""
        after = await self._repository.watch_position(
            request.model_name, resume_after=request.resume_after
        )
        # Tells the client that what happens from here on will be on the stream.
        await context.send_initial_metadata(())
        async for positioned in self._repository.changes(request.model_name, after=after):
            yield watch_message(positioned)

    async def GetUploadProgress(
        self, request: pb.GetUploadProgressRequest, context: Any
    ) -> pb.GetUploadProgressResponse:
        """How much of an upload is there."""
        progress = await self._publisher.progress(
            request.request_id, manifest_from(request.manifest)
        )
        made = None if progress.version is None else version_message(progress.version)
        return pb.GetUploadProgressResponse(
            received_bytes=progress.received_bytes, model_version=made
        )

    async def SearchModelVersions(
        self, request: pb.SearchModelVersionsRequest, context: Any
    ) -> Any:
        """Versions that meet a filter, newest first."""
        page = await self._repository.search(
            filter_from(request.filter), page_size=request.page_size, page_token=request.page_token
        )
        rest = pb.SearchModelVersionsResponse(next_page_token=page.next_token)
        return self._messages.encoded(page.items) + rest.SerializeToString()

    async def GetLineage(
        self, request: pb.GetLineageRequest, context: Any
    ) -> pb.GetLineageResponse:
        """Ancestors and descendants."""
        lineage = await self._repository.lineage(_key(request))
        return pb.GetLineageResponse(
            ancestors=[version_message(version) for version in lineage.ancestors],
            descendants=[version_message(version) for version in lineage.descendants],
        )


def add_to_server(servicer: ModelRepositoryServicer, server: grpc.aio.Server) -> str:
    """The full name of the service, whose methods the server has from now on."""
    add_ModelRepositoryServiceServicer_to_server(servicer, server)
    # Again, with answers that are bytes already: those of a page of a thousand versions would only
    # be parsed into a message to be encoded again.
    server.add_registered_method_handlers(
        _SERVICE.full_name,
        {
            name: grpc.unary_unary_rpc_method_handler(
                getattr(servicer, name),
                request_deserializer=getattr(pb, f"{name}Request").FromString,
            )
            for name in _ENCODED
        },
    )
    return _SERVICE.full_name


def _key(request: Any) -> VersionKey:
    return VersionKey(request.model_name, request.version)


def _author(request: Any) -> Author:
    return Author(request.actor, request.reason)
