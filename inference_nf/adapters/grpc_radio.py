"""The radio access network over gRPC."""

import grpc

from aimlnf.ransim.v1 import radio_service_pb2, radio_service_pb2_grpc
from inference_nf.answers import Outcome
from inference_nf.decisions import RadioSnapshot
from inference_nf.messages import snapshot_from_message
from nf_runtime.clock import NANOSECONDS_PER_S
from nf_runtime.wire import allocation_to_message
from radio_math.context import Allocation


class GrpcRadio:
    """Asks for the estimate and puts decisions in force."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = radio_service_pb2_grpc.RadioServiceStub(channel)

    async def snapshot(self, trigger_id: str) -> RadioSnapshot:
        """The current estimate.

        Raises:
            FailedPrecondition: NO_RUN or SATELLITE_NOT_VISIBLE.
            InvalidArgument: The estimate makes no sense.
            Unavailable: It does not answer.
        """
        response = await self._stub.GetRadioContext(
            radio_service_pb2.GetRadioContextRequest(trigger_id=trigger_id)
        )
        return snapshot_from_message(response.context)

    async def apply(
        self, allocation: Allocation, *, decision_id: str, context_id: str, trigger_id: str
    ) -> Outcome:
        """What the decision achieved; the same for a `decision_id` that was applied before."""
        response = await self._stub.ApplyDecision(
            radio_service_pb2.ApplyDecisionRequest(
                decision_id=decision_id,
                context_id=context_id,
                trigger_id=trigger_id,
                allocation=allocation_to_message(allocation),
            )
        )
        outcome = response.outcome
        return Outcome(
            run_id=outcome.run_id,
            context_id=outcome.context_id,
            sim_offset_s=outcome.sim_offset.ToNanoseconds() / NANOSECONDS_PER_S,
            before_bps_hz=outcome.before_bps_hz,
            after_bps_hz=outcome.after_bps_hz,
        )
