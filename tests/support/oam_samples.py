"""Values of the OAM's domain, for tests that need some."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from oam import adaptation_events as events
from oam.adaptation_events import Event, ModelReference
from oam.adaptations import Adaptation, advance, new_adaptation
from oam.approvals import ApprovalPolicy, ApprovalStep
from oam.canary import CanaryPolicy, Comparison
from oam.lifecycles import Policy
from oam.managed_objects import Naming
from oam.monitoring_policy import Limit, MonitoringPolicy
from oam.training_orders import Profile, TrainingOrder, TrainingType
from oam.transitions import AdaptationKind, Stage

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MODEL = "gan-gdm"
NAMING = Naming("aimlnf", "ground-station", "inference_nf")
ORDER = TrainingOrder(TrainingType.RE_TRAINING, 1, Profile("pass", rain_probability=0.6), 40.0, 7)

MONITORING = MonitoringPolicy(
    window=10,
    minimum_samples=4,
    latent_reliability=Limit(0.5, 0.1),
    secrecy_gain=Limit(0.0, 0.2),
    decision_failure_ratio=Limit(0.3, 0.1),
    inference_latency_ms=Limit(100.0, 20.0),
    ood_rate=Limit(0.5, 0.2),
    ood_reliability=0.05,
    regression_margin_bps_hz=1.0,
    fresh_decisions=20,
    retrain_cool_down_s=60.0,
    rollback_cool_down_s=0.0,
    most_adaptations=10,
    adaptation_window_s=3600.0,
)
POLICY = Policy(
    monitoring=MONITORING, approvals=ApprovalPolicy(), canary=CanaryPolicy(), naming=NAMING
)
MANUAL_POLICY = replace(POLICY, approvals=ApprovalPolicy(waits=frozenset({ApprovalStep.LOAD})))


def reference(version: int) -> ModelReference:
    """A version with its distinguished name."""
    return ModelReference(version, f"SubNetwork=aimlnf,MLModelRepository=mms,MLModel={version}")


# The events that end each stage well.
HAPPY: dict[Stage, Event] = {
    Stage.PREPARE: events.OrderPrepared(ORDER, "as configured"),
    Stage.START_TRAINING: events.TrainingStarted("job-1"),
    Stage.AWAIT_TRAINING: events.Trained(reference(2), {"ratio_to_exhaustive": 0.91}),
    Stage.START_TEST: events.TestStarted("job-2"),
    Stage.AWAIT_TEST: events.TestFinished(
        test_passed=True, test_metrics={"ratio_to_exhaustive": 0.9}, required_ratio=0.8
    ),
    Stage.RECORD_TEST: events.TestPassed(),
    Stage.AWAIT_APPROVAL: events.ApprovalGiven("operator:ada", "looks good"),
    Stage.APPROVE: events.VersionApproved(),
    Stage.LOAD: events.Loaded("onnxruntime 1.20", 0.8),
    Stage.CANARY: events.CanaryPassed(Comparison(20, 12, 0, 10.0, 10.4), "it is as good"),
    Stage.AWAIT_ACTIVATION: events.ApprovalGiven("operator:ada", "go"),
    Stage.AWAIT_START: events.ApprovalGiven("operator:ada", "do it"),
    Stage.ACTIVATE: events.Activated(),
    Stage.PROMOTE: events.Promoted(reference(1)),
    Stage.RESTORE: events.Restored(),
    Stage.WITHDRAW: events.Withdrawn(),
}


def started(kind: AdaptationKind = AdaptationKind.RETRAIN, adaptation_id: str = "a1") -> Adaptation:
    """An adaptation that has just begun, from version 2 to 1 for a rollback, else from 1."""
    back = kind is AdaptationKind.ROLLBACK
    return new_adaptation(
        adaptation_id,
        kind,
        model_name=MODEL,
        from_model=reference(2 if back else 1),
        to_model=reference(1) if back else events.NO_MODEL,
        initiator="operator:ada",
        cause="rain has set in",
        now=NOW,
    )


def at_stage(stage: Stage, kind: AdaptationKind = AdaptationKind.RETRAIN) -> Adaptation:
    """An adaptation for which everything went well until `stage`."""
    adaptation = started(kind)
    for second in range(len(Stage)):
        if adaptation.stage is stage:
            return adaptation
        adaptation = advance(adaptation, HAPPY[adaptation.stage], NOW + timedelta(seconds=second))
    raise ValueError(f"a {kind} that goes well never comes to {stage}")
