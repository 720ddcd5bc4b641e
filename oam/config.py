"""Settings of the OAM."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from nf_runtime.config import (
    DatabaseSettings,
    KafkaSettings,
    NfSettings,
    Section,
    ServerSettings,
)
from oam.approvals import ApprovalPolicy, ApprovalStep, Role
from oam.canary import CanaryPolicy
from oam.lifecycles import Policy
from oam.making_stages import TestDefaults
from oam.managed_objects import Naming
from oam.monitoring_policy import Limit, MonitoringPolicy
from oam.training_orders import Profile, TrainingDefaults, TrainingType

_NAME = r"^[A-Za-z0-9_.-]{1,64}$"  # nothing that a distinguished name would have to escape


class PeerSettings(Section):
    """Addresses of the functions that the OAM manages."""

    nwdaf_anlf: str = "127.0.0.1:50051"
    nwdaf_mtlf: str = "127.0.0.1:50056"
    mms_repository: str = "127.0.0.1:50052"
    inference_nf: str = "127.0.0.1:50053"
    ran_sim: str = "127.0.0.1:50055"


class ProfileSettings(Section):
    """An environment to train for; null leaves a quantity to the named profile."""

    name: str = Field(default="pass", min_length=1, max_length=63)
    rain_probability: float | None = Field(default=None, ge=0, le=1)
    rain_mean_db: float | None = Field(default=None, ge=0)
    shadowing_sigma_db: float | None = Field(default=None, ge=0)
    eavesdropper_min_km: float | None = Field(default=None, ge=0)
    power_budget_dbw: tuple[float, ...] = ()


class TrainingSettings(Section):
    """What is trained where nobody asks for something else."""

    initial_type: Literal["INITIAL_TRAINING", "PRE_SPECIALISED_TRAINING"] = (
        "PRE_SPECIALISED_TRAINING"
    )
    profile: ProfileSettings = ProfileSettings()
    time_budget_s: float = Field(default=40.0, gt=0, le=86_400)
    seed: int = Field(default=1, ge=1)

    @property
    def defaults(self) -> TrainingDefaults:
        """The same for the domain."""
        return TrainingDefaults(
            initial_type=TrainingType(self.initial_type),
            profile=Profile(**self.profile.model_dump()),
            time_budget_s=self.time_budget_s,
            seed=self.seed,
        )


class TestingSettings(Section):
    """How a version is tested before it may be loaded."""

    sample_count: int = Field(default=200, ge=1, le=1000)
    seed: int = Field(default=1, ge=1)
    required_ratio: float = Field(default=0.8, gt=0, le=1)  # of exhaustive search

    @property
    def defaults(self) -> TestDefaults:
        """The same for the domain."""
        return TestDefaults(**self.model_dump())


class LimitSettings(Section):
    """A threshold with its hysteresis, in the unit of what is watched."""

    threshold: float
    hysteresis: float = Field(ge=0)
    window: int = Field(default=0, ge=0, le=1000)  # decisions; 0: as the section has it
    minimum_samples: int = Field(default=0, ge=0)  # likewise

    @property
    def limit(self) -> Limit:
        """The same for the domain."""
        return Limit(**self.model_dump())


class MonitoringSettings(Section):
    """What is watched of the version in use, and when a rule answers."""

    window: int = Field(default=50, ge=1, le=1000)  # decisions
    minimum_samples: int = Field(default=20, ge=1)  # decisions before anything is judged
    # A context like those trained on scores 0.5 on average, one that is not close to 0.
    latent_reliability: LimitSettings = LimitSettings(threshold=0.2, hysteresis=0.1)
    # b/s/Hz. A decision often replaces one of the same version on nearly the same channel, so a
    # gain around 0 is as it should be; one that loses on average is not.
    secrecy_gain: LimitSettings = LimitSettings(threshold=-1.0, hysteresis=0.5)
    decision_failure_ratio: LimitSettings = LimitSettings(threshold=0.1, hysteresis=0.05)
    inference_latency_ms: LimitSettings = LimitSettings(threshold=500.0, hysteresis=100.0)
    # Of decisions on contexts that lie further out than all but a share `ood_reliability` of those
    # trained on; without drift the rate is that share.
    ood_rate: LimitSettings = LimitSettings(threshold=0.5, hysteresis=0.2)
    ood_reliability: float = Field(default=0.05, gt=0, lt=1)
    regression_margin_bps_hz: float = Field(default=1.0, ge=0)
    fresh_decisions: int = Field(default=100, ge=1)  # for which a version has to prove itself
    retrain_cool_down_s: float = Field(default=120.0, ge=0)
    rollback_cool_down_s: float = Field(default=0.0, ge=0)
    most_adaptations: int = Field(default=6, ge=1, le=100)  # that may begin within the window below
    adaptation_window_s: float = Field(default=3600.0, gt=0)

    @model_validator(mode="after")
    def _samples_fit(self) -> Self:
        for name in ("", *_LIMITS):
            limit = getattr(self, name) if name else self
            minimum, window = limit.minimum_samples, limit.window
            if (minimum or self.minimum_samples) > (window or self.window):
                message = (
                    f"{name}{'.' if name else ''}minimum_samples is larger than window; "
                    "nothing would ever be judged"
                )
                raise ValueError(message)
        if self.fresh_decisions < self.minimum_samples:
            message = (
                "fresh_decisions is smaller than minimum_samples; no version would be compared"
            )
            raise ValueError(message)
        return self

    @property
    def policy(self) -> MonitoringPolicy:
        """The same for the domain."""
        limits = {name: getattr(self, name).limit for name in _LIMITS}
        return MonitoringPolicy(**{**dict(self), **limits})


_LIMITS = (
    "latent_reliability",
    "secrecy_gain",
    "decision_failure_ratio",
    "inference_latency_ms",
    "ood_rate",
)


class CanarySettings(Section):
    """How a candidate is compared with the champion before it may replace it."""

    decisions: int = Field(default=20, ge=0, le=10_000)  # to compare; 0: no comparison
    share: float = Field(default=1.0, gt=0, le=1)  # of the champion's decisions
    patience_s: float = Field(default=60.0, gt=0)  # wall clock
    margin_bps_hz: float = Field(default=0.5, ge=0)
    largest_failure_ratio: float = Field(default=0.1, ge=0, le=1)
    undecided: Literal["promote", "reject"] = "promote"  # too few decisions within the patience

    @property
    def policy(self) -> CanaryPolicy:
        """The same for the domain."""
        return CanaryPolicy(
            **self.model_dump(exclude={"undecided"}),
            promotes_undecided=self.undecided == "promote",
        )


class RoleSettings(Section):
    """Who may decide what: names of client certificates, or of local users where there are none."""

    may: tuple[ApprovalStep, ...]
    members: tuple[str, ...]


class ApprovalSettings(Section):
    """Which steps wait for `aimlctl lifecycle approve`, and whose word counts."""

    manual: tuple[ApprovalStep, ...] = ()
    roles: Mapping[str, RoleSettings] = Field(default={})  # none: everybody may decide everything
    timeout_s: float | None = Field(default=None, gt=0)  # null: for ever
    on_timeout: Literal["reject", "approve"] = "reject"

    @property
    def policy(self) -> ApprovalPolicy:
        """The same for the domain."""
        return ApprovalPolicy(
            waits=frozenset(self.manual),
            roles=tuple(
                Role(name, frozenset(role.may), frozenset(role.members))
                for name, role in self.roles.items()
            ),
            timeout_s=self.timeout_s,
            approves_on_timeout=self.on_timeout == "approve",
        )


class AnalyticsSettings(Section):
    """What a retraining asks the NWDAF for."""

    window_s: float = Field(default=60.0, gt=0)  # simulated seconds


class InferenceSettings(Section):
    """How the inference function is treated."""

    load_deadline_s: float = Field(default=600.0, gt=0)  # a compiled engine takes minutes


class NamingSettings(Section):
    """Parts of the distinguished names of the OAM's managed objects."""

    sub_network: str = Field(default="aimlnf", pattern=_NAME)
    managed_element: str = Field(default="ground-station", pattern=_NAME)
    inference_function: str = Field(default="inference_nf", pattern=_NAME)


