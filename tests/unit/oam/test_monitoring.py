"""Thresholds, hysteresis and rules."""

from dataclasses import replace
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st
from support.oam_samples import MONITORING, reference

from oam.monitoring import (
    NOT_WATCHED,
    Baseline,
    Quantity,
    Sample,
    Watch,
    due_rules,
    observe,
    quantities,
    returned,
    successor,
)
from oam.monitoring_policy import Limit, Metric, MonitoringPolicy, Rule

WATCH = Watch(model=reference(3))
SAMPLES = st.builds(
    Sample,
    by_model=st.booleans(),
    reliability=st.floats(0, 1),
    gain_bps_hz=st.floats(-5, 5),
)


def good(count: int, *, reliability: float = 0.9, gain_bps_hz: float = 2.0) -> list[Sample]:
    """Decisions of the model, all alike."""
    return [Sample(by_model=True, reliability=reliability, gain_bps_hz=gain_bps_hz)] * count


def after(watch: Watch, samples: list[Sample]) -> tuple[Watch, list[Quantity]]:
    """The watch after all samples, and everything that was breached or held again."""
    crossings: list[Quantity] = []
    for sample in samples:
        watch, crossed = observe(watch, sample, MONITORING)
        crossings.extend(crossed)
    return watch, crossings


def due_rule(watch: Watch, policy: MonitoringPolicy) -> tuple[Rule, Quantity] | None:
    """The most urgent rule that is due."""
    return next(iter(due_rules(watch, policy)), None)


def quantity(watch: Watch, metric: Metric) -> Quantity:
    """One watched quantity."""
    return next(each for each in quantities(watch, MONITORING) if each.metric is metric)


def test_nothing_is_judged_on_too_few_decisions() -> None:
    """One short of the minimum breaches nothing, the next one does."""
    watch, crossings = after(WATCH, good(3, reliability=0.1))
    assert crossings == []
    watch, crossings = after(watch, good(1, reliability=0.1))
    assert [(each.metric, each.breached) for each in crossings] == [
        (Metric.LATENT_RELIABILITY, True)
    ]


def test_breach_is_told_once_and_ends_beyond_the_hysteresis() -> None:
    """Between threshold and hysteresis the breach stands; above it, it ends."""
    watch, crossings = after(WATCH, good(10, reliability=0.4))
    assert len(crossings) == 1
    watch, crossings = after(watch, good(10, reliability=0.55))
    assert crossings == []
    assert quantity(watch, Metric.LATENT_RELIABILITY).breached
    watch, crossings = after(watch, good(10, reliability=0.9))
    assert [(each.metric, each.breached) for each in crossings] == [
        (Metric.LATENT_RELIABILITY, False)
    ]


def test_failures_are_a_ceiling() -> None:
    """Decisions of the fallback count as failures; too many of them breach."""
    fallback = Sample(by_model=False, reliability=0.0, gain_bps_hz=0.0)
    watch, crossings = after(WATCH, good(6) + [fallback] * 4)
    assert [(each.metric, each.breached) for each in crossings] == [
        (Metric.DECISION_FAILURE_RATIO, True)
    ]
    assert "above its threshold" in crossings[0].text
    _, crossings = after(watch, good(10))
    assert crossings[0].breached is False


def test_fallback_says_nothing_of_the_model() -> None:
    """Neither reliability nor gain of a fallback decision is averaged."""
    fallback = Sample(by_model=False, reliability=0.0, gain_bps_hz=-9.0)
    watch, _ = after(WATCH, good(5) + [fallback] * 2)
    assert quantity(watch, Metric.LATENT_RELIABILITY).value == 0.9
    assert quantity(watch, Metric.SECRECY_GAIN).window_count == 5


