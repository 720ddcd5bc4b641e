"""Reports of decisions come in over the broker; rules answer, steps and alarms go out."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import TypeVar

import msgspec
import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.peers import FakePeers
from support.nrm_consumer import ELEMENT, Consumer, model
from support.oam_client import (
    MODEL,
    adaptation_in,
    finished,
    kinds,
    lifecycle,
    steps_of,
    watch_until,
)
from support.ran_events import decision, message
from support.running_nf import running
from support.waiting import until

from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from aimlnf.oam.v1.provisioning_service_pb2_grpc import ProvisioningServiceStub
from nf_runtime.errors import Unavailable
from nf_runtime.events.catalogue import (
    INFERENCE_REPORTS,
    OAM_EVENTS,
    Alarm,
    EventData,
    LifecycleStep,
)
from nf_runtime.events.cloud_event import Message, decode
from oam.app import serve
from oam.audit import verify
from oam.config import OamSettings
from oam.messages import step_from_message

TRAIN = pb.TrainRequest(model_name=MODEL, actor="ada", reason="the first one")
T = TypeVar("T", bound=EventData)

RETRAIN = pb.RetrainRequest(model_name=MODEL, actor="ada", reason="rain has set in")
ACTIVATING = lifecycle_pb2.ADAPTATION_STATE_ACTIVATING


class Decisions:
    """Publishes reports of decisions, each with an identity of its own."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._ids: Iterator[int] = iter(range(1, 10_000))

    def publish(
        self,
        count: int,
        *,
        version: int,
        reliability: float = 0.9,
        gain_bps_hz: float = 4.0,
        source: str = "model",
        copies: int = 1,
    ) -> None:
        """The same report `count` times, each `copies` times under the same identity."""
        for _ in range(count):
            number = next(self._ids)
            data = msgspec.structs.replace(
                decision(
                    decision_id=f"d-{number}",
                    before_bps_hz=6.0,
                    after_bps_hz=6.0 + gain_bps_hz,
                    model_version=version,
                    model_name=MODEL if source == "model" else "",
                    source=source,
                ),
                reliability=reliability,
            )
            for _ in range(copies):
                self._broker.append(message(data, f"report/{number}", key=MODEL))


@pytest.fixture
def decisions(broker: MemoryBroker) -> Decisions:
    """An inference function that reports."""
    return Decisions(broker)


def sent(broker: MemoryBroker, kind: type[T]) -> list[T]:
    """Every event of a kind that the OAM published, in order."""
    found = (decode(each.headers, each.value).data for each in broker.records(OAM_EVENTS))
    return [data for data in found if isinstance(data, kind)]


async def in_use(stub: LifecycleServiceStub, train: pb.TrainRequest = TRAIN) -> int:
    """The version that a first training has put in use."""
    done = await finished(stub, (await stub.Train(train)).adaptation.adaptation_id)
    return done.to_version


async def quantity(stub: LifecycleServiceStub, metric: str) -> lifecycle_pb2.MonitoredQuantity:
    """One watched quantity."""
    watched = (await lifecycle(stub)).monitored_quantities
    return next(each for each in watched if each.performance_metric == metric)


async def window_of(stub: LifecycleServiceStub, metric: str, count: int) -> None:
    """Return when the window holds that many decisions."""
    end_s = time.monotonic() + 20
    while (seen := (await quantity(stub, metric)).window_count) != count:
        if time.monotonic() > end_s:
            raise TimeoutError(f"{metric} has {seen} decisions instead of {count}")
        await asyncio.sleep(0.01)


async def test_low_reliability_retrains_without_an_operator(
    stub: LifecycleServiceStub, peers: FakePeers, decisions: Decisions
) -> None:
    """Degraded, retrained, published, tested, approved, loaded, activated: one adaptation."""
    version = await in_use(stub)
    decisions.publish(3, version=version, reliability=0.2)
    steps = await watch_until(stub, "activated", after_sequence=7)
    assert kinds(steps) == [
        *("degraded", "requested", "retrained", "published"),
        *("tested", "approved", "loaded", "activated"),
    ]
    assert steps[0].adaptation_id == ""
    assert "LATENT_RELIABILITY averaged 0.200 over the last 3 decisions" in steps[0].detail
    assert {step.initiator for step in steps[1:4]} == {"rule:latent-reliability"}
    assert "rule:latent-reliability asked for it: version 1: LATENT_REL" in steps[-1].detail
    assert peers.mtlf.effects.count("train from 1") == 1
    assert (await lifecycle(stub)).active_version == 2


