"""Which quantities the OAM watches, their limits, and the rules that may answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property


class Metric(StrEnum):
    """`performanceMetric`: names of this project, 3GPP defines none of them."""

    LATENT_RELIABILITY = "LATENT_RELIABILITY"
    SECRECY_GAIN = "SECRECY_GAIN"
    DECISION_FAILURE_RATIO = "DECISION_FAILURE_RATIO"
    INFERENCE_LATENCY_MS_P95 = "INFERENCE_LATENCY_MS_P95"
    OOD_RATE = "OOD_RATE"


class Rule(StrEnum):
    """What starts an adaptation without an operator; the first one that may, does."""

    REGRESSION = "regression"
    LATENCY = "latency"
    ACHIEVED_KPI = "achieved-kpi"
    LATENT_RELIABILITY = "latent-reliability"
    DRIFT = "drift"
    THRESHOLD_MONITOR = "threshold-monitor"  # what a consumer's ThresholdMonitor sees

    @property
    def goes_back(self) -> bool:
        """Whether it answers with the version before, not with a new one."""
        return self in (Rule.REGRESSION, Rule.LATENCY)


@dataclass(frozen=True)
class Limit:
    """A threshold with its hysteresis, both in the metric's unit.

    `window` and `minimum_samples` are decisions; 0: as the policy has them for all.
    """

    threshold: float
    hysteresis: float
    window: int = 0
    minimum_samples: int = 0


@dataclass(frozen=True)
class MonitoringPolicy:
    """What is watched and when something is done about it.

    Attributes:
        window: Decisions that the figures run over.
        minimum_samples: Decisions needed before anything is judged.
        latent_reliability: Smallest mean reliability, in [0, 1].
        secrecy_gain: Smallest mean gain of a decision over what was in force, in b/s/Hz.
        decision_failure_ratio: Largest share of decisions that the model failed to make.
        inference_latency_ms: Largest 95th percentile of the engine's time, in ms.
        ood_rate: Largest share of decisions on contexts unlike those trained on.
        ood_reliability: Below it a context counts as such. Reliability is the share of usual
            contexts that lie as far out, so without drift this share of decisions lies below.
        regression_margin_bps_hz: How far the gain may fall short of the version before.
        fresh_decisions: For how many decisions a new version is held against the one before.
        retrain_cool_down_s: How long after an adaptation of a version in use no rule retrains.
        rollback_cool_down_s: How long after one no rule rolls back.
        most_adaptations: How many adaptations of versions in use may begin within
            `adaptation_window_s` before rules keep still; operators are not held back.
        adaptation_window_s: See `most_adaptations`.
    """

    window: int
    minimum_samples: int
    latent_reliability: Limit
    secrecy_gain: Limit
    decision_failure_ratio: Limit
    inference_latency_ms: Limit
    ood_rate: Limit
    ood_reliability: float
    regression_margin_bps_hz: float
    fresh_decisions: int
    retrain_cool_down_s: float
    rollback_cool_down_s: float
    most_adaptations: int
    adaptation_window_s: float

    def cool_down_s(self, rule: Rule) -> float:
        """How long the rule keeps still after an adaptation of a version in use has ended."""
        return self.rollback_cool_down_s if rule.goes_back else self.retrain_cool_down_s

    @cached_property
    def limits(self) -> Mapping[Metric, Limit]:
        """The limit of each metric, its window and minimum filled in."""
        own = {metric: of(self) for metric, of in _LIMIT.items()}
        return {
            metric: replace(
                limit,
                window=limit.window or self.window,
                minimum_samples=limit.minimum_samples or self.minimum_samples,
            )
            for metric, limit in own.items()
        }

    @cached_property
    def longest_window(self) -> int:
        """Decisions that have to be kept."""
        return max(limit.window for limit in self.limits.values())


# Breached from above; the other metrics from below.
CEILINGS = frozenset(
    {Metric.DECISION_FAILURE_RATIO, Metric.INFERENCE_LATENCY_MS_P95, Metric.OOD_RATE}
)
_LIMIT: Mapping[Metric, Callable[[MonitoringPolicy], Limit]] = {
    Metric.LATENT_RELIABILITY: lambda policy: policy.latent_reliability,
    Metric.SECRECY_GAIN: lambda policy: policy.secrecy_gain,
    Metric.DECISION_FAILURE_RATIO: lambda policy: policy.decision_failure_ratio,
    Metric.INFERENCE_LATENCY_MS_P95: lambda policy: policy.inference_latency_ms,
    Metric.OOD_RATE: lambda policy: policy.ood_rate,
}
