"""Training and testing jobs: what is asked, where it stands, and how that may change.

A job is `MLTrainingProcess` or `MLTestingRequest` of TS 28.105 as the MTLF sees it. The OAM keeps
the managed objects; the MTLF keeps the work.

Not modelled: several jobs at a time (they wait for each other); federated learning (`roundInd`,
`mLPreFlag`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from nf_runtime.errors import FailedPrecondition, InvalidArgument

SEED_LIMIT = 1_000_000_000
"""Seeds of specs stay below this."""

MAX_TEST_SAMPLES = 1000
MAX_TIME_BUDGET_S = 86_400.0
PROFILE_NAMES = ("reference", "pass", "mixed")


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUSPENDED = "SUSPENDED"


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class Phase(StrEnum):
    """`progressStateInfo`: what a job is doing."""

    COLLECTING_DATA = "COLLECTING_DATA"
    PREPARING_TRAINING_DATA = "PREPARING_TRAINING_DATA"
    TRAINING = "TRAINING"
    EXPORTING = "EXPORTING"
    PUBLISHING = "PUBLISHING"
    TESTING = "TESTING"


class DelayCause(StrEnum):
    """Cause of a `DelayEventNotif`, TS 29.520 5.5.6."""

    ML_MODEL_TRAIN_FAILURE = "ML_MODEL_TRAIN_FAILURE"
    NEED_MORE_TIME = "NEED_MORE_TIME"


class TrainingType(StrEnum):
    """`mLTrainingType` of TS 28.105."""

    INITIAL_TRAINING = "INITIAL_TRAINING"
    PRE_SPECIALISED_TRAINING = "PRE_SPECIALISED_TRAINING"
    RE_TRAINING = "RE_TRAINING"
    FINE_TUNING = "FINE_TUNING"

    @property
    def starts_from_version(self) -> bool:
        """Whether it starts from a published version."""
        return self in (TrainingType.RE_TRAINING, TrainingType.FINE_TUNING)


@dataclass(frozen=True)
class Profile:
    """The radio environment that scenarios are drawn from; None leaves the named profile's own."""

    name: str = "pass"
    rain_probability: float | None = None
    rain_mean_db: float | None = None
    shadowing_sigma_db: float | None = None
    eavesdropper_min_km: float | None = None
    power_budget_dbw: tuple[float, ...] = ()


@dataclass(frozen=True)
class TrainingSpec:
    """What to train. `time_budget_s` bounds the training itself, not its export.

    The consumer's mark (`notifCorreId`) and how long it means to wait (`maxResTime`, None: as long
    as it takes) do not change what is trained.
    """

    model_name: str
    training_type: TrainingType
    source_version: int
    profile: Profile
    time_budget_s: float
    seed: int
    notif_corre_id: str = ""
    max_res_time_s: float | None = None


@dataclass(frozen=True)
class TestingSpec:
    """What to test, and the ratio to exhaustive search that passes."""

    model_name: str
    version: int
    profile: Profile
    sample_count: int
    seed: int
    required_ratio: float


Spec: TypeAlias = TrainingSpec | TestingSpec


@dataclass(frozen=True)
class Job:
    """A job. `published_version` belongs to a training, `passed` to a test."""

    job_id: str
    spec: Spec
    state: JobState
    create_time: datetime
    update_time: datetime
    progress_percent: float = 0.0
    phase: Phase | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    published_version: int = 0
    passed: bool = False
    failure: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL_STATES

    @property
    def has_begun(self) -> bool:
        """Whether it has been worked on."""
        return self.is_final or self.state is JobState.RUNNING or self.phase is not None

    def delay_cause(self, now: datetime) -> DelayCause | None:
        """Why there is no result yet, or never will be; None while there is no delay."""
        if self.state is JobState.FAILED:
            return DelayCause.ML_MODEL_TRAIN_FAILURE
        spec = self.spec
        if not isinstance(spec, TrainingSpec) or spec.max_res_time_s is None or self.is_final:
            return None
        late = (now - self.create_time).total_seconds() > spec.max_res_time_s
        return DelayCause.NEED_MORE_TIME if late else None

    @property
    def is_publishing(self) -> bool:
        """Whether a version may come into being at any moment, or exists already."""
        return not self.is_final and self.phase is Phase.PUBLISHING


