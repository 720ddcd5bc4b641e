"""The state machine of an adaptation.

A *stage* is one thing to be done at one peer; the *event* that ends it says what came of it.
`TRANSITIONS` is the whole machine. The *state* is what the API tells: several stages share one.
"""

from collections.abc import Mapping
from enum import StrEnum

from oam.adaptation_events import (
    Activated,
    ApprovalDenied,
    ApprovalGiven,
    CanaryFailed,
    CanaryPassed,
    CanarySkipped,
    Event,
    GainsMissed,
    Loaded,
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
    (Stage.RECORD_TEST, GainsMissed): Stage.WITHDRAW,
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

STATE_OF: Mapping[Stage, AdaptationState] = {
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


def following(kind: AdaptationKind, stage: Stage, event: Event) -> Stage | None:
    """The stage after `event`; None: the stage does not end so."""
    after = TRANSITIONS.get((stage, type(event)))
    if after is not None and kind is AdaptationKind.ROLLBACK:
        # The version it leads to was approved, compared and used before, and is needed now.
        return _OF_ROLLBACK.get(after, after)
    return after
