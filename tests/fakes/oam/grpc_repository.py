# ruff: noqa: N802, D102 - gRPC names the methods, the proto file describes them
"""A model repository that keeps its rules and remembers what was done to it."""

from typing import Any

from fakes.oam.refusals import Refusals

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceServicer
from nf_runtime.errors import FailedPrecondition, NotFound

REGISTERED = model_pb2.MODEL_VERSION_STATE_REGISTERED
TESTED = model_pb2.MODEL_VERSION_STATE_TESTED
APPROVED = model_pb2.MODEL_VERSION_STATE_APPROVED
REJECTED = model_pb2.MODEL_VERSION_STATE_REJECTED


class FakeRepository(ModelRepositoryServiceServicer):
    """One model. `effects` lists every change, in order; a repeated call counts again.

    `refusals` maps a method's name to the error that it answers with from now on;
    `refused_aliases` may not be moved.
    """

    def __init__(self, model_name: str = "gan-gdm") -> None:
        self.model_name = model_name
        self.states: dict[int, int] = {}
        self.aliases: dict[str, int] = {}
        self.test_metrics: dict[str, float] = {}
        self.kpis: dict[int, dict[str, float]] = {}
        self.effects: list[str] = []
        self.refusals = Refusals()
        self.refused_aliases: set[str] = set()
        self.groups: list[model_pb2.CoordinationGroup] = []

    def publish(self, *, state: int = REGISTERED, aliases: tuple[str, ...] = ()) -> int:
        """The number of a new version."""
        version = len(self.states) + 1
        self.states[version] = state
        self.aliases |= dict.fromkeys(aliases, version)
        return version

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        self._check("GetModel", request.model_name)
        return pb.GetModelResponse(model=self._model())

    async def GetModelVersion(
        self, request: pb.GetModelVersionRequest, context: Any
    ) -> pb.GetModelVersionResponse:
        self._check("GetModelVersion", request.model_name)
        return pb.GetModelVersionResponse(model_version=self._version(request.version))

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        self.refusals.check("ListModels")
        return pb.ListModelsResponse(models=[self._model()] if self.states else [])

    async def ListModelVersions(
        self, request: pb.ListModelVersionsRequest, context: Any
    ) -> pb.ListModelVersionsResponse:
        self._check("ListModelVersions", request.model_name)
        return pb.ListModelVersionsResponse(
            model_versions=[self._version(version) for version in reversed(self.states)]
        )

    async def ListCoordinationGroups(
        self, request: pb.ListCoordinationGroupsRequest, context: Any
    ) -> pb.ListCoordinationGroupsResponse:
        self.refusals.check("ListCoordinationGroups")
        return pb.ListCoordinationGroupsResponse(groups=self.groups)

    async def RecordTestResult(
        self, request: pb.RecordTestResultRequest, context: Any
    ) -> pb.RecordTestResultResponse:
        self._check("RecordTestResult", request.model_name)
        self._move(
            request.version,
            TESTED if request.passed else REJECTED,
            allowed=(REGISTERED, TESTED, REJECTED),
        )
        self.test_metrics = dict(request.metrics)
        self.kpis[request.version] = dict(request.metrics)
        return pb.RecordTestResultResponse(model_version=self._version(request.version))

    async def ApproveModelVersion(
        self, request: pb.ApproveModelVersionRequest, context: Any
    ) -> pb.ApproveModelVersionResponse:
        self._check("ApproveModelVersion", request.model_name)
        self._move(request.version, APPROVED, allowed=(TESTED,))
        return pb.ApproveModelVersionResponse(model_version=self._version(request.version))

    async def RejectModelVersion(
        self, request: pb.RejectModelVersionRequest, context: Any
    ) -> pb.RejectModelVersionResponse:
        self._check("RejectModelVersion", request.model_name)
        if self.aliases.get("champion") == request.version:
            raise FailedPrecondition("it is the champion", reason="STATE_FORBIDS")
        self._move(request.version, REJECTED, allowed=(REGISTERED, TESTED, APPROVED))
        return pb.RejectModelVersionResponse(model_version=self._version(request.version))

    async def SetAlias(self, request: pb.SetAliasRequest, context: Any) -> pb.SetAliasResponse:
        self._check("SetAlias", request.model_name)
        if request.alias in self.refused_aliases:
            raise FailedPrecondition("it may not be moved", reason="STATE_FORBIDS")
        if request.alias == "champion":
            if self.states[request.version] != APPROVED:
                raise FailedPrecondition("it is not approved", reason="MODEL_NOT_APPROVED")
            if "champion" in self.aliases:
                self.aliases["previous"] = self.aliases["champion"]
        self.aliases[request.alias] = request.version
        self.effects.append(f"{request.alias} {request.version}")
        return pb.SetAliasResponse(model=self._model())

    def _check(self, method: str, model_name: str) -> None:
        self.refusals.check(method)
        if model_name != self.model_name or not self.states:
            raise NotFound(f"no model {model_name}", reason="RESOURCE_NOT_FOUND")

    def _move(self, version: int, state: int, *, allowed: tuple[int, ...]) -> None:
        if self.states[version] not in allowed:
            raise FailedPrecondition("its state does not allow that", reason="STATE_FORBIDS")
        self.states[version] = state
        name = model_pb2.ModelVersionState.Name(state).removeprefix("MODEL_VERSION_STATE_")
        self.effects.append(f"{name} {version}")

    def _model(self) -> model_pb2.Model:
        return model_pb2.Model(
            model_name=self.model_name, latest_version=len(self.states), aliases=self.aliases
        )

    def _version(self, version: int) -> model_pb2.ModelVersion:
        if version not in self.states:
            raise NotFound(f"no version {version}", reason="RESOURCE_NOT_FOUND")
        return model_pb2.ModelVersion(
            model_name=self.model_name,
            version=version,
            state=model_pb2.ModelVersionState.Name(self.states[version]),
            distinguished_name=f"SubNetwork=aimlnf,MLModelRepository=mms,MLModel={version}",
            kpis=self.kpis.get(version, {}),
        )
