"""Durations and counts of decisions for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from inference_nf.answers import Ending
from inference_nf.decisions import Decision

# From half a millisecond, a fast engine, to 10 s, past every deadline.
_SECONDS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)


class PrometheusMeter:
    """Stages are ``context``, ``inference``, ``apply`` and ``trigger_to_applied``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stage_seconds = Histogram(
            "aimlnf_inference_stage_seconds",
            "Time of one stage of an answered trigger",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._decisions_total = Counter(
            "aimlnf_inference_decisions_total",
            "Decisions made, also those that were only asked for",
            ["source", "fallback_reason", "engine", "model", "version"],
            registry=registry,
        )
        self._notifications_total = Counter(
            "aimlnf_inference_notifications_total",
            "Notifications by how they ended, since the process started",
            ["ending"],
            registry=registry,
        )

    def decided(self, decision: Decision) -> None:
        """A decision was made."""
        self._decisions_total.labels(
            decision.source.value,
            decision.fallback_reason.value if decision.fallback_reason else "",
            decision.engine.value if decision.engine else "",
            decision.model.name if decision.model else "",
            str(decision.model.version) if decision.model else "",
        ).inc()
        if decision.model is not None:
            self.stage("inference", decision.inference_s)

    def stage(self, stage: str, duration_s: float) -> None:
        """A stage of an answer took that long."""
        self._stage_seconds.labels(stage).observe(duration_s)

    def answered(self, ending: Ending) -> None:
        """A notification was dealt with."""
        self._notifications_total.labels(ending.value).inc()