class ManagedObjectSettings(Section):
    """How managed objects are kept and watched."""

    default_model: str = Field(default="gan-gdm", pattern=r"^[a-z0-9-]{1,63}$")
    scope_period_s: float = Field(default=1.0, gt=0)  # how often an activation scope is looked at
    policy_period_s: int = Field(default=10, ge=1)  # granularity of MLModelLoadingPolicy thresholds
    radio_period_s: float = Field(default=2.0, gt=0)  # how often the simulator is looked at
    eavesdropper_hold_s: float = Field(default=120.0, gt=0)  # simulated, until the alarm is cleared


class OamSettings(NfSettings):
    """Everything that can be set."""

    nf_name: ClassVar[str] = "oam"

    server: ServerSettings = ServerSettings(port=50054, metrics_port=9154)
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///.aimlnf/oam/oam.db")
    peers: PeerSettings = PeerSettings()
    # "manual": a version that passed its test is loaded when somebody has approved it.
    approval: Literal["automatic", "manual"] | ApprovalSettings = "automatic"
    canary: CanarySettings = CanarySettings()
    training: TrainingSettings = TrainingSettings()
    testing: TestingSettings = TestingSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    inference: InferenceSettings = InferenceSettings()
    naming: NamingSettings = NamingSettings()
    objects: ManagedObjectSettings = ManagedObjectSettings()

    @property
    def policy(self) -> Policy:
        """What the configuration decides."""
        return Policy(
            monitoring=self.monitoring.policy,
            approvals=self._approvals.policy,
            canary=self.canary.policy,
            naming=Naming(
                sub_network=self.naming.sub_network,
                managed_element=self.naming.managed_element,
                inference_function_id=self.naming.inference_function,
            ),
        )

    @property
    def _approvals(self) -> ApprovalSettings:
        if isinstance(self.approval, ApprovalSettings):
            return self.approval
        return ApprovalSettings(manual=(ApprovalStep.LOAD,) if self.approval == "manual" else ())
