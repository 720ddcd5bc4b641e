"""Notifications answered end to end: three peers on real sockets, a broker in memory."""

import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest
from fakes.inference_nf.grpc_peers import (
    Peer,
    RadioServicer,
    RepositoryServicer,
    SubscriptionServicer,
)
from fakes.memory_broker import MemoryBroker
from support.running_nf import running
from support.tiny_models import tiny_version
from support.waiting import until

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from inference_nf.app import serve
from inference_nf.config import (
    EventSettings,
    InferenceSettings,
    NotificationSettings,
    RadioSettings,
    ReportSettings,
)
from nf_runtime.events.catalogue import INFERENCE_REPORTS, Decision, EventData, Reliability
from nf_runtime.events.cloud_event import CloudEvent, decode

NAME = "gan-gdm"
SUBSCRIPTION = "s1"


class Loop:
    """The function and its peers."""

    def __init__(self) -> None:
        self.radio = RadioServicer()
        self.nwdaf = SubscriptionServicer()
        self.broker = MemoryBroker()
        self.radio_peer = Peer("ran_sim", self.radio.register)
        self.nwdaf_peer = Peer("nwdaf.anlf", self.nwdaf.register)
        self.channel: grpc.aio.Channel | None = None

    @property
    def inference(self) -> InferenceFunctionServiceStub:
        """The function's own service."""
        assert self.channel is not None
        return InferenceFunctionServiceStub(self.channel)

    async def activate(self, version: int) -> None:
        """Load a version and let it decide."""
        await self.inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=version))
        await self.inference.Activate(pb.ActivateRequest(model_name=NAME, version=version))

    async def put(self, *trigger_ids: str) -> None:
        """The NWDAF notifies of these triggers, once there is a subscription."""
        await until(lambda: SUBSCRIPTION in self.nwdaf.stored, what="the subscription")
        for trigger_id in trigger_ids:
            await self.nwdaf.put(SUBSCRIPTION, trigger_id)

    async def all_acknowledged(self) -> None:
        """Wait until the NWDAF need not remember anything."""
        await until(lambda: not self.nwdaf.stored[SUBSCRIPTION], what="all to be acknowledged")

    def events(self) -> list[CloudEvent[EventData]]:
        """What was published so far."""
        return [decode(r.headers, r.value) for r in self.broker.records(INFERENCE_REPORTS)]


@pytest.fixture
def loop_settings(settings: InferenceSettings) -> InferenceSettings:
    """Small windows, and metrics."""
    return settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"metrics_port": 0}),
            "reports": ReportSettings(reliability_window=2, low_reliability=0.6),
        }
    )


@pytest.fixture
async def loop(
    loop_settings: InferenceSettings, repository: RepositoryServicer
) -> AsyncIterator[Loop]:
    """A running function; its radio network and NWDAF are there."""
    loop = Loop()
    repository.versions[tiny_version(1).key] = tiny_version(1)
    settings = loop_settings.model_copy(
        update={
            "radio": RadioSettings(address=loop.radio_peer.address),
            "notifications": NotificationSettings(
                address=loop.nwdaf_peer.address,
                events=(EventSettings(event="VS_NTN_BEAM_QUALITY", threshold=1.5),),
                acknowledge_period_s=0.05,
            ),
        }
    )
    async with AsyncExitStack() as stack:
        for peer in (loop.radio_peer, loop.nwdaf_peer):
            await peer.start()
            stack.push_async_callback(peer.stop)
        loop.channel = await stack.enter_async_context(
            running(lambda stop: serve(settings, stop, broker=loop.broker), settings)
        )
        yield loop


async def test_a_trigger_is_answered_reported_and_counted(loop: Loop) -> None:
    """Applied at the radio network, published, listed, counted, measured, acknowledged."""
    await loop.activate(1)
    await loop.put("t1", "t2", "t3")
    await loop.all_acknowledged()
    assert loop.radio.effects == {"s1/t1": "t1", "s1/t2": "t2", "s1/t3": "t3"}

    await until(lambda: len(loop.events()) == 4, what="the events")
    decisions = [e.data for e in loop.events() if isinstance(e.data, Decision)]
    assert {d.trigger_id for d in decisions} == {"t1", "t2", "t3"}
    for decision in decisions:
        assert (decision.source, decision.model_name, decision.model_version) == ("model", NAME, 1)
        assert (decision.achieved_before_bps_hz, decision.achieved_after_bps_hz) == (3.0, 5.0)
        assert (decision.engine, decision.precision) == ("onnxruntime", "fp32")
        assert len(decision.artifact_sha256) == 64
        timings = decision.timings
        assert timings.published_at <= timings.notified_at <= timings.received_at
        assert timings.received_at <= timings.context_at <= timings.decided_at <= timings.applied_at
        assert timings.inference_ms > 0
    (reliability,) = [e.data for e in loop.events() if isinstance(e.data, Reliability)]
    assert (reliability.window, reliability.mean_reliability, reliability.low_share) == (2, 0.5, 1)

    reports = (await loop.inference.ListReports(pb.ListReportsRequest())).reports
    assert [report.sequence for report in reports] == [1, 2, 3]
    assert {report.outcome.trigger_id for report in reports} == {"t1", "t2", "t3"}
    assert reports[0].decision.model_version == 1
    assert reports[0].decision.precision == inference_pb2.PRECISION_FP32
    assert reports[0].decision.artifact_sha256 == (
        tiny_version(1).release.artifact("model.onnx").sha256
    )
    assert not reports[0].decision.HasField("confidence")
    assert reports[0].outcome.after_bps_hz == 5.0
    assert reports[0].trigger_to_applied.ToNanoseconds() > 0
    rest = await loop.inference.ListReports(pb.ListReportsRequest(after_sequence=1, page_size=1))
    assert [report.sequence for report in rest.reports] == [2]

    status = await loop.inference.GetStatus(pb.GetStatusRequest())
    assert status.notifications_count == 3
    assert status.decisions_made_count == status.decisions_applied_count == 3
    assert status.decisions_failed_count == status.notifications_expired_count == 0


