"""The story of the demo: a model's whole life during one satellite pass.

Simulated time is paused while the OAM makes or changes a version, so that a short pass still sees
it decide. Nothing is played: if the OAM's rule does not ask for a retraining while it rains, the
demo fails and says what was measured.
"""

import threading
import uuid
from dataclasses import dataclass, replace
from typing import NamedTuple

from aimlctl.adaptations import follow
from aimlctl.documents import duration_of, enum_word, seconds_of, time_of
from aimlctl.observer import Observer
from aimlctl.output import CommandError
from aimlctl.patience import patiently
from aimlctl.peers import Peers
from aimlctl.record import AdaptationSpan, Stretch, Switch
from aimlctl.scenario_orders import ScenarioOrder
from aimlctl.views import View
from aimlnf.nwdaf.v1 import model_training_service_pb2 as mtlf
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from aimlnf.ransim.v1 import run_pb2
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Unavailable

ACTOR = "demo"
# The rule must have asked for a retraining by this share of the pass, where the rain ends.
LATEST_RETRAINING = 0.75
ROLLBACK_AT = 0.85
# How far simulated time runs before the demo looks whether the OAM has begun an adaptation.
SLICE = 0.025
FIRST_TRAINING_S = 12.0
_RULE_PATIENCE_S = 5.0
_LOOK_S = 0.05
_STANDSTILL_S = 90.0
_SETTLE_S = 20.0
_SEAMLESS_S = 0.5
_ENDED = {run_pb2.RUN_STATE_FINISHED, run_pb2.RUN_STATE_STOPPED}


class Places(NamedTuple):
    """Where the pass stands, simulated and on the wall clock."""

    sim_s: float
    wall_s: float


@dataclass(frozen=True)
class Told:
    """What only the story knows about a run."""

    stretches: tuple[Stretch, ...]
    switches: tuple[Switch, ...]
    adaptations: tuple[AdaptationSpan, ...]


