"""What the OAM watches of the version in use, and when a rule asks for an adaptation.

`ThresholdMonitor` of TS 28.623, over the latest decisions instead of a granularity period: a
threshold is breached (the rule is armed) when the figure over the window passes it, and holds again
(disarmed) only when the figure has come back by the hysteresis. Nothing is judged on fewer than the
minimum of decisions.

Not modelled: statistical significance. The minimum and the margins stand for it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from oam.adaptation_events import NO_MODEL, ModelReference
from oam.monitoring_policy import CEILINGS, Metric, MonitoringPolicy, Rule


@dataclass(frozen=True)
class Sample:
    """One decision. Gain is the sum secrecy rate after minus before, in b/s/Hz."""

    by_model: bool
    reliability: float
    gain_bps_hz: float
    inference_ms: float = 0.0


@dataclass(frozen=True)
class Baseline:
    """What the version before achieved in its last window."""

    version: int
    gain_bps_hz: float
    count: int
    inference_ms_p95: float | None = None


@dataclass(frozen=True)
class Watch:
    """What is known of the version in use.

    Attributes:
        model: The version; `NO_MODEL`: nothing is watched.
        samples: The latest decisions, oldest first, at most the longest window.
        decision_count: All decisions since the version was activated.
        baseline: What it is held against while fresh; None: nothing to compare with.
        breached: Metrics whose threshold is breached.
    """

    model: ModelReference = NO_MODEL
    samples: tuple[Sample, ...] = ()
    decision_count: int = 0
    baseline: Baseline | None = None
    breached: tuple[Metric, ...] = ()


NOT_WATCHED = Watch()


@dataclass(frozen=True)
class Quantity:
    """One watched quantity (`MonitoredQuantity`)."""

    metric: Metric
    value: float
    threshold: float
    hysteresis: float
    breached: bool
    window_count: int

    @property
    def text(self) -> str:
        """What was seen, in words."""
        side = "above" if self.metric in CEILINGS else "below"
        relation = side if self.breached else "again within"
        verb = "was" if self.metric is Metric.INFERENCE_LATENCY_MS_P95 else "averaged"
        return (
            f"{self.metric} {verb} {self.value:.3f} over the last {self.window_count} decisions, "
            f"{relation} its threshold {self.threshold:.3f} (hysteresis {self.hysteresis:.3f})"
        )

    @property
    def figures(self) -> Mapping[str, float]:
        """What was seen, in numbers."""
        return {
            self.metric.lower(): self.value,
            "threshold": self.threshold,
            "hysteresis": self.hysteresis,
            "window_count": float(self.window_count),
        }


def observe(
    watch: Watch, sample: Sample, policy: MonitoringPolicy
) -> tuple[Watch, tuple[Quantity, ...]]:
    """The watch with one more decision, and the quantities that were breached or hold again."""
    grown = replace(
        watch,
        samples=(*watch.samples, sample)[-policy.longest_window :],
        decision_count=watch.decision_count + 1,
    )
    after = replace(
        grown, breached=tuple(q.metric for q in quantities(grown, policy) if q.breached)
    )
    changed = set(after.breached) ^ set(watch.breached)
    return after, tuple(q for q in quantities(after, policy) if q.metric in changed)


def quantities(watch: Watch, policy: MonitoringPolicy) -> tuple[Quantity, ...]:
    """Every watched quantity as it stands; none while no version is in use."""
    if watch.model.version == 0:
        return ()
    return tuple(_quantity(watch, policy, metric) for metric in Metric)


def due_rules(watch: Watch, policy: MonitoringPolicy) -> tuple[tuple[Rule, Quantity], ...]:
    """The rules that ask for an adaptation now, each with what it saw, the most urgent first."""
    standing = {quantity.metric: quantity for quantity in quantities(watch, policy)}
    found = ((rule, standing.get(metric)) for rule, metric in _WATCHES.items())
    return tuple(
        (rule, quantity)
        for rule, quantity in found
        if quantity is not None and quantity.breached and _asks(rule, quantity, watch, policy)
    )


def successor(watch: Watch, model: ModelReference, policy: MonitoringPolicy) -> Watch:
    """The watch over a version that was newly made: held against the one before."""
    limit = policy.limits[Metric.SECRECY_GAIN]
    made = [sample for sample in watch.samples[-limit.window :] if sample.by_model]
    if watch.model.version == 0 or len(made) < limit.minimum_samples:
        return Watch(model=model)
    baseline = Baseline(
        version=watch.model.version,
        gain_bps_hz=fmean(sample.gain_bps_hz for sample in made),
        count=len(made),
        inference_ms_p95=_p95([sample.inference_ms for sample in made]),
    )
    return Watch(model=model, baseline=baseline)


def returned(model: ModelReference) -> Watch:
    """The watch over a version that was gone back to.

    It has nothing to be held against: a rollback that could be rolled back would swing for ever.
    """
    return Watch(model=model)


def _asks(rule: Rule, quantity: Quantity, watch: Watch, policy: MonitoringPolicy) -> bool:
    """Whether a breach is one that the rule answers."""
    limit = policy.limits[quantity.metric]
    match rule:
        case Rule.REGRESSION:
            expected = _expected_gain_bps_hz(watch, policy)
            return expected is not None and quantity.value < expected
        case Rule.LATENCY:
            # Going back helps only where the version before was measured to be quick enough.
            baseline = watch.baseline if _is_fresh(watch, policy) else None
            known = None if baseline is None else baseline.inference_ms_p95
            return known is not None and known <= limit.threshold
        case Rule.ACHIEVED_KPI:
            return quantity.value < limit.threshold
        case _:
            return True


def _quantity(watch: Watch, policy: MonitoringPolicy, metric: Metric) -> Quantity:
    limit = policy.limits[metric]
    threshold = limit.threshold
    if metric is Metric.SECRECY_GAIN:
        expected = _expected_gain_bps_hz(watch, policy)
        threshold = threshold if expected is None else max(threshold, expected)
    window = watch.samples[-limit.window :]
    values = _values(metric, window, policy)
    value = 0.0
    if values:
        value = _p95(values) if metric is Metric.INFERENCE_LATENCY_MS_P95 else fmean(values)
    # Written for a floor; a ceiling is the same upside down.
    sign = -1.0 if metric in CEILINGS else 1.0
    height = sign * (value - threshold)
    breached = metric in watch.breached
    if len(values) >= limit.minimum_samples:
        breached = height <= limit.hysteresis if breached else height < 0
    return Quantity(metric, value, threshold, limit.hysteresis, breached, len(values))


def _values(metric: Metric, window: Sequence[Sample], policy: MonitoringPolicy) -> list[float]:
    by_model = [sample for sample in window if sample.by_model]
    match metric:
        case Metric.LATENT_RELIABILITY:
            return [sample.reliability for sample in by_model]
        case Metric.SECRECY_GAIN:
            return [sample.gain_bps_hz for sample in by_model]
        case Metric.DECISION_FAILURE_RATIO:
            return [0.0 if sample.by_model else 1.0 for sample in window]
        case Metric.INFERENCE_LATENCY_MS_P95:
            return [sample.inference_ms for sample in by_model]
        case Metric.OOD_RATE:
            return [float(sample.reliability < policy.ood_reliability) for sample in by_model]


def _p95(values: Sequence[float]) -> float:
    """The 95th percentile by nearest rank; there is at least one value."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def _expected_gain_bps_hz(watch: Watch, policy: MonitoringPolicy) -> float | None:
    # What a fresh version has to reach; None once it has proved itself or stands alone.
    if watch.baseline is None or not _is_fresh(watch, policy):
        return None
    return watch.baseline.gain_bps_hz - policy.regression_margin_bps_hz


def _is_fresh(watch: Watch, policy: MonitoringPolicy) -> bool:
    return watch.decision_count <= policy.fresh_decisions


# What each rule looks at, the most urgent rule first.
_WATCHES: Mapping[Rule, Metric] = {
    Rule.REGRESSION: Metric.SECRECY_GAIN,
    Rule.LATENCY: Metric.INFERENCE_LATENCY_MS_P95,
    Rule.ACHIEVED_KPI: Metric.SECRECY_GAIN,
    Rule.LATENT_RELIABILITY: Metric.LATENT_RELIABILITY,
    Rule.DRIFT: Metric.OOD_RATE,
}
