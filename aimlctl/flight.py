"""One simulated pass, flown piece by piece."""

import threading
import uuid
from dataclasses import replace
from typing import NamedTuple

from aimlctl.documents import duration_of, seconds_of
from aimlctl.observer import Observer
from aimlctl.output import CommandError
from aimlctl.patience import patiently
from aimlctl.peers import Peers
from aimlctl.record import Stretch
from aimlctl.scenario_orders import ScenarioOrder
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from aimlnf.ransim.v1 import run_pb2
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Unavailable

LOOK_S = 0.05
_STANDSTILL_S = 90.0
_SETTLE_S = 20.0
_SEAMLESS_S = 0.5
_AT_REST = {
    run_pb2.RUN_STATE_PAUSED,
    run_pb2.RUN_STATE_FINISHED,
    run_pb2.RUN_STATE_STOPPED,
}


class _Place(NamedTuple):
    """Where the pass stands, simulated and on the wall clock."""

    sim_s: float
    wall_s: float


class Flight:
    """Starts the run of an order and lets simulated time pass from pause to pause.

    Args:
        peers: The functions.
        observer: Sees and keeps what happens.
        order: What to simulate.
        clock: For waiting.
    """

    def __init__(
        self, peers: Peers, observer: Observer, *, order: ScenarioOrder, clock: Clock
    ) -> None:
        self._peers = peers
        self._observer = observer
        self._order = order
        self._clock = clock
        self._pause = threading.Event()
        self._stretches: list[Stretch] = []

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The pieces flown so far, from pause to pause."""
        return tuple(self._stretches)

    @property
    def now_s(self) -> float:
        """Simulated time since the start of the run."""
        return seconds_of(self._observer.run().sim_offset)

    def begin(self, pause_at_s: float | None) -> None:
        """Starts the run and flies to the pause, or to the end where there is none."""
        request = radio.StartRunRequest()
        request.CopyFrom(self._order.request)
        request.request_id = str(uuid.uuid4())
        if pause_at_s is not None:
            request.pause_at.CopyFrom(duration_of(pause_at_s))
        run = patiently(lambda: self._peers.radio.StartRun(request), clock=self._clock).run
        self._observer.run_id = run.run_id
        self._wait_for_rest(_Place(0.0, self._observer.now_s()))

    def fly_to(self, pause_at_s: float | None) -> None:
        """Flies on to the pause, or to the end of the pass where there is none."""
        start = _Place(self.now_s, self._observer.now_s())
        self._resume(pause_at_s)
        self._wait_for_rest(start)

    def settle(self) -> None:
        """Waits until every published trigger is on the topic and has a decision, for a while."""
        deadline_s = self._clock.monotonic_s() + _SETTLE_S
        while not self._is_settled() and self._clock.monotonic_s() < deadline_s:
            self._observer.look_at_decisions()
            self._observer.look_at_topics(LOOK_S)
        self._observer.look_at_lifecycle()

    def _is_settled(self) -> bool:
        published = sum(count.published_count for count in self._observer.run().trigger_counts)
        answered = {decision.trigger_id for decision in self._observer.decisions.values()}
        return len(self._observer.triggers) >= published and len(answered) >= published

    def _resume(self, pause_at_s: float | None) -> None:
        """Lets time pass on. An answer that was lost on its way must not let it pass twice."""
        request = radio.ResumeRunRequest(run_id=self._observer.run_id)
        if pause_at_s is not None:
            request.pause_at.CopyFrom(duration_of(pause_at_s))
        while True:
            try:
                self._peers.radio.ResumeRun(request)
            except (Unavailable, DeadlineExceeded):
                run = self._observer.run()
                if run.state != run_pb2.RUN_STATE_PAUSED:
                    return
                if pause_at_s is not None and seconds_of(run.sim_offset) >= pause_at_s:
                    return
            else:
                return

    def _wait_for_rest(self, start: _Place) -> None:
        last = start
        while True:
            run = self._observer.look_at_run()
            now = _Place(seconds_of(run.sim_offset), self._observer.now_s())
            if run.state in _AT_REST:
                self._keep(Stretch(start.sim_s, now.sim_s, start.wall_s, now.wall_s))
                return
            if now.sim_s > last.sim_s:
                last = now
            if now.wall_s - last.wall_s > _STANDSTILL_S:
                raise CommandError(
                    f"simulated time has stood still at {now.sim_s:.0f} s for {_STANDSTILL_S:g} s"
                )
            self._pause.wait(LOOK_S)

    def _keep(self, stretch: Stretch) -> None:
        """Keeps a stretch; one that follows the last at once makes it longer."""
        last = self._stretches[-1] if self._stretches else None
        if last is not None and stretch.start_wall_s - last.end_wall_s < _SEAMLESS_S:
            self._stretches[-1] = replace(
                last, end_sim_s=stretch.end_sim_s, end_wall_s=stretch.end_wall_s
            )
        else:
            self._stretches.append(stretch)
