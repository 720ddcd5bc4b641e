"""Where a model stands, and everything that can happen to it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oam_samples import (
    HAPPY,
    MANUAL_POLICY,
    MODEL,
    MONITORING,
    NOW,
    POLICY,
    reference,
    started,
)

from nf_runtime.errors import FailedPrecondition
from oam import adaptation_events as events
from oam.approvals import ApprovalPolicy, ApprovalStep
from oam.canary import CanaryPolicy, Comparison
from oam.lifecycles import (
    Change,
    Lifecycle,
    Policy,
    begin,
    proceed,
    synchronised,
)
from oam.managed_objects import AIMLInferenceFunction
from oam.monitoring import Sample, Watch
from oam.monitoring_policy import Limit, Metric, Rule
from oam.oscillation import Recent, check_return, why_held_back
from oam.record import StepKind
from oam.rules import report
from oam.transitions import AdaptationKind, AdaptationState, Stage

IDLE = Lifecycle(MODEL)
IN_USE = Lifecycle(
    MODEL,
    active=reference(1),
    previous=reference(7),
    active_since=NOW,
    watch=Watch(model=reference(1)),
)
BAD = Sample(by_model=True, reliability=0.1, gain_bps_hz=2.0)
GOOD = Sample(by_model=True, reliability=0.9, gain_bps_hz=2.0)


def told(lifecycle: Lifecycle, event: events.Event, policy: Policy = POLICY) -> Change:
    """The change that the event makes of adaptation a1."""
    return proceed(lifecycle, adaptation_id="a1", event=event, policy=policy, now=NOW)


def completed(
    lifecycle: Lifecycle, kind: AdaptationKind = AdaptationKind.RETRAIN
) -> tuple[Lifecycle, list[StepKind]]:
    """The lifecycle after an adaptation for which everything went well, and its steps."""
    lifecycle = begin(lifecycle, started(kind), POLICY).lifecycle
    steps: list[StepKind] = []
    while lifecycle.current is not None:
        change = told(lifecycle, HAPPY[lifecycle.current.stage])
        lifecycle = change.lifecycle
        steps += [step.kind for step in change.steps]
    return lifecycle, steps


def reported(
    lifecycle: Lifecycle, samples: list[Sample], *, now: datetime = NOW
) -> tuple[Lifecycle, list[Change]]:
    """The lifecycle after these decisions, and what each changed."""
    changes = []
    for number, sample in enumerate(samples):
        change = report(lifecycle, sample, POLICY, adaptation_id=f"r{number}", now=now)
        lifecycle = change.lifecycle
        changes.append(change)
    return lifecycle, changes


def test_initial_training_tells_its_steps_in_order() -> None:
    """Trained, published, tested, approved, loaded, activated."""
    lifecycle, steps = completed(IDLE, AdaptationKind.INITIAL)
    assert steps == [
        StepKind.TRAINED,
        StepKind.PUBLISHED,
        StepKind.TESTED,
        StepKind.APPROVED,
        StepKind.LOADED,
        StepKind.ACTIVATED,
    ]
    assert lifecycle.active == reference(2)
    assert lifecycle.previous == reference(1)


def test_retraining_and_rollback_have_steps_of_their_own() -> None:
    """Retrained instead of trained; rolled back instead of activated."""
    assert completed(IN_USE)[1][0] is StepKind.RETRAINED
    assert completed(IN_USE, AdaptationKind.ROLLBACK)[1] == [
        StepKind.LOADED,
        StepKind.ROLLED_BACK,
    ]


def test_second_adaptation_is_refused() -> None:
    """Never two of one model at once; the error names the first."""
    busy = begin(IDLE, started(), POLICY).lifecycle
    with pytest.raises(FailedPrecondition) as raised:
        begin(busy, started(adaptation_id="a2"), POLICY)
    assert raised.value.reason == "ADAPTATION_IN_PROGRESS"
    assert raised.value.metadata["adaptation_id"] == "a1"


def test_event_of_another_adaptation_is_refused() -> None:
    """Approving what has ended changes nothing."""
    busy = begin(IDLE, started(), POLICY).lifecycle
    with pytest.raises(FailedPrecondition) as raised:
        proceed(busy, adaptation_id="a0", event=HAPPY[Stage.PREPARE], policy=POLICY, now=NOW)
    assert raised.value.reason == "STATE_FORBIDS"


def test_automatic_approval_does_not_stop() -> None:
    """A version that passed its test goes straight on, and the rule is named as approver."""
    lifecycle = begin(IDLE, started(), POLICY).lifecycle
    lifecycle = replace(lifecycle, current=replace(started(), stage=Stage.RECORD_TEST))
    after = told(lifecycle, events.TestPassed()).adaptation
    assert after is not None
    assert (after.stage, after.approver) == (Stage.APPROVE, "rule:automatic-approval")


def test_manual_approval_stops() -> None:
    """It waits for somebody."""
    lifecycle = replace(IDLE, current=replace(started(), stage=Stage.RECORD_TEST))
    after = told(lifecycle, events.TestPassed(), MANUAL_POLICY).adaptation
    assert after is not None
    assert after.state is AdaptationState.AWAITING_APPROVAL


def test_failure_leaves_in_use_what_was() -> None:
    """The active version, its window and the previous one stay."""
    busy = begin(IN_USE, started(), POLICY).lifecycle
    after = told(busy, events.OrderPrepared(HAPPY[Stage.PREPARE].order, "")).lifecycle  # type: ignore[union-attr]
    change = told(after, events.Refused("no"))
    assert change.lifecycle.current is None
    assert change.lifecycle.recent.last_end_time == NOW
    assert (change.lifecycle.active, change.lifecycle.previous) == (reference(1), reference(7))
    assert [step.kind for step in change.steps] == [StepKind.FAILED]
    assert "version 1 stays in use" in change.steps[0].detail


def test_last_training_is_chained() -> None:
    """The report of the next training refers to the one before."""
    lifecycle, _ = completed(IDLE)
    change = begin(lifecycle, started(adaptation_id="a2"), POLICY)
    assert change.adaptation is not None
    assert change.adaptation.last_training_ref.endswith("MLTrainingReport=a1")


def test_low_reliability_starts_one_retraining() -> None:
    """The decision that breaches the threshold starts it, those after it do not start another."""
    lifecycle, changes = reported(IN_USE, [BAD] * 8)
    assert [change.adaptation is not None for change in changes].count(True) == 1
    begun = changes[MONITORING.minimum_samples - 1]
    assert begun.adaptation is not None
    assert begun.adaptation.kind is AdaptationKind.RETRAIN
    assert begun.adaptation.initiator == "rule:latent-reliability"
    assert "LATENT_RELIABILITY averaged 0.100" in begun.adaptation.cause
    assert [step.kind for step in begun.steps] == [StepKind.DEGRADED, StepKind.REQUESTED]
    assert begun.steps[1].figures["latent_reliability"] == pytest.approx(0.1)
    assert "rule latent-reliability retrains from version 1" in begun.steps[0].detail
    assert lifecycle.current is not None


def test_alarm_is_raised_and_cleared_under_one_identity() -> None:
    """A breach raises it, its end clears it."""
    busy = begin(IN_USE, started(), POLICY).lifecycle
    _, changes = reported(busy, [BAD] * 10 + [GOOD] * 10)
    alarms = [alarm for change in changes for alarm in change.alarms]
    assert [alarm.cleared for alarm in alarms] == [False, True]
    assert {alarm.alarm_id for alarm in alarms} == {"gan-gdm/1/LATENT_RELIABILITY"}


def test_activation_clears_the_alarms_of_the_version_before() -> None:
    """What is no longer in use cannot be degraded."""
    lifecycle, _ = reported(IN_USE, [BAD] * 4)
    assert lifecycle.current is not None
    alarms = []
    while lifecycle.current is not None:
        change = proceed(
            lifecycle,
            adaptation_id="r3",
            event=HAPPY[lifecycle.current.stage],
            policy=POLICY,
            now=NOW,
        )
        lifecycle = change.lifecycle
        alarms += change.alarms
    assert [(alarm.alarm_id, alarm.cleared) for alarm in alarms] == [
        ("gan-gdm/1/LATENT_RELIABILITY", True)
    ]


def test_cool_down_holds_a_rule_back_and_then_lets_it_go() -> None:
    """The breach is told at once, the retraining starts when the time has passed."""
    lifecycle, _ = completed(IN_USE)
    lifecycle, changes = reported(lifecycle, [BAD] * 4)
    assert lifecycle.current is None
    assert "waits 60 s" in changes[-1].steps[0].detail
    later = NOW + timedelta(seconds=MONITORING.retrain_cool_down_s)
    lifecycle, changes = reported(lifecycle, [BAD], now=later)
    assert lifecycle.current is not None
    assert [step.kind for step in changes[0].steps] == [StepKind.REQUESTED]


def test_first_version_may_be_retrained_at_once() -> None:
    """It replaced nothing, so there is nothing that could swing."""
    lifecycle = begin(
        IDLE, replace(started(AdaptationKind.INITIAL), from_model=events.NO_MODEL), POLICY
    ).lifecycle
    while lifecycle.current is not None:
        lifecycle = told(lifecycle, HAPPY[lifecycle.current.stage]).lifecycle
    lifecycle, _ = reported(lifecycle, [BAD] * 4)
    assert lifecycle.current is not None
    assert lifecycle.current.kind is AdaptationKind.RETRAIN


def test_worse_successor_is_rolled_back() -> None:
    """A fresh version whose gain is clearly lower goes, without waiting for the cool-down."""
    lifecycle, _ = reported(IN_USE, [replace(GOOD, gain_bps_hz=5.0)] * 10)
    lifecycle, _ = completed(lifecycle)
    lifecycle, changes = reported(lifecycle, [GOOD] * 4)
    assert lifecycle.current is not None
    assert lifecycle.current.kind is AdaptationKind.ROLLBACK
    assert lifecycle.current.initiator == "rule:regression"
    assert lifecycle.current.to_model == reference(1)
    assert "rule regression goes back to version 1" in changes[-1].steps[0].detail


def test_rollback_that_failed_is_not_tried_again_by_rule() -> None:
    """The operator has to look at it."""
    lifecycle, _ = reported(IN_USE, [replace(GOOD, gain_bps_hz=5.0)] * 10)
    lifecycle, _ = completed(lifecycle)
    lifecycle, _ = reported(lifecycle, [GOOD] * 4)
    assert lifecycle.current is not None
    failed = proceed(
        lifecycle,
        adaptation_id=lifecycle.current.adaptation_id,
        event=events.Refused("artifact is gone"),
        policy=POLICY,
        now=NOW,
    )
    lifecycle, changes = reported(failed.lifecycle, [GOOD] * 20)
    assert lifecycle.current is None
    assert all(change.adaptation is None for change in changes)


def test_regression_without_a_previous_version_is_only_told() -> None:
    """There is nothing to go back to."""
    lifecycle, _ = reported(IN_USE, [replace(GOOD, gain_bps_hz=5.0)] * 10)
    lifecycle, _ = completed(lifecycle)
    lifecycle, changes = reported(replace(lifecycle, previous=events.NO_MODEL), [GOOD] * 4)
    assert lifecycle.current is None
    assert "finds no version to go back to" in changes[-1].steps[0].detail


def test_breach_without_a_rule_says_so() -> None:
    """A model that fails to decide raises an alarm; nothing that rules do would mend it."""
    lifecycle, changes = reported(IN_USE, [replace(GOOD, by_model=False)] * 4)
    assert lifecycle.current is None
    assert "no rule answers it" in changes[-1].steps[0].detail
    assert Metric.DECISION_FAILURE_RATIO in changes[-1].steps[0].detail


@pytest.mark.parametrize(
    ("sample", "rule"),
    [
        (replace(GOOD, gain_bps_hz=-1.0), "achieved-kpi"),
        (replace(GOOD, reliability=0.3), "latent-reliability"),
    ],
)
def test_each_quantity_has_a_rule_of_its_own(sample: Sample, rule: str) -> None:
    """What the decisions achieve, and how sure the model is, each ask for a retraining."""
    lifecycle, _ = reported(IN_USE, [sample] * 4)
    assert lifecycle.current is not None
    assert lifecycle.current.initiator == f"rule:{rule}"
    assert lifecycle.current.kind is AdaptationKind.RETRAIN


def test_drift_is_seen_although_the_mean_is_not() -> None:
    """Most contexts are unlike those trained on, a few are very usual: the mean hides it."""
    unlike = replace(GOOD, reliability=0.01)
    usual = replace(GOOD, reliability=1.0)
    policy = replace(POLICY, monitoring=replace(MONITORING, latent_reliability=Limit(0.3, 0.1)))
    lifecycle = IN_USE
    for number, sample in enumerate([usual, unlike, unlike, usual, unlike]):
        lifecycle = report(lifecycle, sample, policy, adaptation_id=f"r{number}", now=NOW).lifecycle
    assert lifecycle.current is not None
    assert lifecycle.current.initiator == "rule:drift"
    assert "OOD_RATE averaged 0.600" in lifecycle.current.cause


def test_slow_version_goes_back_to_one_that_was_quick() -> None:
    """Latency is the only quantity that a retraining would not change."""
    quick = replace(GOOD, inference_ms=40.0)
    lifecycle, _ = reported(IN_USE, [quick] * 6)
    lifecycle, _ = completed(lifecycle)
    lifecycle, changes = reported(
        lifecycle, [replace(GOOD, inference_ms=150.0)] * 4, now=NOW + timedelta(seconds=1)
    )
    assert lifecycle.current is not None
    assert lifecycle.current.initiator == "rule:latency"
    assert lifecycle.current.to_model == reference(1)
    assert "INFERENCE_LATENCY_MS_P95 was 150.000" in changes[-1].steps[0].detail


def test_slow_version_stays_where_going_back_would_not_help() -> None:
    """It raises an alarm; nobody knows of a quicker one."""
    lifecycle, changes = reported(IN_USE, [replace(GOOD, inference_ms=150.0)] * 4)
    assert lifecycle.current is None
    assert "no rule answers it" in changes[-1].steps[0].detail


def test_rules_keep_still_after_too_many_adaptations() -> None:
    """Rest alone would let a rule act for ever; the budget does not, until the window is over."""
    policy = replace(
        POLICY,
        monitoring=replace(MONITORING, most_adaptations=2, adaptation_window_s=1000.0),
    )
    lifecycle, starts = IN_USE, []
    for number in range(30):
        now = NOW + timedelta(seconds=61 * number)
        change = report(lifecycle, BAD, policy, adaptation_id=f"r{number}", now=now)
        lifecycle = change.lifecycle
        if lifecycle.current is not None:
            starts.append(now)
            lifecycle = proceed(
                lifecycle,
                adaptation_id=f"r{number}",
                event=events.Refused("no"),
                policy=policy,
                now=now,
            ).lifecycle
    assert len(starts) == 4
    assert starts[2] - starts[0] >= timedelta(seconds=1000)


def test_operator_is_not_held_back() -> None:
    """Rest and budget are for rules."""
    recent = Recent(begin_times=(NOW,) * 10, last_end_time=NOW)
    lifecycle = replace(IN_USE, recent=recent)
    assert begin(lifecycle, started(), POLICY).lifecycle.current is not None


def test_no_rule_returns_to_a_version_that_was_left() -> None:
    """Going back leaves a version for good, until it decides again by an operator's word."""
    lifecycle, _ = completed(replace(IN_USE, active=reference(2)), AdaptationKind.ROLLBACK)
    assert lifecycle.recent.left_versions == (2,)
    held = why_held_back(lifecycle.recent, Rule.REGRESSION, MONITORING, previous=2, now=NOW)
    assert "does not return to version 2" in held
    with pytest.raises(FailedPrecondition):
        check_return(lifecycle.recent, 2, allowed=False)
    check_return(lifecycle.recent, 2, allowed=True)
    assert lifecycle.recent.decides(2, instead_of=1, rolled_back=True).left_versions == (1,)


