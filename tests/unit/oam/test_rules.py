"""What a consumer's ThresholdMonitor leads to: a rule answers, within the guards of all rules."""

from dataclasses import replace
from datetime import timedelta

from support.oam_samples import MODEL, MONITORING, NOW, POLICY, reference, started

from oam.approvals import ApprovalPolicy, ApprovalStep
from oam.lifecycles import Change, Lifecycle, Policy, begin
from oam.monitoring import Watch
from oam.oscillation import Recent
from oam.record import StepKind
from oam.rules import MonitorBreach, answer_monitor
from oam.transitions import Stage

IN_USE = Lifecycle(MODEL, active=reference(1), active_since=NOW, watch=Watch(model=reference(1)))
BREACH = MonitorBreach(
    monitor="SubNetwork=aimlnf,ThresholdMonitor=m",
    text="monitor m saw that OOD_RATE rose to 0.9 (threshold 0.5)",
    figures={"OOD_RATE": 0.9, "threshold": 0.5, "hysteresis": 0.1},
)


def answered(lifecycle: Lifecycle, policy: Policy = POLICY) -> Change:
    """What the breach makes of the lifecycle."""
    return answer_monitor(lifecycle, BREACH, policy, adaptation_id="a1", now=NOW)


def test_breach_starts_a_retraining_of_the_rule() -> None:
    """Both steps are the rule's, with what was seen; the first names the monitor."""
    change = answered(IN_USE)
    seen, asked = change.steps
    assert (seen.kind, seen.object_ref) == (StepKind.DEGRADED, BREACH.monitor)
    assert seen.figures == asked.figures == BREACH.figures
    assert asked.kind is StepKind.REQUESTED
    assert {seen.initiator, asked.initiator} == {"rule:threshold-monitor"}
    assert BREACH.text in asked.detail
    assert change.adaptation is not None
    assert change.adaptation.from_model == reference(1)


def test_retraining_waits_for_whoever_has_to_allow_it() -> None:
    """As that of any rule, where the configuration says so."""
    waits = replace(POLICY, approvals=ApprovalPolicy(waits=frozenset({ApprovalStep.RETRAIN})))
    adaptation = answered(IN_USE, waits).adaptation
    assert adaptation is not None
    assert adaptation.stage is Stage.AWAIT_START


def test_rule_is_held_back_and_the_record_says_why() -> None:
    """By another adaptation, by rest after one, and where no version is in use."""
    busy = begin(IN_USE, started(adaptation_id="other"), POLICY).lifecycle
    rest = timedelta(seconds=MONITORING.retrain_cool_down_s / 2)
    rested = replace(IN_USE, recent=Recent(last_end_time=NOW - rest))
    for lifecycle, why in (
        (busy, "adaptation other is in progress already"),
        (rested, "rule threshold-monitor waits 30 s"),
        (Lifecycle(MODEL), "no version is in use"),
    ):
        change = answered(lifecycle)
        (seen,) = change.steps
        assert why in seen.detail
        assert change.lifecycle == lifecycle
        assert change.adaptation is None
