# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""AnalyticsInfoService: messages in, messages out."""

from datetime import datetime, timedelta
from typing import Any, Literal

from aimlnf.nwdaf.v1 import analytics_info_service_pb2 as pb
from aimlnf.nwdaf.v1 import analytics_info_service_pb2_grpc as pb_grpc
from nf_runtime.clock import Clock
from nwdaf.anlf.analysing import Analysing
from nwdaf.anlf.analytics import (
    NF_LOAD,
    AnalyticsMetadata,
    AnalyticsPoint,
    AnalyticsSeries,
)
from nwdaf.anlf.analytics_requests import AnalyticsRequest, common_features
from nwdaf.message_fields import length_of, time_of, timestamp_of

_ALL_PERCENT = 100


class AnalyticsInfoServicer(pb_grpc.AnalyticsInfoServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/analytics_info_service.proto`."""

    def __init__(self, analysing: Analysing, *, clock: Clock) -> None:
        self._analysing = analysing
        self._clock = clock

    async def GetAnalytics(
        self, request: pb.GetAnalyticsRequest, context: Any
    ) -> pb.GetAnalyticsResponse:
        """Nnwdaf_AnalyticsInfo_Request."""
        analytics = await self._analysing.analytics(_request(request))
        return pb.GetAnalyticsResponse(
            start_time=timestamp_of(analytics.start_time),
            end_time=timestamp_of(analytics.end_time),
            series=[_series(series, event=request.event) for series in analytics.series],
            kind=pb.AnalyticsKind.Value(f"ANALYTICS_KIND_{analytics.kind}"),
            time_stamp_gen=timestamp_of(self._clock.now()),
            ana_meta_info=_metadata(analytics.metadata),
            supported_features=common_features(request.supported_features),
        )


def _request(message: pb.GetAnalyticsRequest) -> AnalyticsRequest:
    def length(name: Literal["window", "offset_period"]) -> timedelta | None:
        return length_of(getattr(message, name), name) if message.HasField(name) else None

    def time(name: Literal["start_ts", "end_ts", "time_ana_needed"]) -> datetime | None:
        return time_of(getattr(message, name), name) if message.HasField(name) else None

    subjects = message.nf_instance_ids if message.event == NF_LOAD else message.beam_ids
    return AnalyticsRequest(
        event=message.event,
        subjects=frozenset(subjects),
        window=length("window"),
        start=time("start_ts"),
        end=time("end_ts"),
        offset_period=length("offset_period"),
        samp_ratio=message.samp_ratio or _ALL_PERCENT,
        max_objects=message.max_object_nbr,
        needed_until=time("time_ana_needed"),
        supported_features=message.supported_features,
    )


def _series(series: AnalyticsSeries, *, event: str) -> pb.AnalyticsSeries:
    return pb.AnalyticsSeries(
        beam_id="" if event == NF_LOAD else series.subject,
        nf_instance_id=series.subject if event == NF_LOAD else "",
        quantity=series.quantity,
        num_samples=series.num_samples,
        mean=series.mean,
        standard_deviation=series.standard_deviation,
        minimum=series.minimum,
        p5=series.p5,
        p50=series.p50,
        p95=series.p95,
        maximum=series.maximum,
        confidence=series.confidence,
        points=map(_point, series.points),
    )


def _point(point: AnalyticsPoint) -> pb.AnalyticsPoint:
    return pb.AnalyticsPoint(
        time=timestamp_of(point.time), value=point.value, p5=point.p5, p95=point.p95
    )


def _metadata(metadata: AnalyticsMetadata) -> pb.AnalyticsMetadata:
    accuracy = metadata.accuracy or "UNSPECIFIED"
    return pb.AnalyticsMetadata(
        num_samples=metadata.num_samples,
        data_window_start=timestamp_of(metadata.data_start),
        data_window_end=timestamp_of(metadata.data_end),
        strategy=pb.AnalyticsStrategy.Value(f"ANALYTICS_STRATEGY_{metadata.strategy}"),
        accuracy=pb.Accuracy.Value(f"ACCURACY_{accuracy}"),
        skill_against_persistence=metadata.skill,
    )
