# ruff: noqa: N802 - names are the generated stubs'
"""A platform in memory behind the stubs that the command line calls: radio network, OAM, inference.

It flies at once: each ResumeRun brings the run to its next pause. Every trigger is decided.
`degrades_at_s` makes the OAM start a retraining when the pass gets there, `rolls_back_at_s` a
rollback.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aimlctl.documents import duration_of, seconds_of
from aimlctl.output import CommandError
from aimlnf.inference.v1 import inference_function_service_pb2 as inference
from aimlnf.inference.v1 import inference_pb2
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from aimlnf.ransim.v1 import run_pb2
from nf_runtime.errors import Unavailable

TRIGGER_TYPE = "org.aimlnf.ran.doppler-sinr-drop.v1"


@dataclass
class FakePlatform:
    """Peers as `aimlctl.peers.Peers` has them, with one run and one model."""

    degrades_at_s: float | None = None
    approves_by_hand: bool = False
    rolls_back_at_s: float | None = None
    lose_answers: int = 0  # of ResumeRun: it happens, and the caller hears UNAVAILABLE
    stands_still: bool = False
    resumes: list[float | None] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.radio = FakeRadio(self)
        self.oam = FakeOam(self)
        self.inference = FakeInference(self)
        self.run = run_pb2.Run()
        self.adaptations: list[oam.Adaptation] = []
        self.steps: list[oam.LifecycleStep] = []
        self.reports: list[inference_pb2.InferenceReport] = []
        self.active, self.previous, self.latest = 0, 0, 0

    @property
    def peers(self) -> Any:
        """What the code under test takes for `Peers`."""
        return SimpleNamespace(radio=self.radio, oam=self.oam, inference=self.inference)

    def fly(self, to_s: float) -> None:
        """Brings the run there, with a trigger and its decision at each tenth second."""
        begin_s = seconds_of(self.run.sim_offset)
        for second in range(int(begin_s), int(to_s)):
            if second % 10 == 0:
                self._decide(second)
        self.run.sim_offset.CopyFrom(duration_of(to_s))
        if self.degrades_at_s is not None and begin_s < self.degrades_at_s <= to_s:
            self._step(oam.STEP_KIND_DEGRADED, "", self.active)
            self.adapt(oam.ADAPTATION_KIND_RETRAIN, "rule:latent-reliability")
        if self.rolls_back_at_s is not None and begin_s < self.rolls_back_at_s <= to_s:
            self._complete(self.adapt(oam.ADAPTATION_KIND_ROLLBACK, "rule:regression"))

    def adapt(self, kind: int, initiator: str) -> oam.Adaptation:
        """Starts an adaptation; it ends while it is followed."""
        adaptation = oam.Adaptation(
            adaptation_id=f"a{len(self.adaptations) + 1}",
            kind=kind,
            state=oam.ADAPTATION_STATE_TRAINING,
            initiator=initiator,
            from_version=self.active,
            model_name="gan-gdm",
        )
        self.adaptations.append(adaptation)
        return adaptation

    def advance(self, adaptation: oam.Adaptation) -> None:
        """One look later: through approval, where it is by hand, to its end."""
        if adaptation.state == oam.ADAPTATION_STATE_TRAINING and self.approves_by_hand:
            adaptation.state = oam.ADAPTATION_STATE_AWAITING_APPROVAL
        elif adaptation.state in {oam.ADAPTATION_STATE_TRAINING, oam.ADAPTATION_STATE_LOADING}:
            self._complete(adaptation)

    def _complete(self, adaptation: oam.Adaptation) -> None:
        back = adaptation.kind == oam.ADAPTATION_KIND_ROLLBACK
        if not back:
            self.latest += 1
        version = self.previous if back else self.latest
        self.previous, self.active = self.active, version
        adaptation.to_version = version
        adaptation.state = oam.ADAPTATION_STATE_COMPLETED
        kind = oam.STEP_KIND_ROLLED_BACK if back else oam.STEP_KIND_ACTIVATED
        self._step(kind, adaptation.adaptation_id, version)

    def _step(self, kind: int, adaptation_id: str, version: int) -> None:
        self.steps.append(
            oam.LifecycleStep(
                sequence=len(self.steps) + 1,
                kind=kind,
                adaptation_id=adaptation_id,
                version=version,
                model_name="gan-gdm",
            )
        )

    def _decide(self, second: int) -> None:
        number = len(self.reports) + 1
        report = inference_pb2.InferenceReport(sequence=number, trigger_type=TRIGGER_TYPE)
        report.decision.decision_id = f"d{number}"
        report.decision.source = inference_pb2.DECISION_SOURCE_MODEL
        report.decision.model_version = self.active
        report.outcome.decision_id = f"d{number}"
        report.outcome.run_id = self.run.run_id
        report.outcome.trigger_id = f"t{number}"
        report.outcome.sim_offset.CopyFrom(duration_of(second))
        report.outcome.before_bps_hz, report.outcome.after_bps_hz = 10.0, 20.0
        self.reports.append(report)


class FakeRadio:
    """`RadioService`."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform

    def StartRun(self, request: radio.StartRunRequest) -> radio.StartRunResponse:
        """The run flies to its first pause at once."""
        run = self._platform.run
        run.run_id = "run-1"
        run.scenario.CopyFrom(request.scenario)
        self._fly(request)
        return radio.StartRunResponse(run=run)

    def GetRun(self, _request: radio.GetRunRequest) -> radio.GetRunResponse:
        """As it stands."""
        return radio.GetRunResponse(run=self._platform.run)

    def ResumeRun(self, request: radio.ResumeRunRequest) -> radio.ResumeRunResponse:
        """Flies to the next pause; the answer may be lost."""
        platform = self._platform
        if request.HasField("pause_at") and seconds_of(request.pause_at) <= seconds_of(
            platform.run.sim_offset
        ):
            raise CommandError("the pause lies behind")
        self._fly(request)
        if platform.lose_answers:
            platform.lose_answers -= 1
            raise Unavailable("killed", reason="PEER_UNAVAILABLE")
        return radio.ResumeRunResponse(run=platform.run)

    def _fly(self, request: Any) -> None:
        platform = self._platform
        pause_at_s = seconds_of(request.pause_at) if request.HasField("pause_at") else None
        platform.resumes.append(pause_at_s)
        if platform.stands_still:
            platform.run.state = run_pb2.RUN_STATE_HOLDING
            return
        duration_s = seconds_of(platform.run.scenario.duration)
        platform.fly(duration_s if pause_at_s is None else pause_at_s)
        paused = pause_at_s is not None
        platform.run.state = run_pb2.RUN_STATE_PAUSED if paused else run_pb2.RUN_STATE_FINISHED


