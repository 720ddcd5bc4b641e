"""The story of the demo, told on a platform in memory."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.platform_peers import FakePlatform

from aimlctl.documents import duration_of
from aimlctl.flight import Flight
from aimlctl.observer import Observer
from aimlctl.operator_desk import OperatorDesk
from aimlctl.output import CommandError
from aimlctl.record import DecisionMade, Step, Switch
from aimlctl.scenario_orders import ScenarioOrder
from aimlctl.story import Story
from aimlctl.topics import TopicReader
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from nf_runtime.clock import ManualClock
from nf_runtime.events.broker import Start
from nf_runtime.events.catalogue import RAN_TRIGGERS


class HastyClock(ManualClock):
    """A clock on which every look at the time takes a second, so that deadlines pass at once."""

    def monotonic_s(self) -> float:
        """A second later than at the last look."""
        self._elapsed_ns += 1_000_000_000
        return super().monotonic_s()


@dataclass
class KeepingView:
    """Keeps what it is told."""

    acts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    decisions: list[DecisionMade] = field(default_factory=list)

    def act(self, title: str) -> None:
        """Keeps it."""
        self.acts.append(title)

    def note(self, sentence: str) -> None:
        """Keeps it."""
        self.notes.append(sentence)

    def step(self, step: Step) -> None:
        """Keeps it."""
        self.steps.append(step)

    def decision(self, decision: DecisionMade) -> None:
        """Keeps it."""
        self.decisions.append(decision)

    def progress(self, what: str, done: float, total: float) -> None:
        """Lets it go."""


class Stage:
    """Everything that a story needs, over a platform in memory."""

    def __init__(self, platform: FakePlatform, duration_s: float = 300.0) -> None:
        self.view = KeepingView()
        clock = HastyClock()
        request = radio.StartRunRequest()
        request.scenario.duration.CopyFrom(duration_of(duration_s))
        order = ScenarioOrder(Path("x.yaml"), "demo-pass", "", request, duration_s, 7, None)
        topics = TopicReader(MemoryBroker(), [RAN_TRIGGERS], start=Start.LATEST)
        self.observer = Observer(
            platform.peers,
            topics,
            model="gan-gdm",
            view=self.view,
            clock=clock,
            started_at=clock.now(),
        )
        self.desk = OperatorDesk(
            platform.peers,
            self.observer,
            view=self.view,
            model="gan-gdm",
            actor="demo",
            clock=clock,
        )
        self.flight = Flight(platform.peers, self.observer, order=order, clock=clock)
        self.story = Story(
            self.desk,
            self.flight,
            view=self.view,
            order=order,
            first_training_s=12.0,
            clock=clock,
        )


def words(stage: Stage) -> list[str]:
    """The steps that the view was told."""
    return [step.word for step in stage.view.steps]


def test_story_runs_through_the_whole_life() -> None:
    """A version is made, the rule has another made, the operator rolls back; v1, v2, v1 decide."""
    platform = FakePlatform(degrades_at_s=160.0)
    stage = Stage(platform)
    switches = stage.story.tell()
    assert switches == (Switch(0.0, 1), Switch(165.0, 2), Switch(255.0, 1))
    assert words(stage) == ["activated", "degraded", "activated", "rolled_back"]
    assert [span.kind for span in stage.desk.followed] == ["INITIAL", "RETRAIN", "ROLLBACK"]
    assert platform.actors == ["demo", "demo"]
    assert {decision.model_version for decision in stage.view.decisions} == {1, 2}


def test_simulated_time_stands_still_while_a_version_is_made() -> None:
    """The pass is paused within a slice of the moment at which the rule asked."""
    platform = FakePlatform(degrades_at_s=160.0)
    Stage(platform).story.tell()
    paused_at = [pause_s for pause_s in platform.resumes if pause_s is not None]
    assert 165.0 in paused_at
    assert not [pause_s for pause_s in paused_at if 165.0 < pause_s < 255.0]
    assert platform.resumes[-1] is None


def test_story_fails_when_no_rule_fires() -> None:
    """Without a retraining by the end of the rain the story fails and tells what was measured."""
    stage = Stage(FakePlatform())
    with pytest.raises(CommandError, match=r"no rule .* by 75% .* LATENT_RELIABILITY 0\.610"):
        stage.story.tell()


def test_rule_that_is_a_moment_late_still_counts() -> None:
    """A retraining that begins in the last slice before the latest point is part of the story."""
    switches = Stage(FakePlatform(degrades_at_s=224.0)).story.tell()
    assert switches[1] == Switch(225.0, 2)


def test_adaptation_that_waits_is_approved() -> None:
    """Where the OAM asks for approval, the operator gives it."""
    stage = Stage(FakePlatform(degrades_at_s=160.0, approves_by_hand=True))
    assert [switch.version for switch in stage.story.tell()] == [1, 2, 1]


def test_rollback_by_the_oam_itself_makes_the_drill_needless() -> None:
    """If a rule rolled back already, the operator's drill is left out and that is said."""
    platform = FakePlatform(degrades_at_s=160.0, rolls_back_at_s=200.0)
    stage = Stage(platform)
    assert [switch.version for switch in stage.story.tell()] == [1, 2, 1]
    assert platform.actors == ["demo"]
    assert any("by itself" in note for note in stage.view.notes)


def test_lost_answer_does_not_fly_twice() -> None:
    """If an answer to ResumeRun is lost, the run is looked at before it is asked again."""
    platform = FakePlatform(degrades_at_s=160.0, lose_answers=3)
    stage = Stage(platform)
    assert [switch.version for switch in stage.story.tell()] == [1, 2, 1]
    pauses = [pause_s for pause_s in platform.resumes if pause_s is not None]
    assert pauses == sorted(set(pauses))


def test_every_decision_is_told_once() -> None:
    """However often the reports are read, each decision reaches the view once."""
    stage = Stage(FakePlatform(degrades_at_s=160.0))
    stage.story.tell()
    ids = [decision.decision_id for decision in stage.view.decisions]
    assert len(ids) == len(set(ids)) == 30


def test_stretches_are_joined_where_time_did_not_stand_still() -> None:
    """The slices of the pass are one stretch; a pause for an adaptation begins another."""
    stage = Stage(FakePlatform(degrades_at_s=160.0))
    stage.story.tell()
    ends = [(s.start_sim_s, s.end_sim_s) for s in stage.flight.stretches]
    assert ends[0][0] == 0.0
    assert ends[-1][1] == 300.0
    assert [end for _, end in ends[:-1]] == [start for start, _ in ends[1:]]


def test_past_of_the_platform_is_not_told() -> None:
    """On a platform that has worked before, only what is new is told and counted."""
    platform = FakePlatform(degrades_at_s=160.0)
    Stage(platform).story.tell()
    later = Stage(platform)
    later.observer.skip_the_past()
    later.observer.look_at_lifecycle()
    later.observer.look_at_decisions()
    assert later.view.steps == []
    assert later.view.decisions == []
    assert later.observer.counts(platform.run).made == 0
