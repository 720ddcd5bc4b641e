"""What became of a notification, and what is told about it.

Every notification ends in exactly one way: its decision was applied, its run had ended before it
was dealt with, or it failed for a reason that is kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from inference_nf.decisions import Decision, Source
from inference_nf.releases import ModelKey
from nf_runtime.clock import NANOSECONDS_PER_S
from nf_runtime.events import catalogue
from nf_runtime.events.cloud_event import CloudEvent

# Why a notification came too late for an answer.
EXPIRED_REASONS = frozenset({"NO_RUN", "SATELLITE_NOT_VISIBLE"})


class Ending(StrEnum):
    """How a notification was dealt with."""

    APPLIED = "applied"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True)
class Notification:
    """A notification of the NWDAF about one trigger.

    Times are wall-clock nanoseconds since the Unix epoch; 0 where the sender gave none.
    """

    notification_id: str
    subscription_id: str
    sequence: int
    trigger_id: str
    trigger_type: str
    published_at_ns: int
    notified_at_ns: int
    traceparent: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What an applied decision achieved on the true channel, sum secrecy rates in b/s/Hz."""

    run_id: str
    context_id: str
    sim_offset_s: float
    before_bps_hz: float
    after_bps_hz: float


@dataclass(frozen=True)
class Timings:
    """The way of one decision in wall-clock nanoseconds since the Unix epoch."""

    received_at_ns: int
    context_at_ns: int
    decided_at_ns: int
    applied_at_ns: int


@dataclass(frozen=True)
class Answer:
    """A notification whose decision was applied."""

    notification: Notification
    satellite_id: str
    decision: Decision
    outcome: Outcome
    timings: Timings
    applied_time: datetime
    traceparent: str | None = None

    @property
    def published_at_ns(self) -> int:
        """When the trigger was published; the earliest time known where nobody said."""
        sent = self.notification
        return sent.published_at_ns or sent.notified_at_ns or self.timings.received_at_ns

    @property
    def trigger_to_applied_ns(self) -> int:
        """From the trigger's publication until the decision was applied."""
        return max(0, self.timings.applied_at_ns - self.published_at_ns)


@dataclass(frozen=True)
class Report:
    """An applied decision as it is kept: `AIMLInferenceReport` of TS 28.105, without tensors."""

    sequence: int
    decision_id: str
    context_id: str
    run_id: str
    trigger_id: str
    trigger_type: str
    source: str
    fallback_reason: str
    fallback_method: str
    model_name: str
    model_version: int
    engine: str
    precision: str
    artifact_sha256: str
    predicted_rate_bps_hz: float
    reliability: float
    confidence: float | None
    inference_ns: int
    sim_offset_s: float
    before_bps_hz: float
    after_bps_hz: float
    trigger_to_applied_ns: int
    applied_at_ns: int


@dataclass(frozen=True)
class Counts:
    """Notifications by how they ended, and decisions made for them."""

    applied: int = 0
    expired: int = 0
    failed: int = 0
    made: int = 0

    @property
    def notifications(self) -> int:
        """Notifications dealt with, each counted once."""
        return self.applied + self.expired + self.failed

    def counting(self, ending: Ending, *, decision_made: bool) -> "Counts":
        """These counts and one more notification."""
        return replace(
            self,
            **{ending.value: getattr(self, ending.value) + 1},
            made=self.made + decision_made,
        )


def report_of(answer: Answer) -> Report:
    """The report of an answer; its sequence, 0 here, is given when it is stored."""
    notification, decision, outcome = answer.notification, answer.decision, answer.outcome
    return Report(
        sequence=0,
        decision_id=decision.decision_id,
        context_id=decision.context_id,
        run_id=outcome.run_id,
        trigger_id=notification.trigger_id,
        trigger_type=notification.trigger_type,
        source=decision.source.value,
        fallback_reason=decision.fallback_reason.value if decision.fallback_reason else "",
        fallback_method=decision.fallback_method.value if decision.fallback_method else "",
        model_name=decision.model.name if decision.model else "",
        model_version=decision.model.version if decision.model else 0,
        engine=decision.engine.value if decision.engine else "",
        precision=decision.precision.value if decision.precision else "",
        artifact_sha256=decision.artifact_sha256,
        predicted_rate_bps_hz=decision.predicted_rate_bps_hz,
        reliability=decision.reliability,
        confidence=decision.confidence,
        inference_ns=round(decision.inference_s * NANOSECONDS_PER_S),
        sim_offset_s=outcome.sim_offset_s,
        before_bps_hz=outcome.before_bps_hz,
        after_bps_hz=outcome.after_bps_hz,
        trigger_to_applied_ns=answer.trigger_to_applied_ns,
        applied_at_ns=answer.timings.applied_at_ns,
    )


def decision_event(answer: Answer, *, source: str) -> CloudEvent[catalogue.EventData]:
    """The event that reports an applied decision; its id is the decision's."""
    report, timings = report_of(answer), answer.timings
    return CloudEvent(
        id=report.decision_id,
        source=source,
        time=answer.applied_time,
        subject=f"satellite/{answer.satellite_id}",
        traceparent=answer.traceparent,
        data=catalogue.Decision(
            decision_id=report.decision_id,
            notification_id=answer.notification.notification_id,
            trigger_id=report.trigger_id,
            trigger_type=report.trigger_type,
            run_id=report.run_id,
            model_name=report.model_name,
            model_version=report.model_version,
            engine=report.engine,
            precision=report.precision,
            artifact_sha256=report.artifact_sha256,
            fallback_reason=report.fallback_reason,
            fallback_method=report.fallback_method,
            confidence=report.confidence,
            source="model" if answer.decision.source is Source.MODEL else "fallback",
            predicted_rate_bps_hz=report.predicted_rate_bps_hz,
            achieved_before_bps_hz=report.before_bps_hz,
            achieved_after_bps_hz=report.after_bps_hz,
            reliability=report.reliability,
            sim_offset_s=report.sim_offset_s,
            timings=catalogue.DecisionTimings(
                published_at=answer.published_at_ns,
                notified_at=answer.notification.notified_at_ns or timings.received_at_ns,
                received_at=timings.received_at_ns,
                context_at=timings.context_at_ns,
                decided_at=timings.decided_at_ns,
                applied_at=timings.applied_at_ns,
                inference_ms=answer.decision.inference_s * 1000,
            ),
        ),
    )


def reliability_event(
    answer: Answer,
    *,
    source: str,
    model: ModelKey,
    decisions: int,
    window: list[float],
    low_below: float,
) -> CloudEvent[catalogue.EventData]:
    """The event that sums up the reliabilities of a window of decisions of one version.

    Args:
        answer: The window's last.
        source: CloudEvents source.
        model: The version.
        decisions: How many decisions of this version have been reported; makes the id.
        window: Reliability of each decision in the window, in [0, 1].
        low_below: What counts as low.
    """
    return CloudEvent(
        id=f"reliability/{model.name}/{model.version}/{decisions}",
        source=source,
        time=answer.applied_time,
        subject=f"model/{model.name}/{model.version}",
        traceparent=answer.traceparent,
        data=catalogue.Reliability(
            model_name=model.name,
            model_version=model.version,
            window=len(window),
            mean_reliability=sum(window) / len(window),
            low_share=sum(value < low_below for value in window) / len(window),
            sim_offset_s=answer.outcome.sim_offset_s,
        ),
    )
