"""What the model repository has, over gRPC."""

from collections.abc import Sequence

import grpc

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from oam.nrm.ports import ModelGroup, ModelVersion

_PAGE = 1000


class GrpcCatalogue:
    """`oam.nrm.ports.Catalogue` over gRPC.

    Args:
        channel: To it.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ModelRepositoryServiceStub(channel)

    async def version(self, model_name: str, version: int) -> ModelVersion:
        """One version. Raises NotFound."""
        model = (await self._stub.GetModel(pb.GetModelRequest(model_name=model_name))).model
        request = pb.GetModelVersionRequest(model_name=model_name, version=version)
        return _version((await self._stub.GetModelVersion(request)).model_version, model)

    async def versions(self) -> Sequence[ModelVersion]:
        """Every version."""
        found, token = list[ModelVersion](), ""
        while True:
            response = await self._stub.ListModels(
                pb.ListModelsRequest(page_size=_PAGE, page_token=token)
            )
            for model in response.models:
                found += await self._versions_of(model)
            token = response.next_page_token
            if not token:
                return found

    async def groups(self) -> Sequence[ModelGroup]:
        """Every coordination group; of more than 1,000, the first ones."""
        response = await self._stub.ListCoordinationGroups(
            pb.ListCoordinationGroupsRequest(page_size=_PAGE)
        )
        return [
            ModelGroup(
                group.distinguished_name,
                tuple((member.model_name, member.version) for member in group.members),
            )
            for group in response.groups
        ]

    async def _versions_of(self, model: model_pb2.Model) -> list[ModelVersion]:
        found, token = list[ModelVersion](), ""
        while True:
            response = await self._stub.ListModelVersions(
                pb.ListModelVersionsRequest(
                    model_name=model.model_name, page_size=_PAGE, page_token=token
                )
            )
            found += [_version(each, model) for each in response.model_versions]
            token = response.next_page_token
            if not token:
                return sorted(found, key=lambda each: each.version)


def _version(version: model_pb2.ModelVersion, model: model_pb2.Model) -> ModelVersion:
    state = model_pb2.ModelVersionState.Name(version.state)
    return ModelVersion(
        distinguished_name=version.distinguished_name,
        model_name=version.model_name,
        version=version.version,
        inference_name=model.aiml_inference_name,
        source_version=version.manifest.source_version,
        state=state.removeprefix("MODEL_VERSION_STATE_"),
        kpis=dict(version.kpis),
    )