def check_spec(spec: Spec) -> None:
    """Returns when the spec can be worked on.

    Raises:
        InvalidArgument: INVALID_FIELD; one sentence that names the field.
    """
    _require(bool(spec.model_name), "model_name", "is empty; name the model")
    _require(0 <= spec.seed < SEED_LIMIT, "seed", f"must lie within 0 to {SEED_LIMIT - 1}")
    _check_profile(spec.profile)
    if isinstance(spec, TrainingSpec):
        _require(
            0 < spec.time_budget_s <= MAX_TIME_BUDGET_S,
            "time_budget",
            f"must be above 0 and at most {MAX_TIME_BUDGET_S:g} s",
        )
        _require(
            spec.max_res_time_s is None or spec.max_res_time_s > 0,
            "max_res_time",
            "must be above 0; leave it out to wait as long as it takes",
        )
        needs_source = spec.training_type.starts_from_version
        _require(
            (spec.source_version > 0) == needs_source,
            "source_version",
            f"must {'name the version to start from' if needs_source else 'be 0'} "
            f"for {spec.training_type}",
        )
        return
    _require(spec.version > 0, "version", "must name a published version")
    _require(
        1 <= spec.sample_count <= MAX_TEST_SAMPLES,
        "sample_count",
        f"must lie within 1 to {MAX_TEST_SAMPLES}",
    )
    _require(0 < spec.required_ratio <= 1, "required_ratio", "must be above 0 and at most 1")


def cancelled(job: Job, now: datetime) -> Job:
    """The job after a cancellation.

    Raises:
        FailedPrecondition: STATE_FORBIDS when it is finished or is being published.
    """
    if job.is_final or job.is_publishing:
        raise _forbidden(job, JobState.CANCELLED)
    return replace(job, state=JobState.CANCELLED, update_time=now)


def suspended(job: Job, now: datetime) -> Job:
    """The job with its progress frozen; a suspended one as it is.

    Raises:
        FailedPrecondition: STATE_FORBIDS when it is finished or is being published.
    """
    if job.state is JobState.SUSPENDED:
        return job
    if job.is_final or job.is_publishing:
        raise _forbidden(job, JobState.SUSPENDED)
    return replace(job, state=JobState.SUSPENDED, update_time=now)


def resumed(job: Job, now: datetime) -> Job:
    """The suspended job, waiting for its turn.

    Raises:
        FailedPrecondition: STATE_FORBIDS when it is not suspended.
    """
    if job.state is not JobState.SUSPENDED:
        raise _forbidden(job, JobState.QUEUED)
    return replace(job, state=JobState.QUEUED, update_time=now)


def amended(job: Job, now: datetime, changes: Mapping[str, Any]) -> Job:
    """The training with other values of some fields of its spec (PATCH of the standard).

    Raises:
        InvalidArgument: INVALID_FIELD for a value out of range.
        FailedPrecondition: STATE_FORBIDS when it is finished, or has begun and what is trained
            would change.
    """
    if job.is_final or (job.has_begun and not changes.keys() <= _AMENDABLE_ALWAYS):
        raise _forbidden(job, JobState.QUEUED)
    spec = replace(job.spec, **changes)
    check_spec(spec)
    return replace(job, spec=spec, update_time=now)


_AMENDABLE_ALWAYS = frozenset({"notif_corre_id", "max_res_time_s"})


def _forbidden(job: Job, wanted: JobState) -> FailedPrecondition:
    state = "being published" if job.is_publishing else job.state.lower()
    return FailedPrecondition(
        f"job {job.job_id} is {state} and cannot become {wanted.lower()} any more",
        reason="STATE_FORBIDS",
        state=Phase.PUBLISHING if job.is_publishing else job.state,
        wanted=wanted,
    )


def _check_profile(profile: Profile) -> None:
    _require(
        profile.name in PROFILE_NAMES, "profile.name", f"must be one of {', '.join(PROFILE_NAMES)}"
    )
    if profile.rain_probability is not None:
        _require(
            0 <= profile.rain_probability <= 1, "profile.rain_probability", "must lie within 0 to 1"
        )
    bounds = {
        "rain_mean_db": (profile.rain_mean_db, 60.0),
        "shadowing_sigma_db": (profile.shadowing_sigma_db, 30.0),
        "eavesdropper_min_km": (profile.eavesdropper_min_km, 20.0),
    }
    for name, (value, most) in bounds.items():
        if value is not None:
            _require(0 <= value <= most, f"profile.{name}", f"must lie within 0 to {most:g}")
    for power_dbw in profile.power_budget_dbw:
        _require(
            math.isfinite(power_dbw) and -30 <= power_dbw <= 40,  # noqa: PLR2004 - mW to 10 kW
            "profile.power_budget_dbw",
            "must lie within -30 to 40 dBW",
        )


def _require(holds: bool, name: str, complaint: str) -> None:
    if not holds:
        raise InvalidArgument(f"{name} {complaint}", reason="INVALID_FIELD", field=name)