class FakeOam:
    """`LifecycleService`."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform

    def Train(self, request: service.TrainRequest) -> service.TrainResponse:
        """A first version."""
        self._platform.actors.append(request.actor)
        adaptation = self._platform.adapt(oam.ADAPTATION_KIND_INITIAL, "operator:demo")
        return service.TrainResponse(adaptation=adaptation)

    def Rollback(self, request: service.RollbackRequest) -> service.RollbackResponse:
        """Back to the version before."""
        self._platform.actors.append(request.actor)
        adaptation = self._platform.adapt(oam.ADAPTATION_KIND_ROLLBACK, "operator:demo")
        return service.RollbackResponse(adaptation=adaptation)

    def Approve(self, request: service.ApproveRequest) -> service.ApproveResponse:
        """Lets it go on."""
        adaptation = self._find(request.adaptation_id)
        adaptation.state = oam.ADAPTATION_STATE_LOADING
        return service.ApproveResponse(adaptation=adaptation)

    def GetAdaptation(self, request: service.GetAdaptationRequest) -> service.GetAdaptationResponse:
        """As it stands; it goes on with each look."""
        adaptation = self._find(request.adaptation_id)
        self._platform.advance(adaptation)
        return service.GetAdaptationResponse(adaptation=adaptation)

    def GetLifecycle(self, _request: service.GetLifecycleRequest) -> service.GetLifecycleResponse:
        """As it stands."""
        platform = self._platform
        lifecycle = oam.Lifecycle(
            active_version=platform.active, previous_version=platform.previous
        )
        lifecycle.monitored_quantities.add(
            performance_metric="LATENT_RELIABILITY", value=0.61, threshold=0.3, window_count=10
        )
        ended = {oam.ADAPTATION_STATE_COMPLETED, oam.ADAPTATION_STATE_FAILED}
        for adaptation in platform.adaptations:
            if adaptation.state not in ended:
                lifecycle.current_adaptation.CopyFrom(adaptation)
        return service.GetLifecycleResponse(lifecycle=lifecycle)

    def ListLifecycleSteps(
        self, request: service.ListLifecycleStepsRequest
    ) -> service.ListLifecycleStepsResponse:
        """After a sequence."""
        steps = [s for s in self._platform.steps if s.sequence > request.after_sequence]
        return service.ListLifecycleStepsResponse(steps=steps)

    def _find(self, adaptation_id: str) -> oam.Adaptation:
        return next(a for a in self._platform.adaptations if a.adaptation_id == adaptation_id)


class FakeInference:
    """`InferenceFunctionService`."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform

    def ListReports(self, request: inference.ListReportsRequest) -> inference.ListReportsResponse:
        """After a sequence."""
        reports = [r for r in self._platform.reports if r.sequence > request.after_sequence]
        return inference.ListReportsResponse(reports=reports)

    def GetStatus(self, _request: inference.GetStatusRequest) -> inference.GetStatusResponse:
        """Every report is a decision."""
        count = len(self._platform.reports)
        return inference.GetStatusResponse(
            notifications_count=count, decisions_made_count=count, decisions_applied_count=count
        )
