# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""ModelMonitorService: messages in, messages out."""

from collections.abc import AsyncIterator
from typing import Any

from aimlnf.nwdaf.v1 import model_monitor_service_pb2 as monitor_pb
from aimlnf.nwdaf.v1 import model_monitor_service_pb2_grpc as monitor_grpc
from nwdaf.anlf.accuracy import ModelAccuracy
from nwdaf.anlf.monitoring import Monitoring
from nwdaf.message_fields import checked_id, invalid_field, timestamp_of


class ModelMonitorServicer(monitor_grpc.ModelMonitorServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/model_monitor_service.proto`."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring

    async def GetModelAccuracy(
        self, request: monitor_pb.GetModelAccuracyRequest, context: Any
    ) -> monitor_pb.GetModelAccuracyResponse:
        """Accuracy of one version over its recent decisions."""
        if request.version < 0:
            raise invalid_field("is negative; 0 names the one that decided last", "version")
        accuracy = await self._monitoring.accuracy(
            checked_id(request.model_name, "model_name"), request.version
        )
        return monitor_pb.GetModelAccuracyResponse(accuracy=_message(accuracy))

    async def WatchModelAccuracy(
        self, request: monitor_pb.WatchModelAccuracyRequest, context: Any
    ) -> AsyncIterator[monitor_pb.WatchModelAccuracyResponse]:
        """Accuracy each time a decision was reported."""
        async for accuracy in self._monitoring.watch(request.model_name):
            yield monitor_pb.WatchModelAccuracyResponse(accuracy=_message(accuracy))


def _message(accuracy: ModelAccuracy) -> monitor_pb.ModelAccuracy:
    return monitor_pb.ModelAccuracy(
        model_name=accuracy.model_name,
        version=accuracy.version,
        inference_num=accuracy.inference_num,
        deviation_percent=accuracy.deviation_percent,
        achieved_mean_bps_hz=accuracy.achieved_mean_bps_hz,
        gain_mean_bps_hz=accuracy.gain_mean_bps_hz,
        reliability_mean=accuracy.reliability_mean,
        update_time=timestamp_of(accuracy.update_time),
    )
