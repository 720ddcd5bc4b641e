# ruff: noqa: N802, D102 - gRPC names the methods, the proto file describes them
"""An inference function that forgets what it had loaded when it restarts."""

from typing import Any

from fakes.oam.grpc_repository import APPROVED, FakeRepository
from fakes.oam.refusals import Refusals
from google.protobuf.duration_pb2 import Duration

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import (
    InferenceFunctionServiceServicer,
)
from nf_runtime.errors import FailedPrecondition, NotFound


class FakeInference(InferenceFunctionServiceServicer):
    """`effects` lists what changed; a call that finds things as asked for changes nothing.

    `refusals` maps a method's name to the error that it answers with from now on; `compared` is
    what comes of a comparison at the first look at it.
    """

    def __init__(self, repository: FakeRepository) -> None:
        self.repository = repository
        self.loaded: set[int] = set()
        self.active = 0
        self.effects: list[str] = []
        self.refusals = Refusals()
        self.shadow: inference_pb2.Shadow | None = None
        self.compared = inference_pb2.Shadow(
            compared_count=20,
            better_count=12,
            active_mean_rate_bps_hz=10.0,
            candidate_mean_rate_bps_hz=10.4,
        )

    def restart(self) -> None:
        """Only what is active is loaded again."""
        self.loaded &= {self.active}
        self.shadow = None

    async def LoadModel(self, request: pb.LoadModelRequest, context: Any) -> pb.LoadModelResponse:
        self.refusals.check("LoadModel")
        if self.repository.states[request.version] != APPROVED:
            raise FailedPrecondition("it is not approved", reason="MODEL_NOT_APPROVED")
        if request.version not in self.loaded:
            self.loaded.add(request.version)
            self.effects.append(f"load {request.version}")
        return pb.LoadModelResponse(model=self._model(request.version))

    async def Activate(self, request: pb.ActivateRequest, context: Any) -> pb.ActivateResponse:
        self.refusals.check("Activate")
        if request.version not in self.loaded:
            raise NotFound("it is not loaded", reason="RESOURCE_NOT_FOUND")
        if self.active != request.version:
            self.active = request.version
            self.shadow = None
            self.effects.append(f"activate {request.version}")
        return pb.ActivateResponse(model=self._model(request.version))

    async def Deactivate(
        self, request: pb.DeactivateRequest, context: Any
    ) -> pb.DeactivateResponse:
        self.refusals.check("Deactivate")
        self.active = 0
        self.effects.append("deactivate")
        return pb.DeactivateResponse()

    async def StartShadow(
        self, request: pb.StartShadowRequest, context: Any
    ) -> pb.StartShadowResponse:
        self.refusals.check("StartShadow")
        if request.version not in self.loaded:
            raise NotFound("it is not loaded", reason="RESOURCE_NOT_FOUND")
        self.effects.append(f"compare {request.version}")
        self.shadow = inference_pb2.Shadow(model_name=request.model_name, version=request.version)
        return pb.StartShadowResponse(shadow=self.shadow)

    async def StopShadow(
        self, request: pb.StopShadowRequest, context: Any
    ) -> pb.StopShadowResponse:
        self.refusals.check("StopShadow")
        if self.shadow is not None:
            self.effects.append(f"compare {self.shadow.version} no more")
        self.shadow = None
        return pb.StopShadowResponse()

    async def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> pb.GetStatusResponse:
        self.refusals.check("GetStatus")
        if self.shadow is not None:
            self.shadow.MergeFrom(self.compared)
        return pb.GetStatusResponse(shadow=self.shadow)

    def _model(self, version: int) -> inference_pb2.LoadedModel:
        return inference_pb2.LoadedModel(
            model_name=self.repository.model_name,
            version=version,
            engine="ENGINE_ONNXRUNTIME",
            engine_version="1.20",
            load_time=Duration(nanos=250_000_000),
        )