async def test_worse_version_is_rolled_back_without_an_operator(
    stub: LifecycleServiceStub, peers: FakePeers, decisions: Decisions
) -> None:
    """The gain of a fresh version falls clearly short of its predecessor's: it has to go."""
    first = await in_use(stub)
    decisions.publish(6, version=first, gain_bps_hz=5.0)
    await window_of(stub, "SECRECY_GAIN", 6)
    await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    decisions.publish(3, version=2, gain_bps_hz=1.0)
    steps = await watch_until(stub, "rolled_back", after_sequence=14)
    assert kinds(steps) == ["degraded", "requested", "loaded", "rolled_back"]
    assert steps[-1].initiator == "rule:regression"
    assert "SECRECY_GAIN averaged 1.000" in steps[-1].detail
    standing = await lifecycle(stub)
    assert (standing.active_version, standing.previous_version) == (1, 2)
    assert peers.inference.active == 1


async def test_report_counts_once_however_often_it_comes(
    stub: LifecycleServiceStub, decisions: Decisions
) -> None:
    """Two copies of four reports are four decisions."""
    version = await in_use(stub)
    decisions.publish(4, version=version, copies=2)
    decisions.publish(1, version=version)
    await window_of(stub, "LATENT_RELIABILITY", 5)


async def test_only_the_version_in_use_is_judged(
    stub: LifecycleServiceStub, decisions: Decisions
) -> None:
    """Reports of a version that is not in use leave the window alone."""
    version = await in_use(stub)
    decisions.publish(5, version=version + 1, reliability=0.0)
    decisions.publish(1, version=version)
    await window_of(stub, "LATENT_RELIABILITY", 1)


async def test_fallback_decisions_raise_an_alarm(
    stub: LifecycleServiceStub, broker: MemoryBroker, decisions: Decisions
) -> None:
    """They name no model, so they count for the one that was activated last."""
    await in_use(stub)
    decisions.publish(3, version=0, source="fallback")
    steps = await watch_until(stub, "degraded")
    assert "DECISION_FAILURE_RATIO averaged 1.000" in steps[-1].detail
    assert "no rule answers it" in steps[-1].detail
    await until(lambda: bool(sent(broker, Alarm)), what="the alarm")
    (alarm,) = sent(broker, Alarm)
    assert (alarm.perceived_severity, alarm.probable_cause) == ("MAJOR", "THRESHOLD_CROSSED")
    assert alarm.alarm_id == "gan-gdm/1/DECISION_FAILURE_RATIO"


async def test_unreadable_report_holds_nothing_up(
    stub: LifecycleServiceStub, broker: MemoryBroker, decisions: Decisions
) -> None:
    """It goes to the dead-letter topic; the next one counts."""
    version = await in_use(stub)
    broker.append(Message(INFERENCE_REPORTS, MODEL.encode(), (), b"\x00 no event"))
    decisions.publish(1, version=version)
    await window_of(stub, "LATENT_RELIABILITY", 1)
    assert len(broker.records(f"{INFERENCE_REPORTS}.dlq")) == 1


async def test_steps_go_out_as_events(stub: LifecycleServiceStub, broker: MemoryBroker) -> None:
    """Each step once, in order, readable by the catalogue."""
    await in_use(stub)
    await until(lambda: len(sent(broker, LifecycleStep)) == 7, what="seven events")
    events = sent(broker, LifecycleStep)
    assert [event.step for event in events] == [
        *("requested", "trained", "published", "tested", "approved", "loaded", "activated")
    ]
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6, 7]


async def test_degradation_is_a_readable_event(
    stub: LifecycleServiceStub, broker: MemoryBroker, decisions: Decisions
) -> None:
    """Though it belongs to no adaptation."""
    version = await in_use(stub)
    decisions.publish(3, version=version, reliability=0.2)
    await until(lambda: len(sent(broker, LifecycleStep)) > 7, what="the eighth event")
    assert sent(broker, LifecycleStep)[7].step == "degraded"