@given(st.lists(SAMPLES, max_size=120), st.floats(0, 1), st.floats(0, 0.3))
def test_watch_agrees_with_the_whole_history(
    history: list[Sample], threshold: float, hysteresis: float
) -> None:
    """A second, slow monitor that keeps everything breaches and recovers at the same decisions."""
    policy = replace(MONITORING, latent_reliability=Limit(threshold, hysteresis))
    watch, breached = WATCH, False
    for end in range(1, len(history) + 1):
        watch, _ = observe(watch, history[end - 1], policy)
        window = [each.reliability for each in history[max(0, end - 10) : end] if each.by_model]
        if len(window) >= policy.minimum_samples:
            mean = fmean(window)
            if mean < threshold:
                breached = True
            elif mean > threshold and mean - threshold > hysteresis:
                breached = False
        assert (Metric.LATENT_RELIABILITY in watch.breached) == breached
    assert watch.decision_count == len(history)
    assert len(watch.samples) <= policy.window


@given(st.lists(SAMPLES, min_size=1, max_size=120))
def test_no_flutter(history: list[Sample]) -> None:
    """Between a breach and its end the mean has moved by more than the hysteresis."""
    watch, last = WATCH, {}
    for sample in history:
        watch, crossings = observe(watch, sample, MONITORING)
        for crossing in crossings:
            before = last.get(crossing.metric)
            assert before is None or before.breached is not crossing.breached
            if before is not None and not crossing.breached:
                assert abs(crossing.value - before.threshold) >= crossing.hysteresis
            last[crossing.metric] = crossing


def test_low_reliability_asks_for_retraining() -> None:
    """The rule is due for as long as the breach stands."""
    watch, _ = after(WATCH, good(10, reliability=0.2))
    due = due_rule(watch, MONITORING)
    assert due is not None
    assert due[0] is Rule.LATENT_RELIABILITY


def test_fresh_version_is_held_against_the_one_before() -> None:
    """A gain clearly below the predecessor's asks for a rollback, a slightly lower one does not."""
    old, _ = after(WATCH, good(10, gain_bps_hz=3.0))
    fresh = successor(old, reference(4), MONITORING)
    assert fresh.baseline == Baseline(3, gain_bps_hz=3.0, count=10, inference_ms_p95=0.0)
    worse, _ = after(fresh, good(4, gain_bps_hz=1.9))
    due = due_rule(worse, MONITORING)
    assert due is not None
    assert due[0] is Rule.REGRESSION
    assert due[1].threshold == 2.0
    slightly, _ = after(fresh, good(4, gain_bps_hz=2.1))
    assert due_rule(slightly, MONITORING) is None


def test_regression_comes_before_retraining() -> None:
    """A version that is both unfamiliar and worse is left, not trained from."""
    old, _ = after(WATCH, good(10, gain_bps_hz=3.0))
    watch, _ = after(
        successor(old, reference(4), MONITORING), good(10, reliability=0.1, gain_bps_hz=0.5)
    )
    due = due_rule(watch, MONITORING)
    assert due is not None
    assert due[0] is Rule.REGRESSION


def test_version_that_proved_itself_is_compared_no_more() -> None:
    """After the fresh decisions a lower gain is the weather's, not the version's."""
    old, _ = after(WATCH, good(10, gain_bps_hz=3.0))
    watch, _ = after(
        successor(old, reference(4), MONITORING),
        good(20, gain_bps_hz=2.5) + good(10, gain_bps_hz=0.5),
    )
    assert due_rule(watch, MONITORING) is None
    assert quantity(watch, Metric.SECRECY_GAIN).threshold == MONITORING.secrecy_gain.threshold


def test_rollback_is_never_rolled_back() -> None:
    """A version that was gone back to has no baseline, whatever it achieves."""
    watch, _ = after(returned(reference(3)), good(10, gain_bps_hz=0.1))
    assert due_rule(watch, MONITORING) is None


def test_too_short_a_window_is_no_baseline() -> None:
    """A version that hardly decided is nothing to be held against."""
    old, _ = after(WATCH, good(3))
    assert successor(old, reference(4), MONITORING).baseline is None


def test_nothing_in_use_is_not_watched() -> None:
    """Without a version there are no quantities and no rules."""
    assert quantities(NOT_WATCHED, MONITORING) == ()
    assert due_rule(NOT_WATCHED, MONITORING) is None
