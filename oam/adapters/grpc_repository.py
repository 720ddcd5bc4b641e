"""The model repository over gRPC."""

from collections.abc import Mapping

import grpc

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from nf_runtime.errors import NotFound
from oam.adaptation_events import ModelReference
from oam.ports import PublishedVersion, VersionState


class GrpcModelRepository:
    """`oam.ports.ModelRepository` over gRPC.

    Args:
        channel: To it.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ModelRepositoryServiceStub(channel)

    async def aliases(self, model_name: str) -> Mapping[str, int]:
        """Alias to version; empty for a model that does not exist."""
        try:
            response = await self._stub.GetModel(pb.GetModelRequest(model_name=model_name))
        except NotFound:
            return {}
        return dict(response.model.aliases)

    async def version(self, model_name: str, version: int) -> PublishedVersion:
        """One version."""
        response = await self._stub.GetModelVersion(
            pb.GetModelVersionRequest(model_name=model_name, version=version)
        )
        found = response.model_version
        state = model_pb2.ModelVersionState.Name(found.state)
        return PublishedVersion(
            ModelReference(found.version, found.distinguished_name),
            VersionState(state.removeprefix("MODEL_VERSION_STATE_")),
            dict(found.kpis),
        )

    async def record_test(
        self,
        model_name: str,
        version: int,
        *,
        passed: bool,
        metrics: Mapping[str, float],
        actor: str,
        reason: str,
    ) -> None:
        """Make the version TESTED or REJECTED."""
        await self._stub.RecordTestResult(
            pb.RecordTestResultRequest(
                model_name=model_name,
                version=version,
                passed=passed,
                metrics=metrics,
                actor=actor,
                reason=reason,
            )
        )

    async def approve(self, model_name: str, version: int, *, actor: str, reason: str) -> None:
        """Make a TESTED version APPROVED."""
        await self._stub.ApproveModelVersion(
            pb.ApproveModelVersionRequest(
                model_name=model_name, version=version, actor=actor, reason=reason
            )
        )

    async def reject(self, model_name: str, version: int, *, actor: str, reason: str) -> None:
        """Make the version REJECTED."""
        await self._stub.RejectModelVersion(
            pb.RejectModelVersionRequest(
                model_name=model_name, version=version, actor=actor, reason=reason
            )
        )

    async def set_alias(
        self, model_name: str, alias: str, version: int, *, actor: str, reason: str
    ) -> Mapping[str, int]:
        """Point the alias to the version; all aliases after that."""
        response = await self._stub.SetAlias(
            pb.SetAliasRequest(
                model_name=model_name, alias=alias, version=version, actor=actor, reason=reason
            )
        )
        return dict(response.model.aliases)
