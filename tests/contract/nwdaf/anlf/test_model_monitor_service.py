"""ModelMonitorService over a real socket."""

import asyncio
import itertools

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from support.ran_events import PUBLISHED_AT_NS, decision, message

from aimlnf.nwdaf.v1 import model_monitor_service_pb2 as monitor_pb
from aimlnf.nwdaf.v1.model_monitor_service_pb2_grpc import ModelMonitorServiceStub
from nf_runtime.errors import NotFound

TIMEOUT_S = 10.0


@pytest.fixture
def monitor(anlf: grpc.aio.Channel) -> ModelMonitorServiceStub:
    """A client of ModelMonitorService."""
    return ModelMonitorServiceStub(anlf)


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
