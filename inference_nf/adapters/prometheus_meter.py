"""Durations and counts of decisions for Prometheus."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from inference_nf.answers import Ending
from inference_nf.decisions import Decision
from inference_nf.releases import ModelKey

# From half a millisecond, a fast engine, to 10 s, past every deadline.
_SECONDS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
_CONTEXTS = (1, 2, 4, 8, 16, 32, 64, 128)
_DIGEST_CHARACTERS = 12  # of the artifact, in a label


class PrometheusMeter:
    """Stages and load steps by name.

    Stages are ``context``, ``queue``, ``inference``, ``fallback``, ``apply`` and
    ``trigger_to_applied``; steps ``resolve``, ``signature``, ``download``, ``compile``,
    ``warm_up`` and ``golden``.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stage_seconds = Histogram(
            "aimlnf_inference_stage_seconds",
            "Time of one stage of an answered trigger",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._of_stage = cache(self._stage_seconds.labels)
        self._decisions_total = Counter(
            "aimlnf_inference_decisions_total",
            "Decisions made, also those that were only asked for",
            [
                *("source", "fallback_reason", "fallback_method"),
                *("engine", "precision", "model", "version", "artifact"),
            ],
            registry=registry,
        )
        self._load_seconds = Histogram(
            "aimlnf_inference_load_step_seconds",
            "Time of one step of loading a version",
            ["step"],
            buckets=(*_SECONDS, 30.0, 60.0, 120.0, 300.0),
            registry=registry,
        )
        self._batch_contexts = Histogram(
            "aimlnf_inference_batch_contexts",
            "Contexts in one run of an engine",
            buckets=_CONTEXTS,
            registry=registry,
        )
        self._shed_total = Counter(
            "aimlnf_inference_shed_total",
            "Requests turned away since too many waited for an engine",
            registry=registry,
        )
        self._compared_total = Counter(
            "aimlnf_inference_compared_total",
            "Decisions that a candidate made beside the active model, which are never applied",
            ["model", "version", "better"],
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
            decision.fallback_method.value if decision.fallback_method else "",
            decision.engine.value if decision.engine else "",
            decision.precision.value if decision.precision else "",
            decision.model.name if decision.model else "",
            str(decision.model.version) if decision.model else "",
            decision.artifact_sha256[:_DIGEST_CHARACTERS],
        ).inc()
        if decision.model is not None:
            self.stage("inference", decision.inference_s)

    def stage(self, stage: str, duration_s: float) -> None:
        """A stage of an answer took that long."""
        self._of_stage(stage).observe(duration_s)

    def answered(self, ending: Ending) -> None:
        """A notification was dealt with."""
        self._notifications_total.labels(ending.value).inc()

    def ran(self, batch: int) -> None:
        """An engine ran for so many contexts at once."""
        self._batch_contexts.observe(batch)

    def shed(self) -> None:
        """A request was turned away since too many waited."""
        self._shed_total.inc()

    def compared(self, candidate: ModelKey, *, better: bool) -> None:
        """A candidate decided beside the active model."""
        self._compared_total.labels(
            candidate.name, str(candidate.version), str(better).lower()
        ).inc()

    def load_step(self, step: str, duration_s: float) -> None:
        """A step of a load took that long, whether it passed or not."""
        self._load_seconds.labels(step).observe(duration_s)
