"""An adaptation: one run of a model through its lifecycle, as a persisted state machine.

`oam.transitions` is the machine; `advance` applies one event.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import (
    NO_MODEL,
    ApprovalDenied,
    ApprovalGiven,
    CanaryFailed,
    Event,
    GainsMissed,
    ModelReference,
    Promoted,
    Refused,
    TestNotPassed,
)
from oam.approvals import Approval, ApprovalStep
from oam.canary import Comparison
from oam.required_performance import NO_TERMS, UpdateTerms
from oam.training_orders import TrainingOrder, TrainingWish
from oam.transitions import FIRST_STAGE, STATE_OF, AdaptationKind, AdaptationState, Stage, following


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
        terms: What is asked of the outcome.
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
    terms: UpdateTerms = NO_TERMS
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
        return self.ended_as or STATE_OF[self.stage]

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
    terms: UpdateTerms = NO_TERMS,
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
        terms=terms,
    )


def next_stage(adaptation: Adaptation, event: Event) -> Stage:
    """The stage that follows.

    Raises:
        FailedPrecondition: STATE_FORBIDS; the stage does not end with this event.
    """
    after = following(adaptation.kind, adaptation.stage, event)
    if after is None:
        raise FailedPrecondition(
            f"adaptation {adaptation.adaptation_id} is {adaptation.state}, so this cannot be done "
            "now; look at its state first",
            reason="STATE_FORBIDS",
            state=adaptation.state,
            wanted=type(event).__name__,
        )
    return after


def advance(adaptation: Adaptation, event: Event, now: datetime) -> Adaptation:
    """The adaptation after `event`.

    Raises:
        FailedPrecondition: STATE_FORBIDS; the stage does not end with this event.
    """
    stage = next_stage(adaptation, event)
    step = adaptation.approval_step
    if isinstance(event, ApprovalGiven) and step is not None:
        approval = Approval(step, event.approver, event.approval_reason, now)
        adaptation = replace(adaptation, approvals=(*adaptation.approvals, approval))
    told = {name: value for name, value in vars(event).items() if name in _FIELDS}
    after = replace(_settled(adaptation, event), **told, stage=stage, update_time=now)
    if stage is adaptation.stage:
        return after
    completed = stage is Stage.DONE and after.ended_as is AdaptationState.COMPLETED
    return replace(
        after, stage_time=now, progress_percent=100.0 if completed else 0.0, progress_info=""
    )


def _settled(adaptation: Adaptation, event: Event) -> Adaptation:
    """The adaptation with how it ends, if `event` settles that."""
    how = AdaptationState.REJECTED
    match event:
        case Promoted():
            return replace(adaptation, ended_as=AdaptationState.COMPLETED)
        case TestNotPassed():
            why = "it did not pass its test"
        case GainsMissed():
            why = f"it is not enough better than the version before: {event.gains_text}"
        case CanaryFailed():
            why = f"it is worse than the champion: {event.canary_reason}"
        case ApprovalDenied():
            why = f"it was turned down by {event.approver}: {event.approval_reason}"
        case Refused():
            how, why = AdaptationState.FAILED, event.reason
        case _:
            return adaptation
    return _ended(adaptation, how, why)


def _ended(adaptation: Adaptation, how: AdaptationState, failure: str) -> Adaptation:
    if adaptation.ended_as is not None:  # while cleaning up: the first reason stays in front
        return replace(adaptation, failure=f"{adaptation.failure}; then {failure}")
    return replace(adaptation, ended_as=how, failed_stage=adaptation.stage, failure=failure)
