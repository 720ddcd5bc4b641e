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

    `refusals` maps a method's name to the error that it answers with from now on.
    """

    def __init__(self, repository: FakeRepository) -> None:
        self.repository = repository
        self.loaded: set[int] = set()
        self.active = 0
        self.effects: list[str] = []
        self.refusals = Refusals()

    def restart(self) -> None:
        """Only what is active is loaded again."""
        self.loaded &= {self.active}

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
            self.effects.append(f"activate {request.version}")
        return pb.ActivateResponse(model=self._model(request.version))

    async def Deactivate(
        self, request: pb.DeactivateRequest, context: Any
    ) -> pb.DeactivateResponse:
        self.refusals.check("Deactivate")
        self.active = 0
        self.effects.append("deactivate")
        return pb.DeactivateResponse()

    def _model(self, version: int) -> inference_pb2.LoadedModel:
        return inference_pb2.LoadedModel(
            model_name=self.repository.model_name,
            version=version,
            engine="ENGINE_ONNXRUNTIME",
            engine_version="1.20",
            load_time=Duration(nanos=250_000_000),
        )
