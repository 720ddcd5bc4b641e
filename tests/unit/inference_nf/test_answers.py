"""Tests of what is told about answers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes.inference_nf.memory_peers import snapshot

from inference_nf.answers import (
    Answer,
    Counts,
    Ending,
    Notification,
    Outcome,
    Timings,
    decision_event,
    reliability_event,
    report_of,
)
from inference_nf.decisions import FallbackReason, fallback_decision
from inference_nf.releases import EngineKind, ModelKey, Precision
from nf_runtime.events import catalogue
from nf_runtime.events.cloud_event import decode, encode

MODEL = ModelKey("gan-gdm", 3)
FALLBACK = Answer(
    notification=Notification("n1", "s1", 7, "t1", "org.aimlnf.ran.x.v1", 1_000, 2_000, None),
    satellite_id="44713",
    decision=fallback_decision(snapshot(), decision_id="n1", reason=FallbackReason.NO_ACTIVE_MODEL),
    outcome=Outcome("run-1", "context-1", 12.6, 3.0, 5.0),
    timings=Timings(3_000, 4_000, 5_000, 6_000),
    applied_time=datetime(2026, 1, 1, tzinfo=UTC),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
BY_MODEL = replace(
    FALLBACK,
    decision=replace(
        FALLBACK.decision,
        fallback_reason=None,
        model=MODEL,
        fallback_method=None,
        engine=EngineKind.ONNXRUNTIME,
        precision=Precision.FP32,
        artifact_sha256="ab" * 32,
        confidence=0.75,
        reliability=0.25,
        inference_s=0.0015,
    ),
)


def test_the_decision_event_has_the_whole_way() -> None:
    """Outcome and timings are in it; its id is the decision's; it can be sent and read."""
    event = decision_event(BY_MODEL, source="/inference_nf/a")
    assert event.id == "n1"
    assert decode(encode(event, key="44713").headers, encode(event, key="44713").value).data == (
        event.data
    )
    assert isinstance(event.data, catalogue.Decision)
    assert event.data.timings == catalogue.DecisionTimings(
        published_at=1_000,
        notified_at=2_000,
        received_at=3_000,
        context_at=4_000,
        decided_at=5_000,
        applied_at=6_000,
        inference_ms=1.5,
    )
    assert (event.data.achieved_before_bps_hz, event.data.achieved_after_bps_hz) == (3.0, 5.0)
    assert (event.data.model_name, event.data.model_version) == ("gan-gdm", 3)
    assert (event.data.engine, event.data.precision) == ("onnxruntime", "fp32")
    assert (event.data.artifact_sha256, event.data.confidence) == ("ab" * 32, 0.75)


def test_a_fallback_is_reported_as_one() -> None:
    """No model, no engine, and why."""
    event = decision_event(FALLBACK, source="/inference_nf/a")
    assert isinstance(event.data, catalogue.Decision)
    assert (event.data.source, event.data.model_name, event.data.engine) == ("fallback", "", "")
    assert (event.data.fallback_reason, event.data.fallback_method) == (
        "no_active_model",
        "conservative",
    )
    report = report_of(FALLBACK)
    assert (report.fallback_reason, report.fallback_method) == ("no_active_model", "conservative")
    assert (report.precision, report.artifact_sha256, report.confidence) == ("", "", None)


@pytest.mark.parametrize(
    ("published", "notified", "expected"), [(1_000, 2_000, 5_000), (0, 2_000, 4_000), (0, 0, 3_000)]
)
def test_the_latency_counts_from_the_earliest_time_known(
    published: int, notified: int, expected: int
) -> None:
    """A peer that gives no time does not make the latency fifty years."""
    sent = replace(BY_MODEL.notification, published_at_ns=published, notified_at_ns=notified)
    assert replace(BY_MODEL, notification=sent).trigger_to_applied_ns == expected


def test_a_clock_that_is_ahead_makes_no_negative_latency() -> None:
    """Published after it was applied, by the other host's clock: 0."""
    ahead = replace(BY_MODEL.notification, published_at_ns=9_000)
    assert replace(BY_MODEL, notification=ahead).trigger_to_applied_ns == 0


def test_the_reliability_event_sums_up_its_window() -> None:
    """Mean and share of low ones."""
    event = reliability_event(
        BY_MODEL,
        source="/inference_nf/a",
        model=MODEL,
        decisions=40,
        window=[0.0, 0.04, 0.5, 0.96],
        low_below=0.05,
    )
    assert event.id == "reliability/gan-gdm/3/40"
    assert isinstance(event.data, catalogue.Reliability)
    assert event.data.window == 4
    assert event.data.mean_reliability == pytest.approx(0.375)
    assert event.data.low_share == 0.5


def test_counts_add_up() -> None:
    """Every notification ends in one way; decisions count where one was made."""
    counts = (
        Counts()
        .counting(Ending.APPLIED, decision_made=True)
        .counting(Ending.FAILED, decision_made=True)
        .counting(Ending.EXPIRED, decision_made=False)
    )
    assert counts == Counts(applied=1, expired=1, failed=1, made=2)
    assert counts.notifications == 3
