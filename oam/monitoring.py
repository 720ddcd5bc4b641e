"""What the OAM watches of the version in use, and when a rule asks for an adaptation.

`ThresholdMonitor` of TS 28.623, over the latest decisions instead of a granularity period: a
threshold is breached when the mean over the window passes it, and holds again only when the mean
has come back by the hysteresis. Nothing is judged on fewer than the minimum of decisions.

Not modelled: statistical significance. The minimum and the margins stand for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean

from oam.adaptation_events import NO_MODEL, ModelReference


class Metric(StrEnum):
    """`performanceMetric`: names of this project, 3GPP defines none of them."""

    LATENT_RELIABILITY = "LATENT_RELIABILITY"
    SECRECY_GAIN = "SECRECY_GAIN"
    DECISION_FAILURE_RATIO = "DECISION_FAILURE_RATIO"


class Rule(StrEnum):
    """What starts an adaptation without an operator."""

    LATENT_RELIABILITY = "latent-reliability"
    REGRESSION = "regression"


@dataclass(frozen=True)
class Limit:
    """A threshold with its hysteresis, both in the metric's unit."""

    threshold: float
    hysteresis: float


@dataclass(frozen=True)
class MonitoringPolicy:
    """What is watched and when something is done about it.

    Attributes:
        window: Decisions that the means run over.
        minimum_samples: Decisions needed before anything is judged.
        latent_reliability: Smallest mean reliability, in [0, 1].
        secrecy_gain: Smallest mean gain of a decision over what was in force, in b/s/Hz.
        decision_failure_ratio: Largest share of decisions that the model failed to make.
        regression_margin_bps_hz: How far the gain may fall short of the version before.
        fresh_decisions: For how many decisions a new version is held against the one before.
        retrain_cool_down_s: How long after an adaptation of a version in use no rule retrains.
        rollback_cool_down_s: How long after one no rule rolls back.
    """

    window: int
    minimum_samples: int
    latent_reliability: Limit
    secrecy_gain: Limit
    decision_failure_ratio: Limit
    regression_margin_bps_hz: float
    fresh_decisions: int
    retrain_cool_down_s: float
    rollback_cool_down_s: float

    def cool_down_s(self, rule: Rule) -> float:
        """How long the rule keeps still after an adaptation of a version in use has ended."""
        if rule is Rule.REGRESSION:
            return self.rollback_cool_down_s
        return self.retrain_cool_down_s


@dataclass(frozen=True)
class Sample:
    """One decision. Gain is the sum secrecy rate after minus before, in b/s/Hz."""

    by_model: bool
    reliability: float
    gain_bps_hz: float


@dataclass(frozen=True)
class Baseline:
    """What the version before achieved in its last window."""

    version: int
    gain_bps_hz: float
    count: int


@dataclass(frozen=True)
class Watch:
    """What is known of the version in use.

    Attributes:
        model: The version; `NO_MODEL`: nothing is watched.
        samples: The latest decisions, oldest first, at most a window.
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
        side = "above" if self.metric is Metric.DECISION_FAILURE_RATIO else "below"
        relation = side if self.breached else "again within"
        return (
            f"{self.metric} averaged {self.value:.3f} over the last {self.window_count} decisions, "
            f"{relation} its threshold {self.threshold:.3f} (hysteresis {self.hysteresis:.3f})"
        )


def observe(
    watch: Watch, sample: Sample, policy: MonitoringPolicy
) -> tuple[Watch, tuple[Quantity, ...]]:
    """The watch with one more decision, and the quantities that were breached or hold again."""
    grown = replace(
        watch,
        samples=(*watch.samples, sample)[-policy.window :],
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
    by_model = [sample for sample in watch.samples if sample.by_model]
    return (
        _quantity(
            watch,
            policy,
            Metric.LATENT_RELIABILITY,
            [sample.reliability for sample in by_model],
            policy.latent_reliability,
        ),
        _quantity(
            watch,
            policy,
            Metric.SECRECY_GAIN,
            [sample.gain_bps_hz for sample in by_model],
            replace(policy.secrecy_gain, threshold=_gain_threshold_bps_hz(watch, policy)),
        ),
        _quantity(
            watch,
            policy,
            Metric.DECISION_FAILURE_RATIO,
            [0.0 if sample.by_model else 1.0 for sample in watch.samples],
            policy.decision_failure_ratio,
        ),
    )


def due_rule(watch: Watch, policy: MonitoringPolicy) -> tuple[Rule, Quantity] | None:
    """The rule that asks for an adaptation now, with what it saw; None: all is well."""
    standing = {quantity.metric: quantity for quantity in quantities(watch, policy)}
    gain = standing.get(Metric.SECRECY_GAIN)
    expected = _expected_gain_bps_hz(watch, policy)
    if gain is not None and gain.breached and expected is not None and gain.value < expected:
        return Rule.REGRESSION, gain
    reliability = standing.get(Metric.LATENT_RELIABILITY)
    if reliability is not None and reliability.breached:
        return Rule.LATENT_RELIABILITY, reliability
    return None


def successor(watch: Watch, model: ModelReference, policy: MonitoringPolicy) -> Watch:
    """The watch over a version that was newly made: held against the one before."""
    gains = [sample.gain_bps_hz for sample in watch.samples if sample.by_model]
    if watch.model.version == 0 or len(gains) < policy.minimum_samples:
        return Watch(model=model)
    return Watch(model=model, baseline=Baseline(watch.model.version, fmean(gains), len(gains)))


def returned(model: ModelReference) -> Watch:
    """The watch over a version that was gone back to.

    It has nothing to be held against: a rollback that could be rolled back would swing for ever.
    """
    return Watch(model=model)


def _quantity(
    watch: Watch,
    policy: MonitoringPolicy,
    metric: Metric,
    values: Sequence[float],
    limit: Limit,
) -> Quantity:
    value = fmean(values) if values else 0.0
    # Written for a floor; a ceiling is the same upside down.
    sign = -1.0 if metric is Metric.DECISION_FAILURE_RATIO else 1.0
    height = sign * (value - limit.threshold)
    breached = metric in watch.breached
    if len(values) >= policy.minimum_samples:
        breached = height <= limit.hysteresis if breached else height < 0
    return Quantity(metric, value, limit.threshold, limit.hysteresis, breached, len(values))


def _gain_threshold_bps_hz(watch: Watch, policy: MonitoringPolicy) -> float:
    expected = _expected_gain_bps_hz(watch, policy)
    floor = policy.secrecy_gain.threshold
    return floor if expected is None else max(floor, expected)


def _expected_gain_bps_hz(watch: Watch, policy: MonitoringPolicy) -> float | None:
    # What a fresh version has to reach; None once it has proved itself or stands alone.
    if watch.baseline is None or watch.decision_count > policy.fresh_decisions:
        return None
    return watch.baseline.gain_bps_hz - policy.regression_margin_bps_hz
