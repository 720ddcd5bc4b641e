"""What the operator does to a model's life: asks, approves, waits."""

import uuid

from aimlctl.adaptations import follow
from aimlctl.documents import duration_of, enum_word, time_of
from aimlctl.observer import Observer
from aimlctl.patience import patiently
from aimlctl.peers import Peers
from aimlctl.record import AdaptationSpan
from aimlctl.views import View
from aimlnf.nwdaf.v1 import model_training_service_pb2 as mtlf
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from nf_runtime.clock import Clock

# A pass under a clear sky: rain is what this version will not have seen.
FIRST_PROFILE = mtlf.ScenarioProfile(name="pass", rain_probability=0.0)


class OperatorDesk:
    """Asks the OAM for adaptations and follows them; an OAM that is away is waited for.

    Args:
        peers: The functions.
        observer: Sees and keeps the steps.
        view: Is shown the progress.
        model: Name of the model.
        actor: Who asks.
        clock: For waiting.
    """

    def __init__(
        self,
        peers: Peers,
        observer: Observer,
        *,
        view: View,
        model: str,
        actor: str,
        clock: Clock,
    ) -> None:
        self._peers = peers
        self._observer = observer
        self._view = view
        self._model = model
        self._actor = actor
        self._clock = clock
        self._followed: list[AdaptationSpan] = []

    @property
    def followed(self) -> tuple[AdaptationSpan, ...]:
        """The adaptations that were followed to their end."""
        return tuple(self._followed)

    def lifecycle(self) -> oam.Lifecycle:
        """Where the model stands."""
        request = service.GetLifecycleRequest(model_name=self._model)
        return patiently(lambda: self._peers.oam.GetLifecycle(request), clock=self._clock).lifecycle

    def active_version(self) -> int:
        """The version that decides; 0: none."""
        return self.lifecycle().active_version

    def train_first(self, *, budget_s: float, seed: int, reason: str) -> None:
        """Has a first version trained for a clear sky, tested and loaded.

        Raises:
            CommandError: the adaptation failed or was turned down.
        """
        request = service.TrainRequest(
            request_id=str(uuid.uuid4()),
            model_name=self._model,
            order=oam.TrainingOrder(
                profile=FIRST_PROFILE,
                time_budget=duration_of(budget_s),
                seed=seed,
            ),
            actor=self._actor,
            reason=reason,
        )
        started = patiently(lambda: self._peers.oam.Train(request), clock=self._clock)
        self.follow(started.adaptation.adaptation_id)

    def roll_back(self, *, reason: str) -> None:
        """Goes back to the previous version.

        Raises:
            CommandError: the adaptation failed.
        """
        request = service.RollbackRequest(
            request_id=str(uuid.uuid4()),
            model_name=self._model,
            actor=self._actor,
            reason=reason,
        )
        started = patiently(lambda: self._peers.oam.Rollback(request), clock=self._clock)
        self.follow(started.adaptation.adaptation_id)

    def follow(self, adaptation_id: str) -> None:
        """Returns when the adaptation is completed; approves it where it waits for that.

        Raises:
            CommandError: it failed or was turned down.
        """
        while True:
            adaptation = follow(self._peers, adaptation_id, on_look=self._look, clock=self._clock)
            if adaptation.state != oam.ADAPTATION_STATE_AWAITING_APPROVAL:
                break
            self._approve(adaptation_id)
        self._observer.look_at_lifecycle()
        self._followed.append(
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
            adaptation_id=adaptation_id, actor=self._actor, reason="the version passed its test"
        )
        patiently(lambda: self._peers.oam.Approve(request), clock=self._clock)

    def _look(self, adaptation: oam.Adaptation) -> None:
        self._observer.look_at_lifecycle()
        state = enum_word(oam.AdaptationState.DESCRIPTOR, adaptation.state)
        self._view.progress(state.lower().replace("_", " "), adaptation.progress_percent, 100.0)
