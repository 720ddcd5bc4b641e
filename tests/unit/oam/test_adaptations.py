"""The state machine of an adaptation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.oam_samples import HAPPY, NOW, at_stage, reference, started

from nf_runtime.errors import FailedPrecondition
from oam import adaptation_events as events
from oam.adaptation_events import Event
from oam.adaptations import Adaptation, advance
from oam.approvals import ApprovalStep
from oam.canary import Comparison
from oam.transitions import TRANSITIONS, AdaptationKind, AdaptationState, Stage

_ENDS = {AdaptationState.COMPLETED, AdaptationState.FAILED, AdaptationState.REJECTED}

# The contract as the API tells it, written down a second time.
_PUBLIC = {
    AdaptationState.TRAINING: {AdaptationState.TESTING, AdaptationState.FAILED},
    AdaptationState.TESTING: {
        AdaptationState.AWAITING_APPROVAL,
        AdaptationState.REJECTED,
        AdaptationState.FAILED,
    },
    AdaptationState.AWAITING_APPROVAL: {
        AdaptationState.TRAINING,
        AdaptationState.LOADING,
        AdaptationState.ACTIVATING,
        AdaptationState.REJECTED,
    },
    AdaptationState.LOADING: {
        AdaptationState.CANARY,
        AdaptationState.ACTIVATING,
        AdaptationState.FAILED,
    },
    AdaptationState.CANARY: {
        AdaptationState.AWAITING_APPROVAL,
        AdaptationState.REJECTED,
        AdaptationState.FAILED,
    },
    AdaptationState.ACTIVATING: {AdaptationState.COMPLETED, AdaptationState.FAILED},
    AdaptationState.COMPLETED: set(),
    AdaptationState.FAILED: set(),
    AdaptationState.REJECTED: set(),
}

_EVENTS: tuple[Event, ...] = (
    *HAPPY.values(),
    events.Progressed(40.0, "TRAINING"),
    events.TestNotPassed(),
    events.CanaryFailed(Comparison(20, 1, 0, 10.0, 7.0), "short by 3 b/s/Hz"),
    events.CanarySkipped(),
    events.NoApprovalNeeded(),
    events.ApprovalDenied("operator:ada", "not now"),
    events.Refused("nwdaf.mtlf answered JOB_FAILED: out of memory"),
)


class AdaptationMachine(RuleBasedStateMachine):
    """Throws any event at an adaptation and holds it against the public contract."""

    def __init__(self) -> None:
        super().__init__()
        self.adaptation = started()
        self.left: list[Stage] = []
        self.second = 0

    @initialize(kind=st.sampled_from(AdaptationKind), asked_for_by_rule=st.booleans())
    def begin(self, kind: AdaptationKind, *, asked_for_by_rule: bool) -> None:
        """Any kind; what a rule asks for may have to wait for approval."""
        self.adaptation = started(kind)
        if asked_for_by_rule:
            self.adaptation = replace(self.adaptation, stage=Stage.AWAIT_START)

    @rule(event=st.sampled_from(_EVENTS))
    def any_event(self, event: Event) -> None:
        """Most events do not fit: they are refused."""
        self._tell(event)

    @rule(data=st.data())
    @precondition(lambda self: self.adaptation.in_progress)
    def fitting_event(self, data: st.DataObject) -> None:
        """An event that fits, so that runs get far."""
        fitting = [
            event for event in _EVENTS if (self.adaptation.stage, type(event)) in TRANSITIONS
        ]
        self._tell(data.draw(st.sampled_from(fitting)))

    def _tell(self, event: Event) -> None:
        before = self.adaptation
        self.second += 1
        now = NOW + timedelta(seconds=self.second)
        if (before.stage, type(event)) not in TRANSITIONS:
            with pytest.raises(FailedPrecondition) as raised:
                advance(before, event, now)
            assert raised.value.reason == "STATE_FORBIDS"
            return
        after = advance(before, event, now)
        self.left.append(before.stage)
        assert after.state is before.state or after.state in _PUBLIC[before.state]
        assert before.ended_as in (None, after.ended_as), "an outcome never changes"
        assert after.failure.startswith(before.failure), "the first reason stays in front"
        assert (after.from_model, after.cause, after.create_time) == (
            before.from_model,
            before.cause,
            before.create_time,
        )
        self.adaptation = after

    @invariant()
    def ends_say_how(self) -> None:
        """What is done has an outcome, and only what did not complete has a failure."""
        adaptation = self.adaptation
        if not adaptation.in_progress:
            assert adaptation.state in _ENDS
        if adaptation.ended_as in (AdaptationState.FAILED, AdaptationState.REJECTED):
            assert adaptation.failure
        else:
            assert not adaptation.failure

    @invariant()
    def nothing_decides_untested(self) -> None:
        """A new version completes only after every gate, in order."""
        if self.adaptation.state is not AdaptationState.COMPLETED:
            return
        gates = [Stage.LOAD, Stage.ACTIVATE, Stage.PROMOTE]
        if self.adaptation.kind is not AdaptationKind.ROLLBACK:
            gates = [
                Stage.AWAIT_TRAINING,
                Stage.AWAIT_TEST,
                Stage.RECORD_TEST,
                Stage.AWAIT_APPROVAL,
                Stage.APPROVE,
                Stage.LOAD,
                Stage.CANARY,
                Stage.AWAIT_ACTIVATION,
                Stage.ACTIVATE,
                Stage.PROMOTE,
            ]
        passed = dict.fromkeys(self.left)  # a job reports progress at its stage again and again
        assert [stage for stage in passed if stage in gates] == gates


TestAdaptationMachine = AdaptationMachine.TestCase


@pytest.mark.parametrize("kind", AdaptationKind)
def test_every_kind_completes_when_all_goes_well(kind: AdaptationKind) -> None:
    """Following the happy events ends in COMPLETED with full progress."""
    done = at_stage(Stage.DONE, kind)
    assert done.state is AdaptationState.COMPLETED
    assert done.progress_percent == 100.0


def test_rollback_starts_at_loading() -> None:
    """A rollback trains and tests nothing."""
    adaptation = started(AdaptationKind.ROLLBACK)
    assert (adaptation.stage, adaptation.state) == (Stage.LOAD, AdaptationState.LOADING)


def test_event_is_kept_under_its_own_names() -> None:
    """What an event tells stands in the adaptation, under the same names."""
    adaptation = at_stage(Stage.LOAD)
    assert adaptation.training_job_id == "job-1"
    assert adaptation.to_model == reference(2)
    assert adaptation.training_metrics == {"ratio_to_exhaustive": 0.91}
    assert adaptation.test_passed is True
    assert adaptation.approver == "operator:ada"
    assert [(each.step, each.reason) for each in adaptation.approvals] == [
        (ApprovalStep.LOAD, "looks good")
    ]


def test_every_field_of_an_event_is_kept_somewhere() -> None:
    """A field that is no field of `Adaptation` is one that `advance` reads by itself."""
    read_by_name = {(events.Promoted, "previous"), (events.Refused, "reason")}
    kept = set(Adaptation.__dataclass_fields__)
    lost = {(type(event), name) for event in _EVENTS for name in vars(event) if name not in kept}
    assert lost == read_by_name


def test_refused_load_of_new_version_withdraws_it() -> None:
    """It has FAILED at once, and is still to be rejected in the repository."""
    failed = advance(at_stage(Stage.LOAD), events.Refused("golden sample differs"), NOW)
    assert (failed.state, failed.stage) == (AdaptationState.FAILED, Stage.WITHDRAW)
    assert failed.failed_stage is Stage.LOAD
    assert advance(failed, events.Withdrawn(), NOW).in_progress is False


def test_refused_load_of_rollback_withdraws_nothing() -> None:
    """The previous version stays approved."""
    adaptation = started(AdaptationKind.ROLLBACK)
    failed = advance(adaptation, events.Refused("artifact is gone"), NOW)
    assert (failed.state, failed.stage) == (AdaptationState.FAILED, Stage.DONE)


def test_refused_promotion_is_undone_first() -> None:
    """The inference function goes back to what it used before the version is withdrawn."""
    failed = advance(at_stage(Stage.PROMOTE), events.Refused("not approved"), NOW)
    assert failed.stage is Stage.RESTORE
    assert advance(failed, events.Restored(), NOW).stage is Stage.WITHDRAW


def test_failure_while_cleaning_up_is_added() -> None:
    """Both reasons are told, the first one first."""
    failed = advance(at_stage(Stage.LOAD), events.Refused("first"), NOW)
    twice = advance(failed, events.Refused("second"), NOW)
    assert twice.failure == "first; then second"
    assert twice.failed_stage is Stage.LOAD


def test_stage_time_stands_while_a_job_progresses() -> None:
    """Progress changes the update time only."""
    waiting = at_stage(Stage.AWAIT_TRAINING)
    later = advance(waiting, events.Progressed(30.0, "TRAINING"), NOW + timedelta(seconds=99))
    assert later.stage_time == waiting.stage_time
    assert later.update_time == NOW + timedelta(seconds=99)
    assert (later.progress_percent, later.progress_info) == (30.0, "TRAINING")


def test_peers_words_are_told_on_one_line() -> None:
    """A traceback of a peer fits into the record and into a reason."""
    assert events.one_line("out of\nmemory\x00\t at 3") == "out of memory at 3"
    assert len(events.one_line("x" * 9000)) == 501
