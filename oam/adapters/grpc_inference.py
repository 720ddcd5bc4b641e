"""The inference function over gRPC."""

import grpc

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import (
    InferenceFunctionServiceStub,
)
from oam.canary import Comparison
from oam.ports import LoadReport


class GrpcInferenceFunction:
    """`oam.ports.InferenceFunction` over gRPC.

    Args:
        channel: To it.
        load_deadline_s: How long loading may take; a compiled engine takes minutes.
    """

    def __init__(self, channel: grpc.aio.Channel, *, load_deadline_s: float) -> None:
        self._stub = InferenceFunctionServiceStub(channel)
        self._load_deadline_s = load_deadline_s

    async def load(self, model_name: str, version: int) -> LoadReport:
        """Have the version ready; what is active stays active."""
        response = await self._stub.LoadModel(
            pb.LoadModelRequest(model_name=model_name, version=version),
            timeout=self._load_deadline_s,
        )
        model = response.model
        engine = inference_pb2.Engine.Name(model.engine).removeprefix("ENGINE_").lower()
        return LoadReport(
            engine=f"{engine} {model.engine_version}".strip(),
            load_s=model.load_time.ToNanoseconds() / 1e9,
        )

    async def activate(self, model_name: str, version: int) -> None:
        """Make a loaded version the one that decides."""
        await self._stub.Activate(pb.ActivateRequest(model_name=model_name, version=version))

    async def deactivate(self) -> None:
        """Let no model decide."""
        await self._stub.Deactivate(pb.DeactivateRequest())

    async def compare(self, model_name: str, version: int, share: float) -> Comparison:
        """Have a loaded version decide beside the active one; what was compared so far."""
        status = await self._stub.GetStatus(pb.GetStatusRequest())
        shadow = status.shadow
        wanted = (model_name, version)
        if not status.HasField("shadow") or (shadow.model_name, shadow.version) != wanted:
            request = pb.StartShadowRequest(model_name=model_name, version=version, share=share)
            shadow = (await self._stub.StartShadow(request)).shadow
        return Comparison(
            compared_count=shadow.compared_count,
            better_count=shadow.better_count,
            failed_count=shadow.failed_count,
            champion_rate_bps_hz=shadow.active_mean_rate_bps_hz,
            candidate_rate_bps_hz=shadow.candidate_mean_rate_bps_hz,
        )

    async def stop_comparing(self) -> None:
        """End the comparison, if there is one."""
        await self._stub.StopShadow(pb.StopShadowRequest())