async def test_window_and_adaptation_survive_a_restart(
    settings: OamSettings, peers: FakePeers, broker: MemoryBroker
) -> None:
    """What was counted before the restart is counted on, and no report is counted again."""
    decisions = Decisions(broker)
    start = partial(serve, settings, broker=broker)
    async with running(start, settings) as channel:
        stub = LifecycleServiceStub(channel)
        version = await in_use(stub)
        decisions.publish(2, version=version, reliability=0.2)
        await window_of(stub, "LATENT_RELIABILITY", 2)
    peers.inference.refusals["Activate"] = Unavailable("nobody is there", reason="PEER_UNAVAILABLE")
    decisions.publish(1, version=version, reliability=0.2)
    async with running(start, settings) as channel:
        stub = LifecycleServiceStub(channel)
        await watch_until(stub, "loaded", after_sequence=7)
        current = (await lifecycle(stub)).current_adaptation
        await adaptation_in(stub, current.adaptation_id, ACTIVATING)
    del peers.inference.refusals["Activate"]
    async with running(start, settings) as channel:
        stub = LifecycleServiceStub(channel)
        steps = await watch_until(stub, "activated", after_sequence=7)
        assert kinds(steps) == [
            *("degraded", "requested", "retrained", "published"),
            *("tested", "approved", "loaded", "activated"),
        ]
    assert peers.mtlf.effects.count("train from 1") == 1


async def test_champion_moved_elsewhere_is_watched_after_a_restart(
    settings: OamSettings, peers: FakePeers, broker: MemoryBroker
) -> None:
    """The repository knows what is in use."""
    start = partial(serve, settings, broker=broker)
    async with running(start, settings) as channel:
        await in_use(LifecycleServiceStub(channel))
    moved = peers.put_in_use()
    async with running(start, settings) as channel:
        stub = LifecycleServiceStub(channel)
        end_s = time.monotonic() + 20
        while (await lifecycle(stub)).active_version != moved:
            assert time.monotonic() < end_s, "the champion was not taken over"
            await asyncio.sleep(0.01)


async def test_threshold_monitor_of_a_consumer_retrains_as_a_rule(
    settings: OamSettings, broker: MemoryBroker, peers: FakePeers, decisions: Decisions
) -> None:
    """The record names rule and monitor, tells what was seen, and verifies."""
    version = peers.put_in_use()
    async with running(partial(serve, settings, broker=broker), settings) as channel:
        stub, consumer = LifecycleServiceStub(channel), Consumer(ProvisioningServiceStub(channel))
        await consumer.until(model(version), lambda moi: moi["mLModelVersion"] == str(version))
        monitor = f"{ELEMENT},ThresholdMonitor=m"
        threshold = {
            "performanceMetrics": ["LATENT_RELIABILITY"],
            "thresholdDirection": "DOWN",
            "thresholdValue": 0.95,
        }
        await consumer.create(monitor, thresholdInfoList=[threshold], monitorGranularityPeriod=1)
        await consumer.modify(model(version), retrainingEventsMonitorRef=monitor)
        watching = asyncio.create_task(watch_until(stub, "activated"))
        while not watching.done():  # the monitor judges what comes within its period
            decisions.publish(1, version=version, reliability=0.9)
            await asyncio.sleep(0.2)
        steps = await watching
        record = [step_from_message(step) for step in await steps_of(stub)]
    assert kinds(steps)[:3] == ["degraded", "requested", "retrained"]
    seen, asked = steps[:2]
    assert (seen.initiator, seen.object_ref) == ("rule:threshold-monitor", monitor)
    assert seen.detail == (
        "Version 1: monitor m saw that LATENT_RELIABILITY fell to 0.9 (threshold 0.95); "
        "rule threshold-monitor retrains from version 1."
    )
    assert asked.initiator == "rule:threshold-monitor"
    assert "monitor m saw that LATENT_RELIABILITY fell to 0.9" in asked.detail
    assert asked.figures["threshold"] == 0.95
    assert verify(record, {}).faults == ()
