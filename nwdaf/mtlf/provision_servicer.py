# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""ModelProvisionService: messages in, messages out."""

from collections.abc import AsyncIterator
from typing import Any

from aimlnf.nwdaf.v1 import model_provision_service_pb2 as pb
from aimlnf.nwdaf.v1 import model_provision_service_pb2_grpc as pb_grpc
from nwdaf.message_fields import checked_id, invalid_field, timestamp_of
from nwdaf.mtlf.ports import ProvisionedModel
from nwdaf.mtlf.provision import Provision


class ModelProvisionServicer(pb_grpc.ModelProvisionServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/model_provision_service.proto`."""

    def __init__(self, provision: Provision, *, repository_address: str) -> None:
        self._provision = provision
        self._repository_address = repository_address

    async def GetProvisionedModel(
        self, request: pb.GetProvisionedModelRequest, context: Any
    ) -> pb.GetProvisionedModelResponse:
        """The latest approved version of a model."""
        if not request.model_name:
            raise invalid_field("is empty; name the model", "model_name")
        model = await self._provision.provisioned(checked_id(request.model_name, "model_name"))
        return pb.GetProvisionedModelResponse(model=self._message(model))

    async def WatchProvisionedModels(
        self, request: pb.WatchProvisionedModelsRequest, context: Any
    ) -> AsyncIterator[pb.WatchProvisionedModelsResponse]:
        """The latest approved version, then each new one."""
        name = checked_id(request.model_name, "model_name")
        async for model in self._provision.watch(name):
            yield pb.WatchProvisionedModelsResponse(model=self._message(model))

    def _message(self, model: ProvisionedModel) -> pb.ProvisionedModel:
        return pb.ProvisionedModel(
            model_unique_id=model.model_unique_id,
            model_name=model.model_name,
            version=model.version,
            repository_address=self._repository_address,
            approve_time=timestamp_of(model.approve_time),
        )
