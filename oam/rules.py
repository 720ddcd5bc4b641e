"""What follows from what is seen of the version in use: thresholds crossed, rules that answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from oam.adaptation_events import NO_MODEL
from oam.adaptations import Adaptation, new_adaptation
from oam.lifecycles import Change, Lifecycle, Policy, alarm_of, begin
from oam.monitoring import Quantity, Sample, due_rules, observe
from oam.monitoring_policy import Rule
from oam.oscillation import why_held_back
from oam.steps import crossed, monitor_saw
from oam.transitions import AdaptationKind


def report(
    lifecycle: Lifecycle, sample: Sample, policy: Policy, *, adaptation_id: str, now: datetime
) -> Change:
    """The active version decided once more; a rule may start adaptation `adaptation_id`."""
    watch, crossings = observe(lifecycle.watch, sample, policy.monitoring)
    lifecycle = replace(lifecycle, watch=watch)
    due = _startable(lifecycle, policy, now)
    steps = tuple(
        crossed(
            quantity,
            model_name=lifecycle.model_name,
            version=lifecycle.active.version,
            consequence=_consequence(lifecycle, quantity, due, policy, now),
            naming=policy.naming,
        )
        for quantity in crossings
    )
    alarms = tuple(alarm_of(lifecycle, quantity, policy) for quantity in crossings)
    change = Change(lifecycle)
    if due is not None:
        rule, seen = due
        adaptation = _by_rule(lifecycle, rule, seen, adaptation_id, now)
        change = begin(lifecycle, adaptation, policy, seen=seen.figures)
    return replace(change, steps=steps + change.steps, alarms=alarms)


@dataclass(frozen=True)
class MonitorBreach:
    """What a ThresholdMonitor (TS 28.623) has seen.

    Attributes:
        monitor: Distinguished name of the monitor.
        text: What was seen, one clause with figures.
        figures: Value, threshold and hysteresis by name.
    """

    monitor: str
    text: str
    figures: Mapping[str, float]


def answer_monitor(
    lifecycle: Lifecycle,
    breach: MonitorBreach,
    policy: Policy,
    *,
    adaptation_id: str,
    now: datetime,
) -> Change:
    """The active version is retrained, or the rule that would is held back; the record says which.

    As the OAM's own rules, it waits for whoever has to allow a retraining.
    """
    rule, version = Rule.THRESHOLD_MONITOR, lifecycle.active.version
    if version == 0:
        held_back = "no version is in use that could be retrained"
    elif lifecycle.current is not None:
        held_back = f"adaptation {lifecycle.current.adaptation_id} is in progress already"
    else:
        held_back = _held_back(lifecycle, rule, policy, now)
    seen = monitor_saw(
        breach.monitor,
        breach.text,
        breach.figures,
        model_name=lifecycle.model_name,
        version=version,
        consequence=held_back or f"rule {rule} retrains from version {version}",
    )
    if held_back:
        return Change(lifecycle, steps=(seen,))
    adaptation = new_adaptation(
        adaptation_id,
        AdaptationKind.RETRAIN,
        model_name=lifecycle.model_name,
        from_model=lifecycle.active,
        initiator=f"rule:{rule}",
        cause=f"version {version}: {breach.text}",
        now=now,
    )
    change = begin(lifecycle, adaptation, policy, seen=breach.figures)
    return replace(change, steps=(seen, *change.steps))


def _startable(lifecycle: Lifecycle, policy: Policy, now: datetime) -> tuple[Rule, Quantity] | None:
    """The most urgent rule that is due and may act, with what it saw."""
    if lifecycle.current is not None:
        return None
    due = due_rules(lifecycle.watch, policy.monitoring)
    return next((each for each in due if not _held_back(lifecycle, each[0], policy, now)), None)


def _held_back(lifecycle: Lifecycle, rule: Rule, policy: Policy, now: datetime) -> str:
    return why_held_back(
        lifecycle.recent,
        rule,
        policy.monitoring,
        previous=lifecycle.previous.version,
        now=now,
    )


def _consequence(
    lifecycle: Lifecycle,
    quantity: Quantity,
    due: tuple[Rule, Quantity] | None,
    policy: Policy,
    now: datetime,
) -> str:
    if not quantity.breached:
        return "its alarm is cleared"
    if due is not None and due[1].metric is quantity.metric:
        action = "goes back to" if due[0].goes_back else "retrains from"
        target = lifecycle.previous if due[0].goes_back else lifecycle.active
        return f"rule {due[0]} {action} version {target.version}"
    if lifecycle.current is not None:
        return f"adaptation {lifecycle.current.adaptation_id} is in progress already"
    if due is not None:
        return f"rule {due[0]} is more urgent and acts"
    wanted = due_rules(lifecycle.watch, policy.monitoring)
    rules = [rule for rule, seen in wanted if seen.metric is quantity.metric]
    if not rules:
        return "no rule answers it"
    return _held_back(lifecycle, rules[0], policy, now)


def _by_rule(
    lifecycle: Lifecycle, rule: Rule, quantity: Quantity, adaptation_id: str, now: datetime
) -> Adaptation:
    back = rule.goes_back
    return new_adaptation(
        adaptation_id,
        AdaptationKind.ROLLBACK if back else AdaptationKind.RETRAIN,
        model_name=lifecycle.model_name,
        from_model=lifecycle.active,
        to_model=lifecycle.previous if back else NO_MODEL,
        initiator=f"rule:{rule}",
        cause=f"version {lifecycle.active.version}: {quantity.text}",
        now=now,
    )
