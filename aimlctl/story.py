"""The story of the demo: a model's whole life during one satellite pass.

Simulated time is paused while the OAM makes or changes a version, so that a short pass still sees
it decide. Nothing is played: if the OAM's rule does not ask for a retraining while it rains, the
demo fails and says what was measured.
"""

import threading

from aimlctl.flight import LOOK_S, Flight
from aimlctl.operator_desk import OperatorDesk
from aimlctl.output import CommandError
from aimlctl.record import Switch
from aimlctl.scenario_orders import ScenarioOrder
from aimlctl.views import View
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from nf_runtime.clock import Clock

ACTOR = "demo"
FIRST_TRAINING_S = 12.0
# The rule must have asked for a retraining by this share of the pass, where the rain ends.
LATEST_RETRAINING = 0.75
ROLLBACK_AT = 0.85
# How far simulated time runs before the demo looks whether the OAM has begun an adaptation.
SLICE = 0.025
_RULE_PATIENCE_S = 5.0


class Story:
    """Tells the story on a platform that serves.

    Args:
        desk: The operator's.
        flight: The pass; its pace is lockstep.
        view: Is told about the parts of the story.
        order: What is simulated.
        first_training_s: Wall-clock bound of the first training.
        clock: For waiting.
    """

    def __init__(
        self,
        desk: OperatorDesk,
        flight: Flight,
        *,
        view: View,
        order: ScenarioOrder,
        first_training_s: float,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._flight = flight
        self._view = view
        self._order = order
        self._first_training_s = first_training_s
        self._clock = clock
        self._switches: list[Switch] = []

    def tell(self) -> tuple[Switch, ...]:
        """Plays the whole story; which version decided from when on.

        Raises:
            CommandError: a part of it did not happen; the sentence says which.
        """
        duration_s = self._order.duration_s
        self._first_version()
        self._view.act("The satellite rises")
        self._view.note(f"{duration_s:g} s are simulated; time waits for each decision (lockstep)")
        self._switches.append(Switch(0.0, self._desk.active_version()))
        self._flight.begin(SLICE * duration_s)
        self._retraining(self._fly_until_retraining())
        self._flight.fly_to(ROLLBACK_AT * duration_s)
        self._roll_back()
        self._view.act("The pass ends with the version before")
        self._flight.fly_to(None)
        self._flight.settle()
        return tuple(self._switches)

    def _first_version(self) -> None:
        self._view.act("A first version is made")
        self._view.note(
            "the OAM has the MTLF specialise the shipped model for passes under a clear sky, in "
            f"{self._first_training_s:g} s"
        )
        self._desk.train_first(
            budget_s=self._first_training_s,
            seed=self._order.seed,
            reason="the demo needs a model",
        )

    def _fly_until_retraining(self) -> str:
        latest_s = LATEST_RETRAINING * self._order.duration_s
        while True:
            retraining_id = self._retraining_in_progress()
            if retraining_id:
                return retraining_id
            now_s = self._flight.now_s
            if now_s >= latest_s:
                return self._last_chance()
            self._flight.fly_to(min(now_s + SLICE * self._order.duration_s, latest_s))

    def _last_chance(self) -> str:
        """The OAM hears of decisions over the broker: what it will do, it does within seconds."""
        deadline_s = self._clock.monotonic_s() + _RULE_PATIENCE_S
        pause = threading.Event()
        while self._clock.monotonic_s() < deadline_s:
            retraining_id = self._retraining_in_progress()
            if retraining_id:
                return retraining_id
            pause.wait(LOOK_S)
        measured = "; ".join(
            f"{quantity.performance_metric} {quantity.value:.3f} "
            f"(threshold {quantity.threshold:.3f}, {quantity.window_count} decisions)"
            for quantity in self._desk.lifecycle().monitored_quantities
        )
        raise CommandError(
            f"no rule of the OAM asked for a retraining by {LATEST_RETRAINING:.0%} of the pass, "
            f"where the rain ends; it measured {measured or 'nothing'}"
        )

    def _retraining_in_progress(self) -> str:
        adaptation = self._desk.lifecycle().current_adaptation
        is_retraining = adaptation.kind == oam.ADAPTATION_KIND_RETRAIN
        return adaptation.adaptation_id if is_retraining else ""

    def _retraining(self, adaptation_id: str) -> None:
        at_s = self._flight.now_s
        self._view.act("The model meets what it was not trained for")
        self._view.note(
            f"simulated time stands still at {at_s:.0f} s while the OAM has a new version made"
        )
        self._desk.follow(adaptation_id)
        self._switches.append(Switch(at_s, self._desk.active_version()))
        self._view.act("The pass goes on with the new version")

    def _roll_back(self) -> None:
        at_s = self._flight.now_s
        self._view.act("The operator's drill: back to the version before")
        retraining_id = self._retraining_in_progress()
        if retraining_id:
            # One adaptation at a time: what a rule has begun meanwhile goes first.
            self._view.note(
                "a rule of the OAM asked for another version meanwhile; it is waited for"
            )
            self._desk.follow(retraining_id)
            self._switches.append(Switch(at_s, self._desk.active_version()))
        if self._desk.active_version() == self._switches[-1].version:
            self._desk.roll_back(reason="the operator's drill")
        else:
            # The OAM's own rule was quicker: the new version did worse than the one before.
            self._view.note("the OAM has rolled back by itself already")
        self._switches.append(Switch(at_s, self._desk.active_version()))
