"""Where a model stands, and everything that can happen to it.

Each function takes a lifecycle and gives a `Change`: the lifecycle after, with what is to be
recorded of it. Whoever stores a change stores all of it in one transaction, or nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import (
    NO_MODEL,
    ApprovalGiven,
    Event,
    ModelReference,
    Promoted,
    TestPassed,
    Trained,
)
from oam.adaptation_objects import inference_function_object, objects_of
from oam.adaptations import Adaptation, AdaptationKind, AdaptationState, advance, new_adaptation
from oam.managed_objects import ManagedObject, MLTrainingReport, Naming
from oam.monitoring import (
    NOT_WATCHED,
    MonitoringPolicy,
    Quantity,
    Rule,
    Sample,
    Watch,
    due_rule,
    observe,
    quantities,
    returned,
    successor,
)
from oam.steps import Step, degraded, steps_of

AUTOMATIC_APPROVER = "rule:automatic-approval"


@dataclass(frozen=True)
class Policy:
    """What the configuration decides.

    Attributes:
        monitoring: What is watched.
        approves_automatically: Whether a version that passed its test is loaded without asking.
        naming: How managed objects are called.
    """

    monitoring: MonitoringPolicy
    approves_automatically: bool
    naming: Naming


@dataclass(frozen=True)
class Lifecycle:
    """Where a model stands.

    Attributes:
        model_name: Name of the model.
        active: Version that decides.
        previous: Version to go back to.
        active_since: When it was activated, wall-clock UTC; None: never.
        current: The adaptation in progress.
        last_end_time: When the last adaptation of a version in use ended, wall-clock UTC.
        last_training_ref: MLTrainingReport of the last training.
        watch: What is known of the active version.
    """

    model_name: str
    active: ModelReference = NO_MODEL
    previous: ModelReference = NO_MODEL
    active_since: datetime | None = None
    current: Adaptation | None = None
    last_end_time: datetime | None = None
    last_training_ref: str = ""
    watch: Watch = NOT_WATCHED


@dataclass(frozen=True)
class AlarmNotice:
    """An alarm (TS 28.111) that is raised or cleared."""

    alarm_id: str
    cleared: bool
    specific_problem: str
    object_instance: str


@dataclass(frozen=True)
class Change:
    """A lifecycle after something happened, and what is to be recorded of it."""

    lifecycle: Lifecycle
    adaptation: Adaptation | None = None
    steps: tuple[Step, ...] = ()
    alarms: tuple[AlarmNotice, ...] = ()
    objects: tuple[ManagedObject, ...] = ()


def begin(lifecycle: Lifecycle, adaptation: Adaptation, policy: Policy) -> Change:
    """An adaptation is started.

    Raises:
        FailedPrecondition: ADAPTATION_IN_PROGRESS.
    """
    check_idle(lifecycle)
    started = replace(adaptation, last_training_ref=lifecycle.last_training_ref)
    return _change(replace(lifecycle, current=started), started, policy)


def check_idle(lifecycle: Lifecycle) -> None:
    """Refuse a second adaptation of the same model.

    Raises:
        FailedPrecondition: ADAPTATION_IN_PROGRESS.
    """
    current = lifecycle.current
    if current is not None:
        raise FailedPrecondition(
            f"adaptation {current.adaptation_id} of model {lifecycle.model_name} is in progress "
            f"({current.state}); wait until it has ended, or approve or reject it",
            reason="ADAPTATION_IN_PROGRESS",
            model_name=lifecycle.model_name,
            adaptation_id=current.adaptation_id,
        )


def proceed(
    lifecycle: Lifecycle, *, adaptation_id: str, event: Event, policy: Policy, now: datetime
) -> Change:
    """Adaptation `adaptation_id` goes on by `event`.

    Raises:
        FailedPrecondition: STATE_FORBIDS; it has ended, or its stage does not end so.
    """
    before = lifecycle.current
    if before is None or before.adaptation_id != adaptation_id:
        raise FailedPrecondition(
            f"adaptation {adaptation_id} has ended; look at its state",
            reason="STATE_FORBIDS",
            state="ENDED",
            wanted=type(event).__name__,
        )
    after = advance(before, event, now)
    steps = steps_of(before, event, after, policy.naming)
    alarms: tuple[AlarmNotice, ...] = ()
    if isinstance(event, TestPassed) and policy.approves_automatically:
        after = advance(after, ApprovalGiven(AUTOMATIC_APPROVER, "the configuration says so"), now)
    lifecycle = replace(lifecycle, current=after)
    if isinstance(event, Trained):
        report = policy.naming.of(MLTrainingReport, after.adaptation_id)
        lifecycle = replace(lifecycle, last_training_ref=report)
    if isinstance(event, Promoted):
        alarms = _cleared(lifecycle, policy)
        lifecycle = _in_use(lifecycle, after, event.previous, policy.monitoring, now)
    if not after.in_progress:
        lifecycle = replace(lifecycle, current=None)
        if after.from_model.version:  # the very first version replaces nothing, so nothing swings
            lifecycle = replace(lifecycle, last_end_time=now)
        if after.kind is AdaptationKind.ROLLBACK and after.ended_as is AdaptationState.FAILED:
            # The rule would ask for the same again and again; now it is the operator's turn.
            lifecycle = replace(lifecycle, watch=replace(lifecycle.watch, baseline=None))
    return replace(_change(lifecycle, after, policy), steps=steps, alarms=alarms)


def synchronised(
    lifecycle: Lifecycle,
    active: ModelReference,
    previous: ModelReference,
    policy: Policy,
    now: datetime,
) -> Change:
    """The repository's aliases are taken over; another champion than before is watched afresh."""
    if active.version == lifecycle.active.version:
        return _change(replace(lifecycle, active=active, previous=previous), None, policy)
    moved = replace(
        lifecycle,
        active=active,
        previous=previous,
        active_since=now if active.version else None,
        watch=returned(active),
    )
    return replace(_change(moved, None, policy), alarms=_cleared(lifecycle, policy))


