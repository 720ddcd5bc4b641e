"""An adaptation: one run of a model through its lifecycle, as a persisted state machine.

A *stage* is one thing to be done at one peer; the *event* that ends it says what came of it.
`TRANSITIONS` is the whole machine; `advance` applies one event. The *state* is what the API tells:
several stages share one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum

from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import (
    NO_MODEL,
    Activated,
    ApprovalDenied,
    ApprovalGiven,
    CanaryFailed,
    CanaryPassed,
    CanarySkipped,
    Event,
    Loaded,
    ModelReference,
    NoApprovalNeeded,
    OrderPrepared,
    Progressed,
    Promoted,
    Refused,
    Restored,
    TestFinished,
    TestNotPassed,
    TestPassed,
    TestStarted,
    Trained,
    TrainingStarted,
    VersionApproved,
    Withdrawn,
)
from oam.approvals import Approval, ApprovalStep
from oam.canary import Comparison
from oam.training_orders import TrainingOrder, TrainingWish


class AdaptationKind(StrEnum):
    """Why an adaptation runs."""

    INITIAL = "INITIAL"
    RETRAIN = "RETRAIN"
    ROLLBACK = "ROLLBACK"


class AdaptationState(StrEnum):
    """Where an adaptation stands, as others see it."""

    TRAINING = "TRAINING"
    TESTING = "TESTING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    LOADING = "LOADING"
    ACTIVATING = "ACTIVATING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    CANARY = "CANARY"


class Stage(StrEnum):
    """What is to be done next."""

    AWAIT_START = "AWAIT_START"  # nothing, until somebody lets a rule have its way
    PREPARE = "PREPARE"  # settle what to train
    START_TRAINING = "START_TRAINING"  # create the MTLF's job
    AWAIT_TRAINING = "AWAIT_TRAINING"  # watch it until it has published
    START_TEST = "START_TEST"
    AWAIT_TEST = "AWAIT_TEST"
    RECORD_TEST = "RECORD_TEST"  # tell the repository
    AWAIT_APPROVAL = "AWAIT_APPROVAL"  # nothing, until somebody decides
    APPROVE = "APPROVE"  # approve in the repository, make it the candidate
    LOAD = "LOAD"
    CANARY = "CANARY"  # compare it with the champion on live decisions
    AWAIT_ACTIVATION = "AWAIT_ACTIVATION"  # nothing, until somebody lets it decide
    ACTIVATE = "ACTIVATE"
    PROMOTE = "PROMOTE"  # make it the champion
    RESTORE = "RESTORE"  # undo the activation
    WITHDRAW = "WITHDRAW"  # reject the version in the repository
    DONE = "DONE"


TRANSITIONS: Mapping[tuple[Stage, type[Event]], Stage] = {
    (Stage.AWAIT_START, ApprovalGiven): Stage.PREPARE,
    (Stage.AWAIT_START, ApprovalDenied): Stage.DONE,
    (Stage.PREPARE, OrderPrepared): Stage.START_TRAINING,
    (Stage.PREPARE, Refused): Stage.DONE,
    (Stage.START_TRAINING, TrainingStarted): Stage.AWAIT_TRAINING,
    (Stage.START_TRAINING, Refused): Stage.DONE,
    (Stage.AWAIT_TRAINING, Progressed): Stage.AWAIT_TRAINING,
    (Stage.AWAIT_TRAINING, Trained): Stage.START_TEST,
    (Stage.AWAIT_TRAINING, Refused): Stage.DONE,
    (Stage.START_TEST, TestStarted): Stage.AWAIT_TEST,
    (Stage.START_TEST, Refused): Stage.DONE,
    (Stage.AWAIT_TEST, Progressed): Stage.AWAIT_TEST,
    (Stage.AWAIT_TEST, TestFinished): Stage.RECORD_TEST,
    (Stage.AWAIT_TEST, Refused): Stage.DONE,
    (Stage.RECORD_TEST, TestPassed): Stage.AWAIT_APPROVAL,
    (Stage.RECORD_TEST, TestNotPassed): Stage.DONE,
    (Stage.RECORD_TEST, Refused): Stage.DONE,
    (Stage.AWAIT_APPROVAL, ApprovalGiven): Stage.APPROVE,
    (Stage.AWAIT_APPROVAL, ApprovalDenied): Stage.WITHDRAW,
    (Stage.APPROVE, VersionApproved): Stage.LOAD,
    (Stage.APPROVE, Refused): Stage.DONE,
    (Stage.LOAD, Loaded): Stage.CANARY,
    (Stage.LOAD, Refused): Stage.WITHDRAW,
    (Stage.CANARY, Progressed): Stage.CANARY,
    (Stage.CANARY, CanaryPassed): Stage.AWAIT_ACTIVATION,
    (Stage.CANARY, CanarySkipped): Stage.AWAIT_ACTIVATION,
    (Stage.CANARY, CanaryFailed): Stage.WITHDRAW,
    (Stage.CANARY, Refused): Stage.WITHDRAW,
    (Stage.AWAIT_ACTIVATION, NoApprovalNeeded): Stage.ACTIVATE,
    (Stage.AWAIT_ACTIVATION, ApprovalGiven): Stage.ACTIVATE,
    (Stage.AWAIT_ACTIVATION, ApprovalDenied): Stage.WITHDRAW,
    (Stage.ACTIVATE, Activated): Stage.PROMOTE,
    (Stage.ACTIVATE, Refused): Stage.WITHDRAW,
    (Stage.PROMOTE, Promoted): Stage.DONE,
    (Stage.PROMOTE, Refused): Stage.RESTORE,
    (Stage.RESTORE, Restored): Stage.WITHDRAW,
    (Stage.RESTORE, Refused): Stage.WITHDRAW,
    (Stage.WITHDRAW, Withdrawn): Stage.DONE,
    (Stage.WITHDRAW, Refused): Stage.DONE,
}

FIRST_STAGE: Mapping[AdaptationKind, Stage] = {
    AdaptationKind.INITIAL: Stage.PREPARE,
    AdaptationKind.RETRAIN: Stage.PREPARE,
    AdaptationKind.ROLLBACK: Stage.LOAD,
}

# Where a way back leads instead.
_OF_ROLLBACK: Mapping[Stage, Stage] = {
    Stage.PREPARE: Stage.LOAD,
    Stage.CANARY: Stage.ACTIVATE,
    Stage.WITHDRAW: Stage.DONE,
}

_STATE: Mapping[Stage, AdaptationState] = {
    Stage.AWAIT_START: AdaptationState.AWAITING_APPROVAL,
    Stage.PREPARE: AdaptationState.TRAINING,
    Stage.START_TRAINING: AdaptationState.TRAINING,
    Stage.AWAIT_TRAINING: AdaptationState.TRAINING,
    Stage.START_TEST: AdaptationState.TESTING,
    Stage.AWAIT_TEST: AdaptationState.TESTING,
    Stage.RECORD_TEST: AdaptationState.TESTING,
    Stage.AWAIT_APPROVAL: AdaptationState.AWAITING_APPROVAL,
    Stage.APPROVE: AdaptationState.LOADING,
    Stage.LOAD: AdaptationState.LOADING,
    Stage.CANARY: AdaptationState.CANARY,
    Stage.AWAIT_ACTIVATION: AdaptationState.AWAITING_APPROVAL,
    Stage.ACTIVATE: AdaptationState.ACTIVATING,
    Stage.PROMOTE: AdaptationState.ACTIVATING,
}


@dataclass(frozen=True)
class Adaptation:
    """One run through the lifecycle (`MLUpdateProcess` of TS 28.105, for a first version too).

    Attributes:
        adaptation_id: Identity.
        request_id: Of the call that started it; empty: it had none, or a rule did.
        kind: Why it runs.
        stage: What is to be done next.
        model_name: Name of the model.
        from_model: What was in use before.
        to_model: What it leads to; `NO_MODEL` until published.
        initiator: `operator:<name>` or `rule:<name>`.
        cause: What was seen, one sentence.
        create_time: Wall-clock UTC.
        update_time: Of the last change, wall-clock UTC.
        stage_time: When the stage began, wall-clock UTC.
        wish: What the operator asked for.
        order: What the MTLF is asked to train; None until settled.
        order_basis: Where the order's profile comes from.
        last_training_ref: MLTrainingReport of the training before.
        training_job_id: The MTLF's job.
        training_metrics: `modelPerformanceTraining`.
        testing_job_id: The MTLF's job.
        test_passed: The verdict; None until there is one.
        test_metrics: `modelPerformanceTesting`.
        required_ratio: What the test asked for.
        approver: Who approved or turned down last.
        approval_reason: Why.
        approvals: Every approval, oldest first; also by time-out, and of loading by configuration.
        engine: What runs the loaded version.
        load_s: How long loading took.
        comparison: Candidate and champion side by side; None: not compared.
        canary_reason: What followed from that, one clause.
        progress_percent: Of the stage's job, 0 to 100.
        progress_info: `progressStateInfo` of the stage's job.
        ended_as: COMPLETED, FAILED or REJECTED once that is settled; cleaning up may still go on.
        failed_stage: Where it went wrong first.
        failure: Why it failed or was rejected.
    """

    adaptation_id: str
    request_id: str
    kind: AdaptationKind
    stage: Stage
    model_name: str
    from_model: ModelReference
    to_model: ModelReference
    initiator: str
    cause: str
    create_time: datetime
    update_time: datetime
    stage_time: datetime
    wish: TrainingWish = field(default_factory=TrainingWish)
    order: TrainingOrder | None = None
    order_basis: str = ""
    last_training_ref: str = ""
    training_job_id: str = ""
    training_metrics: dict[str, float] = field(default_factory=dict)
    testing_job_id: str = ""
    test_passed: bool | None = None
    test_metrics: dict[str, float] = field(default_factory=dict)
    required_ratio: float = 0.0
    approver: str = ""
    approval_reason: str = ""
    approvals: tuple[Approval, ...] = ()
    engine: str = ""
    load_s: float = 0.0
    comparison: Comparison | None = None
    canary_reason: str = ""
    progress_percent: float = 0.0
    progress_info: str = ""
    ended_as: AdaptationState | None = None
    failed_stage: Stage | None = None
    failure: str = ""

    @property
    def state(self) -> AdaptationState:
        """Where it stands, as others see it."""
        return self.ended_as or _STATE[self.stage]

    @property
    def in_progress(self) -> bool:
        """Whether something is still to be done or decided."""
        return self.stage is not Stage.DONE

    @property
    def approval_step(self) -> ApprovalStep | None:
        """What waits for a person now; None: nothing does."""
        match self.stage:
            case Stage.AWAIT_START:
                back = self.kind is AdaptationKind.ROLLBACK
                return ApprovalStep.ROLLBACK if back else ApprovalStep.RETRAIN
            case Stage.AWAIT_APPROVAL:
                return ApprovalStep.LOAD
            case Stage.AWAIT_ACTIVATION:
                return ApprovalStep.ACTIVATE
            case _:
                return None

    @property
    def waits_for_operator(self) -> bool:
        """Whether only a person can let it go on."""
        return self.approval_step is not None


_FIELDS = frozenset(each.name for each in fields(Adaptation))


def new_adaptation(
    adaptation_id: str,
    kind: AdaptationKind,
    *,
    model_name: str,
    from_model: ModelReference,
    to_model: ModelReference = NO_MODEL,
    initiator: str,
    cause: str,
    now: datetime,
    wish: TrainingWish | None = None,
    request_id: str = "",
) -> Adaptation:
    """An adaptation at its first stage."""
    return Adaptation(
        adaptation_id=adaptation_id,
        request_id=request_id,
        kind=kind,
        stage=FIRST_STAGE[kind],
        model_name=model_name,
        from_model=from_model,
        to_model=to_model,
        initiator=initiator,
        cause=cause,
        create_time=now,
        update_time=now,
        stage_time=now,
        wish=wish or TrainingWish(),
    )


def next_stage(adaptation: Adaptation, event: Event) -> Stage:
    """The stage that follows.

    Raises:
        FailedPrecondition: STATE_FORBIDS; the stage does not end with this event.
    """
    following = TRANSITIONS.get((adaptation.stage, type(event)))
    if following is None:
        raise FailedPrecondition(
            f"adaptation {adaptation.adaptation_id} is {adaptation.state}, so this cannot be done "
            "now; look at its state first",
            reason="STATE_FORBIDS",
            state=adaptation.state,
            wanted=type(event).__name__,
        )
    if adaptation.kind is AdaptationKind.ROLLBACK:
        # The version it leads to was approved, compared and used before, and is needed now.
        return _OF_ROLLBACK.get(following, following)
    return following


def advance(adaptation: Adaptation, event: Event, now: datetime) -> Adaptation:
    """The adaptation after `event`.

    Raises:
        FailedPrecondition: STATE_FORBIDS; the stage does not end with this event.
    """
    following = next_stage(adaptation, event)
    step = adaptation.approval_step
    if isinstance(event, ApprovalGiven) and step is not None:
        approval = Approval(step, event.approver, event.approval_reason, now)
        adaptation = replace(adaptation, approvals=(*adaptation.approvals, approval))
    told = {name: value for name, value in vars(event).items() if name in _FIELDS}
    after = replace(_settled(adaptation, event), **told, stage=following, update_time=now)
    if following is adaptation.stage:
        return after
    completed = following is Stage.DONE and after.ended_as is AdaptationState.COMPLETED
    return replace(
        after, stage_time=now, progress_percent=100.0 if completed else 0.0, progress_info=""
    )


def _settled(adaptation: Adaptation, event: Event) -> Adaptation:
    """The adaptation with how it ends, if `event` settles that."""
    match event:
        case Promoted():
            return replace(adaptation, ended_as=AdaptationState.COMPLETED)
        case TestNotPassed():
            return _ended(adaptation, AdaptationState.REJECTED, "it did not pass its test")
        case CanaryFailed():
            worse = f"it is worse than the champion: {event.canary_reason}"
            return _ended(adaptation, AdaptationState.REJECTED, worse)
        case ApprovalDenied():
            denied = f"it was turned down by {event.approver}: {event.approval_reason}"
            return _ended(adaptation, AdaptationState.REJECTED, denied)
        case Refused():
            return _ended(adaptation, AdaptationState.FAILED, event.reason)
        case _:
            return adaptation


def _ended(adaptation: Adaptation, how: AdaptationState, failure: str) -> Adaptation:
    if adaptation.ended_as is not None:  # while cleaning up: the first reason stays in front
        return replace(adaptation, failure=f"{adaptation.failure}; then {failure}")
    return replace(adaptation, ended_as=how, failed_stage=adaptation.stage, failure=failure)
