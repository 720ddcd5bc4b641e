"""ModelMonitorService over a real socket."""

import asyncio
import itertools
from typing import Any

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from support.ran_events import PUBLISHED_AT_NS, decision, message

from aimlnf.nwdaf.v1 import model_monitor_service_pb2 as monitor_pb
from aimlnf.nwdaf.v1.model_monitor_service_pb2_grpc import ModelMonitorServiceStub
from nf_runtime.errors import AlreadyExists, NotFound

TIMEOUT_S = 60.0


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


def use(**changes: Any) -> monitor_pb.ModelUse:
    """Version 1 stands under model id 101."""
    fields = {"model_unique_id": 101, "model_name": "gan-gdm", "version": 1, "consumer_nf_id": "x"}
    return monitor_pb.ModelUse(**{**fields, **changes})


async def register(stub: Any, **changes: Any) -> monitor_pb.ModelUse:
    """The registration."""
    response = await stub.RegisterModelUse(
        monitor_pb.RegisterModelUseRequest(model_use=use(**changes))
    )
    made: monitor_pb.ModelUse = response.model_use
    return made


async def subscribe(stub: Any, **fields: Any) -> str:
    """The id of a subscription."""
    response = await stub.CreateMonitorSubscription(
        monitor_pb.CreateMonitorSubscriptionRequest(
            subscription=monitor_pb.MonitorSubscription(**fields)
        )
    )
    subscription_id: str = response.subscription.subscription_id
    return subscription_id


async def told(call: Any) -> monitor_pb.MonitorNotification:
    """The next notification of a stream."""
    async with asyncio.timeout(TIMEOUT_S):
        notification: monitor_pb.MonitorNotification = (await call.read()).notification
        return notification


async def test_registrations_are_kept_until_they_are_withdrawn(
    monitor: ModelMonitorServiceStub,
) -> None:
    """The same again is the same; an id stands for one version only."""
    first, again = await register(monitor), await register(monitor)
    other = await register(monitor, consumer_nf_id="y")
    with pytest.raises(AlreadyExists):
        await register(monitor, version=2)
    with pytest.raises(AlreadyExists):
        await register(monitor, model_unique_id=102)
    listed = await monitor.ListModelUses(monitor_pb.ListModelUsesRequest())
    withdrawal = monitor_pb.DeregisterModelUseRequest(registration_id=first.registration_id)
    await monitor.DeregisterModelUse(withdrawal)
    with pytest.raises(NotFound):
        await monitor.DeregisterModelUse(withdrawal)
    assert first == again
    assert list(listed.model_uses) == [first, other]


async def test_subscribers_are_told_the_accuracy_of_registered_models(
    monitor: ModelMonitorServiceStub, memory_broker: MemoryBroker
) -> None:
    """With the feedback on what was acted upon; unregistered versions are not told."""
    with pytest.raises(NotFound):
        await subscribe(monitor, model_ids=[101])
    await register(monitor)
    memory_broker.append(message(decision(decision_id="d-0"), "r-0"))
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                await monitor.GetModelAccuracy(
                    monitor_pb.GetModelAccuracyRequest(model_name="gan-gdm")
                )
                break
            except NotFound:
                await asyncio.sleep(0.02)
    subscription_id = await subscribe(
        monitor, model_ids=[101], imm_reports=True, notif_corr_id="mine"
    )
    call = monitor.WatchMonitorNotifications(
        monitor_pb.WatchMonitorNotificationsRequest(subscription_id=subscription_id)
    )
    known = await told(call)
    memory_broker.append(message(decision(decision_id="d-1", model_version=9), "r-1"))
    memory_broker.append(message(decision(decision_id="d-2"), "r-2"))
    report = await told(call)

    assert (known.notif_corr_id, len(known.ana_feedbacks)) == ("mine", 0)
    (before,), (after,) = known.model_accu_infos, report.model_accu_infos
    assert (before.model_id, before.inference_num) == (101, 1)
    assert (after.model_id, after.inference_num) == (101, 2)
    assert after.deviation == pytest.approx(10.0)
    assert after.model_metric == "SUM_SECRECY_RATE_BPS_HZ"
    (feedback,) = report.ana_feedbacks
    assert list(feedback.events) == ["VS_NTN_DOPPLER_SINR_DROP"]
    assert list(feedback.model_ids) == [101]
    assert feedback.ground_data_impact_ind
    assert feedback.time_stamp.seconds == PUBLISHED_AT_NS // 10**9


async def test_a_monitor_subscription_is_replaced_and_deleted(
    monitor: ModelMonitorServiceStub, memory_broker: MemoryBroker
) -> None:
    """Its stream goes on with the new content, and ends with NOT_FOUND."""
    await register(monitor)
    subscription_id = await subscribe(monitor, accu_threshold=50.0)
    call = monitor.WatchMonitorNotifications(
        monitor_pb.WatchMonitorNotificationsRequest(subscription_id=subscription_id)
    )
    reading = asyncio.ensure_future(told(call))
    changed = monitor_pb.MonitorSubscription(
        subscription_id=subscription_id, accu_threshold=5.0, imm_reports=True
    )
    await monitor.UpdateMonitorSubscription(
        monitor_pb.UpdateMonitorSubscriptionRequest(subscription=changed)
    )
    memory_broker.append(message(decision(), "r-1"))
    assert (await reading).model_accu_infos[0].model_id == 101
    deletion = monitor_pb.DeleteMonitorSubscriptionRequest(subscription_id=subscription_id)
    await monitor.DeleteMonitorSubscription(deletion)
    with pytest.raises(NotFound):
        await call.read()
    with pytest.raises(NotFound):
        await monitor.DeleteMonitorSubscription(deletion)
