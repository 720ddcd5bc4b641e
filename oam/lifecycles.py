"""Where a model stands, and everything that can happen to it.

Each function takes a lifecycle and gives a `Change`: the lifecycle after, with what is to be
recorded of it. Whoever stores a change stores all of it in one transaction, or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import (
    NO_MODEL,
    ApprovalGiven,
    CanarySkipped,
    Event,
    ModelReference,
    NoApprovalNeeded,
    Promoted,
    Trained,
)
from oam.adaptation_objects import inference_function_object, objects_of
from oam.adaptations import Adaptation, advance
from oam.approvals import ApprovalPolicy, ApprovalStep
from oam.canary import CanaryPolicy
from oam.managed_objects import ManagedObject, MLTrainingReport, Naming
from oam.monitoring import (
    NOT_WATCHED,
    Quantity,
    Watch,
    quantities,
    returned,
    successor,
)
from oam.monitoring_policy import MonitoringPolicy
from oam.oscillation import NOTHING_RECENT, Recent
from oam.record import Step
from oam.steps import asked_for, steps_of, waits
from oam.transitions import AdaptationKind, AdaptationState, Stage

AUTOMATIC_APPROVER = "rule:automatic-approval"


@dataclass(frozen=True)
class Policy:
    """What the configuration decides.

    Attributes:
        monitoring: What is watched.
        approvals: What waits for whom.
        canary: How a candidate is compared with the champion.
        naming: How managed objects are called.
    """

    monitoring: MonitoringPolicy
    approvals: ApprovalPolicy
    canary: CanaryPolicy
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
        recent: What keeps rules from swinging.
        last_training_ref: MLTrainingReport of the last training.
        watch: What is known of the active version.
        revision: Counts everything but decisions. Whoever reads, asks a peer and then changes can
            tell by it that nothing happened in between.
    """

    model_name: str
    active: ModelReference = NO_MODEL
    previous: ModelReference = NO_MODEL
    active_since: datetime | None = None
    current: Adaptation | None = None
    recent: Recent = NOTHING_RECENT
    last_training_ref: str = ""
    watch: Watch = NOT_WATCHED
    revision: int = 0


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


def begin(
    lifecycle: Lifecycle,
    adaptation: Adaptation,
    policy: Policy,
    *,
    seen: Mapping[str, float] | None = None,
) -> Change:
    """An adaptation is started; what a rule asks for may have to wait for a person.

    `seen` are the figures that a rule has seen.

    Raises:
        FailedPrecondition: ADAPTATION_IN_PROGRESS.
    """
    check_idle(lifecycle)
    started = replace(adaptation, last_training_ref=lifecycle.last_training_ref)
    steps: tuple[Step, ...] = (asked_for(started, seen, policy.naming),)
    if started.initiator.startswith("rule:"):
        waiting = replace(started, stage=Stage.AWAIT_START)
        if waiting.approval_step in policy.approvals.waits:
            started = waiting
            steps += (waits(waiting, policy.approvals, policy.naming),)
    recent = lifecycle.recent
    if started.from_model.version:
        recent = recent.begun(started.create_time)
    begun = _moved(replace(lifecycle, current=started, recent=recent))
    return replace(_change(begun, started, policy), steps=steps)


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
    lifecycle: Lifecycle,
    *,
    adaptation_id: str,
    event: Event,
    policy: Policy,
    now: datetime,
    stage: Stage | None = None,
) -> Change:
    """Adaptation `adaptation_id` goes on by `event`, which came of `stage` if that is given.

    Raises:
        FailedPrecondition: STATE_FORBIDS; it has ended, or its stage does not end so.
    """
    before = lifecycle.current
    if (
        before is None
        or before.adaptation_id != adaptation_id
        or stage not in (None, before.stage)  # somebody else was quicker
    ):
        raise FailedPrecondition(
            f"adaptation {adaptation_id} has ended or gone on meanwhile; look at its state",
            reason="STATE_FORBIDS",
            state="ENDED" if before is None else before.state,
            wanted=type(event).__name__,
        )
    after = advance(before, event, now)
    while (foregone := _foregone(after, policy)) is not None:
        after = advance(after, foregone, now)
    steps = steps_of(before, event, after, policy.naming)
    if after.waits_for_operator and after.stage is not before.stage:
        steps += (waits(after, policy.approvals, policy.naming),)
    alarms: tuple[AlarmNotice, ...] = ()
    lifecycle = _moved(replace(lifecycle, current=after))
    if isinstance(event, Trained):
        report = policy.naming.of(MLTrainingReport, after.adaptation_id)
        lifecycle = replace(lifecycle, last_training_ref=report)
    if isinstance(event, Promoted):
        alarms = _cleared(lifecycle, policy)
        lifecycle = _in_use(lifecycle, after, event.previous, policy.monitoring, now)
    if not after.in_progress:
        lifecycle = replace(lifecycle, current=None)
        if after.from_model.version:  # the very first version replaces nothing, so nothing swings
            lifecycle = replace(lifecycle, recent=lifecycle.recent.ended(now))
        if after.kind is AdaptationKind.ROLLBACK and after.ended_as is AdaptationState.FAILED:
            # The rule would ask for the same again and again; now it is the operator's turn.
            lifecycle = replace(lifecycle, watch=replace(lifecycle.watch, baseline=None))
    return replace(_change(lifecycle, after, policy), steps=steps, alarms=alarms)


def _foregone(adaptation: Adaptation, policy: Policy) -> Event | None:
    """What comes of a stage at which, by the configuration, nothing has to be done."""
    if adaptation.stage is Stage.CANARY:
        compares = policy.canary.decisions > 0 and adaptation.from_model.version > 0
        return None if compares else CanarySkipped()
    step = adaptation.approval_step
    if step is None or step in policy.approvals.waits:
        return None
    if step is ApprovalStep.ACTIVATE:
        return NoApprovalNeeded()
    return ApprovalGiven(AUTOMATIC_APPROVER, "the configuration says so")


def synchronised(
    lifecycle: Lifecycle,
    active: ModelReference,
    previous: ModelReference,
    policy: Policy,
    now: datetime,
) -> Change:
    """The repository's aliases are taken over; another champion than before is watched afresh."""
    if active.version == lifecycle.active.version:
        same = replace(lifecycle, active=active, previous=previous)
        return _change(lifecycle if same == lifecycle else _moved(same), None, policy)
    moved = replace(
        _moved(lifecycle),
        active=active,
        previous=previous,
        active_since=now if active.version else None,
        watch=returned(active),
    )
    return replace(_change(moved, None, policy), alarms=_cleared(lifecycle, policy))


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
    recent = lifecycle.recent.decides(
        active.version, instead_of=adaptation.from_model.version, rolled_back=back
    )
    return replace(
        lifecycle,
        active=active,
        previous=previous,
        active_since=now,
        watch=watch,
        recent=recent,
    )


def _moved(lifecycle: Lifecycle) -> Lifecycle:
    return replace(lifecycle, revision=lifecycle.revision + 1)


def _cleared(lifecycle: Lifecycle, policy: Policy) -> tuple[AlarmNotice, ...]:
    """The alarms of a version that is no longer in use end with it."""
    return tuple(
        alarm_of(lifecycle, replace(quantity, breached=False), policy)
        for quantity in quantities(lifecycle.watch, policy.monitoring)
        if quantity.breached
    )


def alarm_of(lifecycle: Lifecycle, quantity: Quantity, policy: Policy) -> AlarmNotice:
    """The alarm that a quantity raises, or clears."""
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
