"""The AnLF over gRPC."""

import math
from collections.abc import Sequence

import grpc
from google.protobuf import duration_pb2

from aimlnf.nwdaf.v1 import analytics_info_service_pb2 as pb
from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import AnalyticsInfoServiceStub
from oam.training_orders import RainStatistics

_EVENT = "VS_NTN_BEAM_QUALITY"
_QUANTITY = "rain_db"


class GrpcAnalytics:
    """`oam.ports.Analytics` over gRPC.

    Args:
        channel: To it.
        window_s: Length of the window that ends at the latest sample, in simulated seconds.
    """

    def __init__(self, channel: grpc.aio.Channel, *, window_s: float) -> None:
        self._stub = AnalyticsInfoServiceStub(channel)
        self._window = duration_pb2.Duration()
        self._window.FromNanoseconds(round(window_s * 1e9))

    async def rain(self) -> Sequence[RainStatistics]:
        """Zenith rain attenuation of each beam over the window."""
        response = await self._stub.GetAnalytics(
            pb.GetAnalyticsRequest(event=_EVENT, window=self._window)
        )
        return [
            RainStatistics(
                num_samples=series.num_samples,
                mean_db=series.mean,
                standard_deviation_db=series.standard_deviation,
            )
            for series in response.series
            if series.quantity == _QUANTITY
            and math.isfinite(series.mean)
            and math.isfinite(series.standard_deviation)
        ]
