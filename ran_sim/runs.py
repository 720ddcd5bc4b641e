"""A simulation run: what was ordered, where it stands, and which steps are allowed."""

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from ran_sim.scenarios import PassScenario, TriggerKind

DEFAULT_ANSWER_TIMEOUT_S = 30.0


class Pace(enum.Enum):
    """How simulated time relates to wall-clock time."""

    SCALED = "scaled"
    LOCKSTEP = "lockstep"


class RunState(enum.Enum):
    """Where a run stands."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"


IN_PROGRESS = frozenset({RunState.RUNNING, RunState.PAUSED})


@dataclass(frozen=True)
class RunOrder:
    """What a run was started with.

    Attributes:
        scenario: what to simulate.
        pace: how simulated time passes.
        speed_factor: simulated seconds per wall-clock second; 0 means as fast as possible.
        answer_timeout_s: longest wall-clock time that LOCKSTEP waits for an answer.
        pause_at_s: simulated time at which the run pauses by itself; None: it does not.
    """

    scenario: PassScenario
    pace: Pace = Pace.SCALED
    speed_factor: float = 1.0
    answer_timeout_s: float = DEFAULT_ANSWER_TIMEOUT_S
    pause_at_s: float | None = None

    def __post_init__(self) -> None:
        for name, value, maximum in (
            ("speed_factor", self.speed_factor, 1e6),
            ("answer_timeout", self.answer_timeout_s, 3600.0),
        ):
            if not 0 <= value <= maximum:
                raise InvalidArgument(
                    f"{name} is {value:g}; use 0 to {maximum:g}.",
                    reason="INVALID_FIELD",
                    field=name,
                )
        if self.pause_at_s is not None:
            check_pause(self.pause_at_s, self.scenario, 0.0)

    @property
    def wall_period_s(self) -> float:
        """Wall-clock time between two ticks; 0 for as fast as possible."""
        return self.scenario.tick_period_s / self.speed_factor if self.speed_factor else 0.0


@dataclass(frozen=True)
class TriggerCount:
    """Triggers of one kind: published so far, and answered by a decision that named them."""

    published: int = 0
    answered: int = 0


@dataclass(frozen=True)
class Run:
    """A run as it stands.

    Attributes:
        run_id: identity.
        order: what it was started with.
        state: where it stands.
        start_time: simulated UTC of tick 0.
        holding: whether simulated time waits for answers to the current tick's triggers.
        ticks_done: ticks played; the current tick is the last of them.
        pause_at_s: the next pause, as RunOrder's.
        unanswered_count: triggers whose answer did not come in time.
        applied_count: decisions applied.
        trigger_counts: by kind.
    """

    run_id: str
    order: RunOrder
    start_time: dt.datetime
    state: RunState = RunState.RUNNING
    holding: bool = False
    ticks_done: int = 0
    pause_at_s: float | None = None
    unanswered_count: int = 0
    applied_count: int = 0
    trigger_counts: Mapping[TriggerKind, TriggerCount] = field(default_factory=dict)

    @property
    def scenario(self) -> PassScenario:
        """What is simulated."""
        return self.order.scenario

    @property
    def current_tick(self) -> int | None:
        """The tick whose state is served; None before the first."""
        return self.ticks_done - 1 if self.ticks_done else None

    @property
    def over(self) -> bool:
        """Whether all ticks have been played."""
        return self.ticks_done >= self.scenario.tick_count

    @property
    def sim_offset_s(self) -> float:
        """Simulated time since the start: the current tick's, and the duration once finished."""
        if self.state is RunState.FINISHED:
            return self.scenario.duration_s
        return max(self.ticks_done - 1, 0) * self.scenario.tick_period_s

    @property
    def pause_due(self) -> bool:
        """Whether the run should pause by itself now."""
        return (
            self.pause_at_s is not None
            and self.ticks_done > 0
            and self.sim_offset_s >= self.pause_at_s - 1e-9
        )

    def paused(self) -> "Run":
        """The run, paused.

        Raises:
            FailedPrecondition: it has ended.
        """
        self._must_be_in_progress("paused")
        return replace(self, state=RunState.PAUSED, pause_at_s=None)

    def resumed(self, pause_at_s: float | None) -> "Run":
        """The run, going on, up to a next pause.

        Raises:
            FailedPrecondition: it has ended.
            InvalidArgument: the next pause is not ahead.
        """
        self._must_be_in_progress("resumed")
        if pause_at_s is not None:
            check_pause(pause_at_s, self.scenario, self.sim_offset_s)
        return replace(self, state=RunState.RUNNING, pause_at_s=pause_at_s)

    def stopped(self) -> "Run":
        """The run, ended before its pass is over.

        Raises:
            FailedPrecondition: it has ended by itself.
        """
        if self.state is RunState.STOPPED:
            return self
        self._must_be_in_progress("stopped")
        return replace(self, state=RunState.STOPPED, holding=False)

    def _must_be_in_progress(self, wanted: str) -> None:
        if self.state not in IN_PROGRESS:
            raise FailedPrecondition(
                f"Run {self.run_id} is {self.state.value} and cannot be {wanted}; start another.",
                reason="STATE_FORBIDS",
                resource=self.run_id,
                state=self.state.name,
                wanted=wanted.upper(),
            )


def check_pause(pause_at_s: float, scenario: PassScenario, now_s: float) -> None:
    """Refuses a pause that lies behind or outside of the run.

    Raises:
        InvalidArgument: naming `pause_at`.
    """
    # Written so that NaN fails too.
    if not now_s < pause_at_s <= scenario.duration_s:
        raise InvalidArgument(
            f"pause_at is {pause_at_s:g} s; it must lie after {now_s:g} s, where the run is, and "
            f"within its duration of {scenario.duration_s:g} s.",
            reason="INVALID_FIELD",
            field="pause_at",
        )