class Story:
    """Tells the story on a platform that serves.

    Args:
        peers: The functions.
        observer: Sees and keeps what happens.
        view: Is told about the parts of the story.
        order: The scenario; its pace is lockstep.
        model: Name of the model.
        first_training_s: Wall-clock bound of the first training.
        clock: For waiting.
    """

    def __init__(
        self,
        peers: Peers,
        observer: Observer,
        *,
        view: View,
        order: ScenarioOrder,
        model: str,
        first_training_s: float,
        clock: Clock,
    ) -> None:
        self._peers = peers
        self._observer = observer
        self._view = view
        self._order = order
        self._model = model
        self._first_training_s = first_training_s
        self._clock = clock
        self._pause = threading.Event()
        self._stretches: list[Stretch] = []
        self._switches: list[Switch] = []
        self._adaptations: list[AdaptationSpan] = []

    def tell(self) -> Told:
        """Plays the whole story.

        Raises:
            CommandError: a part of it did not happen; the sentence says which.
        """
        self._first_version()
        self._begin_pass()
        retraining_id = self._fly_until_retraining()
        self._retraining(retraining_id)
        self._fly_to(ROLLBACK_AT * self._order.duration_s)
        self._roll_back()
        self._fly_to_the_end()
        return Told(tuple(self._stretches), tuple(self._switches), tuple(self._adaptations))

    def _first_version(self) -> None:
        self._view.act("A first version is made")
        self._view.note(
            f"the OAM asks the MTLF to specialise the shipped model, {self._first_training_s:g} s "
            "of training"
        )
        request = service.TrainRequest(
            request_id=str(uuid.uuid4()),
            model_name=self._model,
            order=oam.TrainingOrder(
                profile=mtlf.ScenarioProfile(name="pass"),
                time_budget=duration_of(self._first_training_s),
                seed=self._order.seed,
            ),
            actor=ACTOR,
            reason="the demo needs a model",
        )
        started = patiently(lambda: self._peers.oam.Train(request), clock=self._clock)
        self._await(started.adaptation.adaptation_id)

    def _begin_pass(self) -> None:
        self._view.act("The satellite rises")
        request = radio.StartRunRequest()
        request.CopyFrom(self._order.request)
        request.request_id = str(uuid.uuid4())
        request.pause_at.CopyFrom(duration_of(SLICE * self._order.duration_s))
        run = patiently(lambda: self._peers.radio.StartRun(request), clock=self._clock).run
        self._observer.run_id = run.run_id
        self._switches.append(Switch(0.0, self._active_version()))
        self._view.note(
            f"{self._order.duration_s:g} s are simulated; time waits for each decision (lockstep)"
        )
        self._wait_for_pause(Places(0.0, self._observer.now_s()))

    def _fly_until_retraining(self) -> str:
        latest_s = LATEST_RETRAINING * self._order.duration_s
        while True:
            adaptation = self._lifecycle().current_adaptation
            if adaptation.kind == oam.ADAPTATION_KIND_RETRAIN:
                return adaptation.adaptation_id
            now_s = seconds_of(self._observer.run().sim_offset)
            if now_s >= latest_s:
                return self._last_chance()
            self._fly_to(min(now_s + SLICE * self._order.duration_s, latest_s))

    def _last_chance(self) -> str:
        """The OAM hears of decisions over the broker: what it will do, it does within seconds."""
        deadline_s = self._clock.monotonic_s() + _RULE_PATIENCE_S
        while self._clock.monotonic_s() < deadline_s:
            lifecycle = self._lifecycle()
            if lifecycle.current_adaptation.kind == oam.ADAPTATION_KIND_RETRAIN:
                return lifecycle.current_adaptation.adaptation_id
            self._pause.wait(_LOOK_S)
        measured = "; ".join(
            f"{quantity.performance_metric} {quantity.value:.3f} "
            f"(threshold {quantity.threshold:.3f}, {quantity.window_count} decisions)"
            for quantity in self._lifecycle().monitored_quantities
        )
        raise CommandError(
            f"no rule of the OAM asked for a retraining by {LATEST_RETRAINING:.0%} of the pass, "
            f"where the rain ends; it measured {measured or 'nothing'}"
        )

    def _retraining(self, adaptation_id: str) -> None:
        at_s = seconds_of(self._observer.run().sim_offset)
        self._view.act("The model meets what it was not trained for")
        self._view.note(
            f"simulated time stands still at {at_s:.0f} s while the OAM has a new version made"
        )
        self._await(adaptation_id)
        self._switches.append(Switch(at_s, self._active_version()))
        self._view.act("The pass goes on with the new version")

    def _roll_back(self) -> None:
        at_s = seconds_of(self._observer.run().sim_offset)
        self._view.act("The operator's drill: back to the version before")
        if self._lifecycle().active_version != self._switches[-1].version:
            # The OAM's own rule was quicker: the new version did worse than the one before.
            self._view.note("the OAM has rolled back by itself already")
            self._switches.append(Switch(at_s, self._active_version()))
            return
        request = service.RollbackRequest(
            request_id=str(uuid.uuid4()),
            model_name=self._model,
            actor=ACTOR,
            reason="the operator's drill",
        )
        started = patiently(lambda: self._peers.oam.Rollback(request), clock=self._clock)
        self._await(started.adaptation.adaptation_id)
        self._switches.append(Switch(at_s, self._active_version()))

    def _fly_to_the_end(self) -> None:
        self._view.act("The pass ends with the version before")
        self._fly_to(None)
        deadline_s = self._clock.monotonic_s() + _SETTLE_S
        while not self._is_settled() and self._clock.monotonic_s() < deadline_s:
            self._observer.look_at_decisions()
            self._observer.look_at_topics(_LOOK_S)
        self._observer.look_at_lifecycle()

    def _is_settled(self) -> bool:
        """Whether every published trigger is on the topic and has a decision."""
        published = sum(count.published_count for count in self._observer.run().trigger_counts)
        answered = {decision.trigger_id for decision in self._observer.decisions.values()}
        return len(self._observer.triggers) >= published and len(answered) >= published

    def _fly_to(self, pause_at_s: float | None) -> None:
        start = Places(seconds_of(self._observer.run().sim_offset), self._observer.now_s())
        self._resume(pause_at_s)
        self._wait_for_pause(start)

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

    def _wait_for_pause(self, start: Places) -> None:
        """Returns when the run stands still or has ended; the stretch is kept."""
        last = start
        while True:
            run = self._observer.look_at_run()
            now = Places(seconds_of(run.sim_offset), self._observer.now_s())
            if run.state == run_pb2.RUN_STATE_PAUSED or run.state in _ENDED:
                self._keep(Stretch(start.sim_s, now.sim_s, start.wall_s, now.wall_s))
                return
            if now.sim_s > last.sim_s:
                last = now
            if now.wall_s - last.wall_s > _STANDSTILL_S:
                raise CommandError(
                    f"simulated time has stood still at {now.sim_s:.0f} s for {_STANDSTILL_S:g} s"
                )
            self._pause.wait(_LOOK_S)

    def _keep(self, stretch: Stretch) -> None:
        """Keeps a stretch; one that follows the last at once makes it longer."""
        last = self._stretches[-1] if self._stretches else None
        if last is not None and stretch.start_wall_s - last.end_wall_s < _SEAMLESS_S:
            self._stretches[-1] = replace(
                last, end_sim_s=stretch.end_sim_s, end_wall_s=stretch.end_wall_s
            )
        else:
            self._stretches.append(stretch)

    def _await(self, adaptation_id: str) -> None:
        """Returns when the adaptation is completed; approves it where it waits for that."""
        while True:
            adaptation = follow(
                self._peers, adaptation_id, on_look=self._look_at_adaptation, clock=self._clock
            )
            if adaptation.state != oam.ADAPTATION_STATE_AWAITING_APPROVAL:
                break
            self._approve(adaptation_id)
        self._observer.look_at_lifecycle()
        self._adaptations.append(
            AdaptationSpan(
                adaptation_id=adaptation_id,
                kind=enum_word(oam.AdaptationKind.DESCRIPTOR, adaptation.kind),
                version=adaptation.to_version,
                start_wall_s=self._observer.wall_s_of(time_of(adaptation.create_time)),
                end_wall_s=self._observer.wall_s_of(time_of(adaptation.update_time)),
            )
        )

    def _approve(self, adaptation_id: str) -> None:
        request = service.ApproveRequest(
            adaptation_id=adaptation_id, actor=ACTOR, reason="the version passed its test"
        )
        patiently(lambda: self._peers.oam.Approve(request), clock=self._clock)

    def _look_at_adaptation(self, adaptation: oam.Adaptation) -> None:
        self._observer.look_at_lifecycle()
        state = enum_word(oam.AdaptationState.DESCRIPTOR, adaptation.state)
        self._view.progress(state.lower().replace("_", " "), adaptation.progress_percent, 100.0)

    def _lifecycle(self) -> oam.Lifecycle:
        request = service.GetLifecycleRequest(model_name=self._model)
        return patiently(lambda: self._peers.oam.GetLifecycle(request), clock=self._clock).lifecycle

    def _active_version(self) -> int:
        return self._lifecycle().active_version
