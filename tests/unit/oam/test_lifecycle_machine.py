"""The loop against a small model of its own: one at a time, hysteresis, rest, budget, champion."""

from dataclasses import replace
from datetime import timedelta
from statistics import fmean

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.oam_samples import HAPPY, MODEL, MONITORING, NOW, POLICY, reference, started

from nf_runtime.errors import FailedPrecondition
from oam import adaptation_events as events
from oam.approvals import ApprovalPolicy, ApprovalStep
from oam.audit import EMPTY, chained, head_of, verify
from oam.canary import CanaryPolicy, Comparison
from oam.lifecycles import Change, Lifecycle, begin, proceed
from oam.monitoring import Sample, Watch
from oam.monitoring_policy import Limit
from oam.oscillation import check_return
from oam.record import RecordedStep, StepKind
from oam.rules import report
from oam.transitions import TRANSITIONS, AdaptationKind, Stage

WINDOW, MINIMUM, FLOOR, BACK_ABOVE = 5, 3, 0.5, 0.6
REST_S, MOST, BUDGET_S = 60.0, 3, 600.0
WORSE = Comparison(20, 1, 0, 10.0, 7.0)
ENDS = {StepKind.ACTIVATED, StepKind.ROLLED_BACK, StepKind.FAILED, StepKind.REJECTED}