def report(
    lifecycle: Lifecycle, sample: Sample, policy: Policy, *, adaptation_id: str, now: datetime
) -> Change:
    """The active version decided once more; a rule may start adaptation `adaptation_id`."""
    watch, crossings = observe(lifecycle.watch, sample, policy.monitoring)
    lifecycle = replace(lifecycle, watch=watch)
    due = _startable(lifecycle, policy, now)
    steps = tuple(
        degraded(
            quantity,
            model_name=lifecycle.model_name,
            version=lifecycle.active.version,
            consequence=_consequence(lifecycle, quantity, due, policy, now),
            naming=policy.naming,
        )
        for quantity in crossings
        if quantity.breached
    )
    alarms = tuple(_alarm(lifecycle, quantity, policy) for quantity in crossings)
    change = Change(lifecycle)
    if due is not None:
        change = begin(lifecycle, _by_rule(lifecycle, *due, adaptation_id, now), policy)
    return replace(change, steps=steps, alarms=alarms)


def _startable(lifecycle: Lifecycle, policy: Policy, now: datetime) -> tuple[Rule, Quantity] | None:
    due = due_rule(lifecycle.watch, policy.monitoring)
    if due is None or lifecycle.current is not None:
        return None
    if now < _cool_until(lifecycle, due[0], policy, now):
        return None
    if due[0] is Rule.REGRESSION and lifecycle.previous.version == 0:
        return None
    return due


def _cool_until(lifecycle: Lifecycle, rule: Rule, policy: Policy, now: datetime) -> datetime:
    if lifecycle.last_end_time is None:
        return now
    return lifecycle.last_end_time + timedelta(seconds=policy.monitoring.cool_down_s(rule))


def _consequence(
    lifecycle: Lifecycle,
    quantity: Quantity,
    due: tuple[Rule, Quantity] | None,
    policy: Policy,
    now: datetime,
) -> str:
    if due is not None and due[1].metric is quantity.metric:
        action = "goes back to" if due[0] is Rule.REGRESSION else "retrains from"
        target = lifecycle.previous if due[0] is Rule.REGRESSION else lifecycle.active
        return f"rule {due[0]} {action} version {target.version}"
    if lifecycle.current is not None:
        return f"adaptation {lifecycle.current.adaptation_id} is in progress already"
    wanted = due_rule(lifecycle.watch, policy.monitoring)
    if wanted is None or wanted[1].metric is not quantity.metric:
        return "no rule answers it"
    until = _cool_until(lifecycle, wanted[0], policy, now)
    if now < until:
        remaining_s = (until - now).total_seconds()
        return f"rule {wanted[0]} waits {remaining_s:.0f} s, since an adaptation has just ended"
    return f"rule {wanted[0]} finds no version to go back to"


def _by_rule(
    lifecycle: Lifecycle, rule: Rule, quantity: Quantity, adaptation_id: str, now: datetime
) -> Adaptation:
    back = rule is Rule.REGRESSION
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


def _in_use(
    lifecycle: Lifecycle,
    adaptation: Adaptation,
    previous: ModelReference,
    monitoring: MonitoringPolicy,
    now: datetime,
) -> Lifecycle:
    active = adaptation.to_model
    back = adaptation.kind is AdaptationKind.ROLLBACK
    watch = returned(active) if back else successor(lifecycle.watch, active, monitoring)
    return replace(lifecycle, active=active, previous=previous, active_since=now, watch=watch)


def _cleared(lifecycle: Lifecycle, policy: Policy) -> tuple[AlarmNotice, ...]:
    """The alarms of a version that is no longer in use end with it."""
    return tuple(
        _alarm(lifecycle, replace(quantity, breached=False), policy)
        for quantity in quantities(lifecycle.watch, policy.monitoring)
        if quantity.breached
    )


def _alarm(lifecycle: Lifecycle, quantity: Quantity, policy: Policy) -> AlarmNotice:
    version = lifecycle.watch.model.version
    return AlarmNotice(
        alarm_id=f"{lifecycle.model_name}/{version}/{quantity.metric}",
        cleared=not quantity.breached,
        specific_problem=f"Version {version} of {lifecycle.model_name}: {quantity.text}.",
        object_instance=policy.naming.inference_function,
    )


def _change(lifecycle: Lifecycle, adaptation: Adaptation | None, policy: Policy) -> Change:
    objects = () if adaptation is None else objects_of(adaptation, policy.naming)
    function = inference_function_object(lifecycle.active, lifecycle.current, policy.naming)
    return Change(lifecycle, adaptation, objects=(*objects, function))