def test_rule_waits_for_a_person_where_it_has_to() -> None:
    """Nothing is trained before somebody allows it; an operator's own wish needs no second word."""
    policy = replace(
        POLICY, approvals=ApprovalPolicy(waits=frozenset({ApprovalStep.RETRAIN}), timeout_s=60)
    )
    change = begin(IN_USE, replace(started(), initiator="rule:drift"), policy)
    assert change.adaptation is not None
    assert change.adaptation.stage is Stage.AWAIT_START
    assert [step.kind for step in change.steps] == [StepKind.REQUESTED, StepKind.WAITING]
    assert "without a decision it is turned down at 12:01:00 UTC" in change.steps[1].detail
    allowed = told(change.lifecycle, events.ApprovalGiven("operator:ada", "go"), policy)
    assert allowed.adaptation is not None
    assert allowed.adaptation.stage is Stage.PREPARE
    assert [step.kind for step in allowed.steps] == [StepKind.ALLOWED]
    denied = told(change.lifecycle, events.ApprovalDenied("operator:ada", "not now"), policy)
    assert denied.lifecycle.current is None
    assert denied.steps[0].detail == (
        "Nothing is trained, since it was turned down by operator:ada: not now; "
        "version 1 stays in use."
    )
    own = begin(IN_USE, started(), policy)
    assert own.adaptation is not None
    assert own.adaptation.stage is Stage.PREPARE