class LoopMachine(RuleBasedStateMachine):
    """Decisions, operators, peers that do or refuse, time and restarts, in any order.

    The model beside it keeps every reliability ever reported and judges all of it afresh.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.number = 0
        self.record: list[RecordedStep] = []
        self.lifecycle = Lifecycle(
            MODEL,
            active=reference(1),
            active_since=NOW,
            watch=Watch(model=reference(1)),
        )
        self.policy = POLICY
        # The model.
        self.reliabilities: list[float] = []
        self.armed = False
        self.busy = ""
        self.ended_at = None
        self.begun_at = []
        self.champion, self.previous, self.deciding, self.newest = 1, 0, 1, 1
        self.left: set[int] = set()

    @initialize(waits=st.sets(st.sampled_from(ApprovalStep)), compares=st.booleans())
    def configure(self, waits: set[ApprovalStep], *, compares: bool) -> None:
        """Any steps may wait for a person; candidates are compared or not."""
        monitoring = replace(
            MONITORING,
            window=WINDOW,
            minimum_samples=MINIMUM,
            latent_reliability=Limit(FLOOR, BACK_ABOVE - FLOOR),
            ood_rate=Limit(1.0, 0.0),
            retrain_cool_down_s=REST_S,
            most_adaptations=MOST,
            adaptation_window_s=BUDGET_S,
        )
        self.policy = replace(
            POLICY,
            monitoring=monitoring,
            approvals=ApprovalPolicy(waits=frozenset(waits)),
            canary=CanaryPolicy(decisions=20 if compares else 0),
        )

    @rule(reliability=st.sampled_from([0.0, 0.3, 0.49, 0.55, 0.7, 1.0]), times=st.integers(1, 6))
    def decide(self, reliability: float, times: int) -> None:
        """The champion decides; the rule acts exactly when the model says so."""
        for _ in range(times):
            self.number += 1
            self.reliabilities.append(reliability)
            window = self.reliabilities[-WINDOW:]
            if len(window) >= MINIMUM:
                self.armed = fmean(window) < FLOOR or (self.armed and fmean(window) <= BACK_ABOVE)
            acts = self.armed and not self.busy and self._has_rested() and self._has_budget()
            change = report(
                self.lifecycle,
                Sample(by_model=True, reliability=reliability, gain_bps_hz=2.0),
                self.policy,
                adaptation_id=f"r{self.number}",
                now=self.now,
            )
            self._take(change)
            assert (change.adaptation is not None) == acts
            if acts:
                self._began(f"r{self.number}")

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 300, 601]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    @rule(back=st.booleans(), insists=st.booleans())
    def operator_asks(self, *, back: bool, insists: bool) -> None:
        """An operator is not held back by rest or budget, only by an adaptation in progress."""
        if back and not self.previous:
            return
        if back and self.previous in self.left and not insists:
            with pytest.raises(FailedPrecondition):
                check_return(self.lifecycle.recent, self.previous, allowed=False)
            return
        self.number += 1
        wanted = replace(
            started(AdaptationKind.ROLLBACK if back else AdaptationKind.RETRAIN),
            adaptation_id=f"o{self.number}",
            from_model=reference(self.champion),
            to_model=reference(self.previous) if back else events.NO_MODEL,
            create_time=self.now,
        )
        if self.busy:
            with pytest.raises(FailedPrecondition) as raised:
                begin(self.lifecycle, wanted, self.policy)
            assert raised.value.reason == "ADAPTATION_IN_PROGRESS"
            return
        self._take(begin(self.lifecycle, wanted, self.policy))
        self._began(wanted.adaptation_id)

    @precondition(lambda self: self.busy)
    @rule(stages=st.integers(1, 12))
    def goes_well(self, stages: int) -> None:
        """The peer, or the person, does what each of so many stages asks for."""
        for _ in range(stages):
            if not self.busy:
                return
            event = HAPPY[self.lifecycle.current.stage]
            if isinstance(event, events.Trained):
                self.newest += 1
                event = replace(event, to_model=reference(self.newest))
            if isinstance(event, events.Promoted):
                event = events.Promoted(reference(self.champion))
            self._tell(event)

    @precondition(lambda self: self.busy)
    @rule(
        event=st.sampled_from([events.Refused("no"), events.ApprovalDenied("operator:bob", "no")])
    )
    def goes_badly(self, event: events.Event) -> None:
        """The peer refuses for good, or the person turns it down."""
        if (self.lifecycle.current.stage, type(event)) in TRANSITIONS:
            self._tell(event)

    @precondition(lambda self: self.busy and self.lifecycle.current.stage is Stage.CANARY)
    @rule()
    def candidate_is_worse(self) -> None:
        """The comparison on live decisions speaks against it."""
        self._tell(events.CanaryFailed(WORSE, "beyond the margin"))

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def somebody_else_was_quicker(self, data: st.DataObject) -> None:
        """What comes of a stage that is over, or of another adaptation, changes nothing."""
        current = self.lifecycle.current
        other = data.draw(st.sampled_from([each for each in Stage if each is not current.stage]))
        for adaptation_id, stage in ((current.adaptation_id, other), ("another", current.stage)):
            with pytest.raises(FailedPrecondition):
                proceed(
                    self.lifecycle,
                    adaptation_id=adaptation_id,
                    event=events.Refused("no"),
                    policy=self.policy,
                    now=self.now,
                    stage=stage,
                )

    @rule()
    def restart(self) -> None:
        """All that the OAM knows is what it has stored."""
        stored = msgspec.json.encode(self.lifecycle)
        self.lifecycle = msgspec.json.decode(stored, type=Lifecycle)

    @invariant()
    def champion_serves(self) -> None:
        """The version in use is the model's; it decides, or the fallback where it could not."""
        assert self.lifecycle.active.version == self.champion > 0
        assert self.lifecycle.previous.version == self.previous
        if not self.busy:
            assert self.deciding in (self.champion, 0)

    @invariant()
    def never_two_at_once(self) -> None:
        """The one in progress is the one that the model knows of."""
        current = self.lifecycle.current
        assert ("" if current is None else current.adaptation_id) == self.busy

    def teardown(self) -> None:
        """The record is whole, and tells of every adaptation how it began and how it ended."""
        head = {"here": head_of(self.record[-1])} if self.record else {}
        assert verify(self.record, head).faults == ()
        told = [each.step for each in self.record]
        asked = [step.adaptation_id for step in told if step.kind is StepKind.REQUESTED]
        assert len(asked) == len(set(asked))
        ended = {step.adaptation_id for step in told if step.kind in ENDS}
        assert set(asked) - ended <= {self.busy}

    def _tell(self, event: events.Event) -> None:
        before = self.lifecycle.current
        change = proceed(
            self.lifecycle,
            adaptation_id=self.busy,
            event=event,
            policy=self.policy,
            now=self.now,
            stage=before.stage,
        )
        self._take(change)
        match event:
            case events.Activated():
                self.deciding = before.to_model.version
            case events.Restored():
                self.deciding = before.from_model.version
            case events.Refused() if before.stage is Stage.RESTORE:
                self.deciding = 0
            case events.Promoted():
                old, new = self.champion, before.to_model.version
                self.champion, self.previous = new, old
                self.left -= {old, new}
                if before.kind is AdaptationKind.ROLLBACK:
                    self.left.add(old)
                self.reliabilities, self.armed = [], False
        if not change.adaptation.in_progress:
            self.busy, self.ended_at = "", self.now

    def _take(self, change: Change) -> None:
        self.lifecycle = change.lifecycle
        for step in change.steps:
            head = head_of(self.record[-1]) if self.record else EMPTY
            self.record.append(chained(head, step, self.now))

    def _began(self, adaptation_id: str) -> None:
        self.busy = adaptation_id
        self.begun_at.append(self.now)

    def _has_rested(self) -> bool:
        return self.ended_at is None or self.now - self.ended_at >= timedelta(seconds=REST_S)

    def _has_budget(self) -> bool:
        since = self.now - timedelta(seconds=BUDGET_S)
        return sum(time > since for time in self.begun_at) < MOST


TestLoopMachine = LoopMachine.TestCase
