"""AnalyticsInfoService and ModelMonitorService over a real socket."""

import asyncio
import itertools

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from google.protobuf.duration_pb2 import Duration
from support.ran_events import PUBLISHED_AT_NS, START, decision, measurement, message

from aimlnf.nwdaf.v1 import analytics_info_service_pb2 as info_pb
from aimlnf.nwdaf.v1 import model_monitor_service_pb2 as monitor_pb
from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import AnalyticsInfoServiceStub
from aimlnf.nwdaf.v1.model_monitor_service_pb2_grpc import ModelMonitorServiceStub
from nf_runtime.errors import InvalidArgument, NotFound

TIMEOUT_S = 10.0


@pytest.fixture
def analytics(anlf: grpc.aio.Channel) -> AnalyticsInfoServiceStub:
    """A client of AnalyticsInfoService."""
    return AnalyticsInfoServiceStub(anlf)


@pytest.fixture
def monitor(anlf: grpc.aio.Channel) -> ModelMonitorServiceStub:
    """A client of ModelMonitorService."""
    return ModelMonitorServiceStub(anlf)


async def ask_until(
    stub: AnalyticsInfoServiceStub, offset_s: int, request: info_pb.GetAnalyticsRequest
) -> info_pb.GetAnalyticsResponse:
    """The answer, once the sample at `offset_s` has arrived."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                response = await stub.GetAnalytics(request)
            except NotFound:
                response = info_pb.GetAnalyticsResponse()
            if response.end_time.seconds == START.timestamp() + offset_s:
                return response
            await asyncio.sleep(0.02)


async def test_statistics_of_the_window_that_ends_at_the_latest_sample(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """One series for each beam and quantity, over the samples of the window only."""
    for offset_s in range(100):
        memory_broker.append(
            message(
                measurement(offset_s=offset_s, sinr_db=(float(offset_s), 1.0)),
                f"m-{offset_s}",
                offset_s=offset_s,
            )
        )

    response = await ask_until(
        analytics,
        99,
        info_pb.GetAnalyticsRequest(event="VS_NTN_BEAM_QUALITY", window=Duration(seconds=10)),
    )

    found = {(entry.beam_id, entry.quantity): entry for entry in response.series}
    assert set(found) == {
        (beam_id, quantity)
        for beam_id in ("1", "2")
        for quantity in ("sinr_db", "rain_db", "elevation_deg")
    }
    sinr = found["1", "sinr_db"]
    assert (sinr.minimum, sinr.mean, sinr.p50, sinr.maximum) == (89.0, 94.0, 94.0, 99.0)
    assert sinr.standard_deviation == pytest.approx(10**0.5)
    assert (response.end_time.seconds - response.start_time.seconds) == 10


async def test_beams_can_be_chosen(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """Doppler statistics of one beam only."""
    memory_broker.append(message(measurement(), "m-1"))

    response = await ask_until(
        analytics,
        0,
        info_pb.GetAnalyticsRequest(event="VS_NTN_DOPPLER_SINR_DROP", beam_ids=["2"]),
    )

    assert [(entry.beam_id, entry.quantity) for entry in response.series] == [
        ("2", "doppler_hz"),
        ("2", "elevation_deg"),
    ]


async def test_analytics_without_data_are_not_found(analytics: AnalyticsInfoServiceStub) -> None:
    """UNAVAILABLE_DATA where the standard answers 204."""
    with pytest.raises(NotFound) as raised:
        await analytics.GetAnalytics(info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY"))
    assert raised.value.reason == "UNAVAILABLE_DATA"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (info_pb.GetAnalyticsRequest(event="VS_NTN_EAVESDROPPER"), "event"),
        (info_pb.GetAnalyticsRequest(event="NF_LOAD"), "event"),
        (
            info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY", window=Duration(seconds=-1)),
            "window",
        ),
        (
            info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY", window=Duration(seconds=10**6)),
            "window",
        ),
    ],
)
async def test_unknown_events_and_windows_are_refused(
    analytics: AnalyticsInfoServiceStub, request_: info_pb.GetAnalyticsRequest, field: str
) -> None:
    """INVALID_FIELD names the field."""
    with pytest.raises(InvalidArgument) as raised:
        await analytics.GetAnalytics(request_)
    assert raised.value.metadata == {"field": field}


async def test_accuracy_is_streamed_after_each_decision(
    monitor: ModelMonitorServiceStub, memory_broker: MemoryBroker
) -> None:
    """Deviation, gain and reliability over the window, and the same from Get afterwards."""
    watch = monitor.WatchModelAccuracy(monitor_pb.WatchModelAccuracyRequest(model_name="gan-gdm"))

    # The stream shows only what comes after it was opened, so reports go on until it speaks.
    async def publish() -> None:
        for number in itertools.count():
            memory_broker.append(message(decision(decision_id=f"d-{number}"), f"r-{number}"))
            await asyncio.sleep(0.02)

    publishing = asyncio.create_task(publish())
    async with asyncio.timeout(TIMEOUT_S):
        first = (await watch.read()).accuracy
    publishing.cancel()
    async with asyncio.timeout(TIMEOUT_S):
        last = first
        while last.inference_num < len(memory_broker.records("inference.reports")):
            last = (await watch.read()).accuracy
    response = await monitor.GetModelAccuracy(
        monitor_pb.GetModelAccuracyRequest(model_name="gan-gdm")
    )

    assert (last.model_name, last.version) == ("gan-gdm", 1)
    assert last.deviation_percent == pytest.approx(10.0)
    assert (last.achieved_mean_bps_hz, last.gain_mean_bps_hz) == (10.0, 4.0)
    assert last.reliability_mean == pytest.approx(0.8)
    assert last.update_time.seconds == PUBLISHED_AT_NS // 10**9
    assert response.accuracy == last


async def test_version_0_is_the_one_that_decided_last(
    monitor: ModelMonitorServiceStub, memory_broker: MemoryBroker
) -> None:
    """The fallback's decisions and repeated reports count for no version."""
    for event_id, data in (
        ("r-1", decision(model_version=2)),
        ("r-2", decision(model_version=1, after_bps_hz=8.0)),
        ("r-2", decision(model_version=1, after_bps_hz=8.0)),
        ("r-3", decision(model_version=3, source="fallback")),
        ("r-4", decision(model_name="other")),
    ):
        memory_broker.append(message(data, event_id))
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                await monitor.GetModelAccuracy(
                    monitor_pb.GetModelAccuracyRequest(model_name="other")
                )
                break
            except NotFound:
                await asyncio.sleep(0.02)

    latest = await monitor.GetModelAccuracy(
        monitor_pb.GetModelAccuracyRequest(model_name="gan-gdm")
    )
    with pytest.raises(NotFound) as raised:
        await monitor.GetModelAccuracy(
            monitor_pb.GetModelAccuracyRequest(model_name="gan-gdm", version=3)
        )

    assert (latest.accuracy.version, latest.accuracy.inference_num) == (1, 1)
    assert raised.value.reason == "UNAVAILABLE_DATA"