def test_worse_candidate_is_turned_down() -> None:
    """The champion goes on deciding, and the record has the figures of both."""
    policy = replace(POLICY, canary=CanaryPolicy(decisions=20))
    lifecycle = begin(IN_USE, started(), policy).lifecycle
    while lifecycle.current is not None and lifecycle.current.stage is not Stage.CANARY:
        lifecycle = told(lifecycle, HAPPY[lifecycle.current.stage], policy).lifecycle
    worse = events.CanaryFailed(Comparison(20, 1, 0, 10.0, 7.0), "beyond the margin")
    change = told(lifecycle, worse, policy)
    assert change.adaptation is not None
    assert change.adaptation.stage is Stage.WITHDRAW
    assert change.steps[0].figures["candidate_rate_bps_hz"] == 7.0
    assert "version 1 stays in use" in change.steps[0].detail
    assert told(change.lifecycle, events.Withdrawn(), policy).lifecycle.active == reference(1)


def test_first_version_has_nobody_to_be_compared_with() -> None:
    """It is activated at once."""
    policy = replace(POLICY, canary=CanaryPolicy(decisions=20))
    first = replace(started(AdaptationKind.INITIAL), from_model=events.NO_MODEL, stage=Stage.LOAD)
    after = told(replace(IDLE, current=first), HAPPY[Stage.LOAD], policy).adaptation
    assert after is not None
    assert after.stage is Stage.ACTIVATE