async def test_the_subscription_asks_for_what_the_settings_say(loop: Loop) -> None:
    """Event, threshold and the consumer's identity."""
    await loop.put()
    subscription = loop.nwdaf.subscriptions[SUBSCRIPTION]
    (event,) = subscription.event_subscriptions
    assert (event.event, event.threshold) == ("VS_NTN_BEAM_QUALITY", 1.5)
    assert not event.beam_ids
    assert subscription.consumer_nf_id == "inference_nf"


async def test_without_a_model_the_fallback_answers(loop: Loop) -> None:
    """Labelled in the event and in the report."""
    await loop.put("t1")
    await loop.all_acknowledged()
    await until(lambda: len(loop.events()) == 1, what="the event")
    (event,) = loop.events()
    assert isinstance(event.data, Decision)
    assert (event.data.source, event.data.model_name) == ("fallback", "")
    (report,) = (await loop.inference.ListReports(pb.ListReportsRequest())).reports
    assert report.decision.source == inference_pb2.DECISION_SOURCE_FALLBACK
    assert report.decision.fallback_reason == inference_pb2.FALLBACK_REASON_NO_ACTIVE_MODEL


async def test_a_run_that_has_ended_expires_its_notifications(loop: Loop) -> None:
    """Acknowledged, counted as expired, nothing published."""
    loop.radio.ended = True
    await loop.put("t1")
    await loop.all_acknowledged()
    status = await loop.inference.GetStatus(pb.GetStatusRequest())
    assert (status.notifications_count, status.notifications_expired_count) == (1, 1)
    assert status.decisions_failed_count == 0
    assert loop.events() == []


async def test_peers_that_go_away_are_waited_for(loop: Loop) -> None:
    """Radio network and NWDAF restart: every notification is answered, once."""
    await loop.put("t1")
    await loop.all_acknowledged()
    await loop.radio_peer.stop()
    await loop.put("t2")
    await loop.nwdaf_peer.stop()
    await loop.radio_peer.start()
    await until(lambda: "s1/t2" in loop.radio.effects, what="t2 to be applied")
    await loop.nwdaf_peer.start()
    await loop.put("t3")
    await loop.all_acknowledged()
    assert set(loop.radio.effects) == {"s1/t1", "s1/t2", "s1/t3"}
    status = await loop.inference.GetStatus(pb.GetStatusRequest())
    assert status.decisions_applied_count == 3


async def test_a_subscription_that_the_nwdaf_lost_is_made_anew(loop: Loop) -> None:
    """After a NOT_FOUND a new one is asked for under a new request id."""
    await loop.put("t1")
    await loop.all_acknowledged()
    await loop.nwdaf_peer.stop()
    loop.nwdaf.stored.clear()
    await loop.nwdaf_peer.start()
    await until(lambda: "s2" in loop.nwdaf.stored, what="the second subscription")
    await loop.nwdaf.put("s2", "t9")
    await until(lambda: "s2/t9" in loop.radio.effects, what="t9 to be applied")


async def test_stages_are_measured(loop: Loop, loop_settings: InferenceSettings) -> None:
    """Prometheus sees every stage of an answered trigger, and who decided."""
    await loop.activate(1)
    await loop.put("t1")
    await loop.all_acknowledged()
    ready = loop_settings.server.ready_file
    assert ready is not None
    metrics_address = json.loads(ready.read_text())["metrics"]
    with urllib.request.urlopen(f"http://{metrics_address}/metrics") as page:  # noqa: ASYNC210
        text = page.read().decode()
    for stage in ("context", "queue", "inference", "apply", "trigger_to_applied"):
        assert f'aimlnf_inference_stage_seconds_count{{stage="{stage}"}} 1.0' in text
    assert 'aimlnf_inference_notifications_total{ending="applied"} 1.0' in text
    assert 'engine="onnxruntime"' in text
    assert 'precision="fp32"' in text
    assert f'artifact="{tiny_version(1).release.artifact("model.onnx").sha256[:12]}"' in text
    for step in ("resolve", "signature", "download", "compile", "warm_up", "golden"):
        assert f'aimlnf_inference_load_step_seconds_count{{step="{step}"}} 1.0' in text
    assert "aimlnf_inference_batch_contexts_count 1.0" in text
