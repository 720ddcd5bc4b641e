"""What may happen to a run."""

import datetime as dt
import math
from dataclasses import replace

import pytest
from support.passes import pass_scenario

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from ran_sim.runs import Pace, Run, RunOrder, RunState

START = dt.datetime(2022, 9, 14, 12, tzinfo=dt.UTC)


def run(**changes: object) -> Run:
    """A run of a minute, twenty ticks in."""
    order = RunOrder(pass_scenario())
    return replace(Run("run-1", order, START, ticks_done=20), **changes)  # type: ignore[arg-type]


def test_simulated_time_is_that_of_the_current_tick() -> None:
    """Nothing before the first tick, the whole duration at the end."""
    assert run(ticks_done=0).sim_offset_s == 0
    assert run(ticks_done=0).current_tick is None
    assert run().sim_offset_s == 19
    assert run().current_tick == 19
    assert run(ticks_done=60, state=RunState.FINISHED).sim_offset_s == 60


def test_pause_and_resume() -> None:
    """A paused run goes on where it was; a pause that was planned is used up."""
    paused = run(pause_at_s=19.0, holding=True).paused()
    assert paused.state is RunState.PAUSED
    assert paused.pause_at_s is None
    resumed = paused.resumed(40.0)
    assert resumed.state is RunState.RUNNING
    assert resumed.pause_at_s == 40.0
    assert resumed.holding


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.STOPPED])
def test_what_has_ended_cannot_go_on(state: RunState) -> None:
    """Neither paused nor resumed; the error names run and state."""
    ended = run(state=state)
    for change in (ended.paused, lambda: ended.resumed(None)):
        with pytest.raises(FailedPrecondition, match=f"run-1 is {state.value}") as caught:
            change()
        assert caught.value.reason == "STATE_FORBIDS"


def test_stopping() -> None:
    """A run can be stopped once or twice, but not after its end."""
    stopped = run(holding=True).stopped()
    assert stopped.state is RunState.STOPPED
    assert not stopped.holding
    assert stopped.stopped() == stopped
    with pytest.raises(FailedPrecondition):
        run(state=RunState.FINISHED).stopped()


def test_a_planned_pause_is_due_at_its_tick() -> None:
    """Not before the tick at or after it was played."""
    assert not run(pause_at_s=19.5).pause_due
    assert run(pause_at_s=19.0).pause_due
    assert not run().pause_due
    assert not run(ticks_done=0, pause_at_s=0.5).pause_due


@pytest.mark.parametrize("pause_at_s", [19.0, 5.0, 61.0, math.nan, -1.0])
def test_the_next_pause_must_be_ahead(pause_at_s: float) -> None:
    """A pause that is past, or after the end, is refused by name."""
    with pytest.raises(InvalidArgument) as caught:
        run(state=RunState.PAUSED).resumed(pause_at_s)
    assert caught.value.metadata["field"] == "pause_at"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"speed_factor": -1.0}, "speed_factor"),
        ({"speed_factor": math.nan}, "speed_factor"),
        ({"answer_timeout_s": 1e9}, "answer_timeout"),
        ({"pause_at_s": 0.0}, "pause_at"),
    ],
)
def test_a_bad_order_is_named(changes: dict[str, float], field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidArgument) as caught:
        RunOrder(pass_scenario(), Pace.SCALED, **changes)  # type: ignore[arg-type]
    assert caught.value.metadata["field"] == field


def test_the_wall_clock_period() -> None:
    """Twice the speed is half the period; zero means no waiting at all."""
    assert RunOrder(pass_scenario(), speed_factor=2.0).wall_period_s == 0.5
    assert RunOrder(pass_scenario(), speed_factor=0.0).wall_period_s == 0.0