def test_outcome_of_a_stage_that_is_over_is_refused() -> None:
    """Of two processes that drive one adaptation, the first to store an outcome wins."""
    lifecycle = begin(IN_USE, started(), POLICY).lifecycle
    after = told(lifecycle, HAPPY[Stage.PREPARE]).lifecycle
    with pytest.raises(FailedPrecondition) as raised:
        proceed(
            after,
            adaptation_id="a1",
            event=events.Refused("it exists already"),
            policy=POLICY,
            now=NOW,
            stage=Stage.PREPARE,
        )
    assert raised.value.reason == "STATE_FORBIDS"


@given(st.lists(st.sampled_from([BAD, GOOD]), max_size=150), st.floats(0, 2))
def test_no_oscillation(samples: list[Sample], interval_s: float) -> None:
    """Whatever the decisions, rules start adaptations no closer than the cool-down."""
    lifecycle, now, starts, ended = IN_USE, NOW, [], None
    for number, sample in enumerate(samples):
        now += timedelta(seconds=interval_s)
        change = report(lifecycle, sample, POLICY, adaptation_id=f"r{number}", now=now)
        lifecycle = change.lifecycle
        if change.adaptation is not None:
            starts.append(now)
            assert ended is None or now - ended >= timedelta(seconds=60)
            prepared = proceed(
                lifecycle,
                adaptation_id=change.adaptation.adaptation_id,
                event=events.Refused("no"),
                policy=POLICY,
                now=now,
            )
            lifecycle, ended = prepared.lifecycle, now
    assert len(starts) <= 1 + len(samples) * interval_s / 60


def test_champion_of_the_repository_is_taken_over() -> None:
    """Another champion is watched afresh; the same one keeps its window."""
    lifecycle, _ = reported(IN_USE, [GOOD] * 4)
    same = synchronised(lifecycle, reference(1), reference(3), POLICY, NOW).lifecycle
    assert same.watch == lifecycle.watch
    assert same.previous == reference(3)
    other = synchronised(lifecycle, reference(4), reference(1), POLICY, NOW)
    assert other.lifecycle.watch == Watch(model=reference(4))
    function = other.objects[-1].attributes
    assert function == AIMLInferenceFunction("ACTIVATED", (reference(4).distinguished_name,))
