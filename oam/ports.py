"""What the OAM needs from outside."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from nf_runtime.events.record import Record
from oam.adaptation_events import ModelReference
from oam.adaptations import Adaptation
from oam.audit import Head
from oam.canary import Comparison
from oam.lifecycles import Change, Lifecycle
from oam.managed_objects import StoredObject
from oam.record import RecordedStep
from oam.training_orders import Profile, RainStatistics, TrainingOrder


class JobState(StrEnum):
    """State of a job of the MTLF."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUSPENDED = "SUSPENDED"


FINAL_JOB_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True)
class JobReport:
    """A job as the MTLF tells it.

    `published_version` is of a training that succeeded, `passed` of a test that did.
    """

    job_id: str
    state: JobState
    progress_percent: float = 0.0
    progress_info: str = ""
    published_version: int = 0
    passed: bool = False
    metrics: Mapping[str, float] | None = None
    failure: str = ""


@dataclass(frozen=True)
class TestOrder:
    """What a version is tested on, and what it has to reach."""

    profile: Profile
    sample_count: int
    seed: int
    required_ratio: float


class VersionState(StrEnum):
    """State of a version in the model repository."""

    REGISTERED = "REGISTERED"
    TESTED = "TESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    ARCHIVED = "ARCHIVED"


@dataclass(frozen=True)
class PublishedVersion:
    """A version as the model repository tells it; `kpis` are those of its training and tests."""

    model: ModelReference
    state: VersionState
    kpis: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadReport:
    """A version that the inference function has ready."""

    engine: str
    load_s: float


class TrainingFunction(Protocol):
    """The MTLF. Starting is idempotent by the request id.

    Suspending, resuming and cancelling raise FailedPrecondition for a job whose state does not
    allow it; one that is suspended can be suspended again.
    """

    async def start_training(self, request_id: str, model_name: str, order: TrainingOrder) -> str:
        """The id of the training job."""
        ...

    def watch_training(self, job_id: str) -> AsyncIterator[JobReport]:
        """The job now and at each change; the last report has a final state."""
        ...

    async def suspend_training(self, job_id: str) -> None:
        """Have a job stand still with what it has reached."""
        ...

    async def resume_training(self, job_id: str) -> None:
        """Let a suspended job go on."""
        ...

    async def cancel_training(self, job_id: str) -> None:
        """End a job that has not ended."""
        ...

    async def start_test(
        self, request_id: str, model_name: str, version: int, order: TestOrder
    ) -> str:
        """The id of the testing job."""
        ...

    def watch_test(self, job_id: str) -> AsyncIterator[JobReport]:
        """The job now and at each change; the last report has a final state."""
        ...

    async def suspend_test(self, job_id: str) -> None:
        """Have a job stand still; it begins again when it is resumed."""
        ...

    async def resume_test(self, job_id: str) -> None:
        """Let a suspended job go on."""
        ...

    async def cancel_test(self, job_id: str) -> None:
        """End a job that has not ended."""
        ...


class ModelRepository(Protocol):
    """The model repository."""

    async def aliases(self, model_name: str) -> Mapping[str, int]:
        """Alias to version; empty for a model that does not exist."""
        ...

    async def version(self, model_name: str, version: int) -> PublishedVersion:
        """One version. Raises NotFound."""
        ...

    async def record_test(
        self,
        model_name: str,
        version: int,
        *,
        passed: bool,
        metrics: Mapping[str, float],
        actor: str,
        reason: str,
    ) -> None:
        """Make the version TESTED or REJECTED."""
        ...

    async def approve(self, model_name: str, version: int, *, actor: str, reason: str) -> None:
        """Make a TESTED version APPROVED."""
        ...

    async def reject(self, model_name: str, version: int, *, actor: str, reason: str) -> None:
        """Make the version REJECTED."""
        ...

    async def set_alias(
        self, model_name: str, alias: str, version: int, *, actor: str, reason: str
    ) -> Mapping[str, int]:
        """Point the alias to the version; all aliases after that."""
        ...


class InferenceFunction(Protocol):
    """The inference function. Everything is idempotent."""

    async def load(self, model_name: str, version: int) -> LoadReport:
        """Have the version ready; what is active stays active."""
        ...

    async def activate(self, model_name: str, version: int) -> None:
        """Make a loaded version the one that decides. Raises NotFound if it is not loaded."""
        ...

    async def deactivate(self) -> None:
        """Let no model decide."""
        ...

    async def compare(self, model_name: str, version: int, share: float) -> Comparison:
        """Have a loaded version decide beside the active one; what was compared so far.

        A comparison that is under way goes on. Raises NotFound if the version is not loaded.
        """
        ...

    async def stop_comparing(self) -> None:
        """End the comparison, if there is one."""
        ...


class Analytics(Protocol):
    """The AnLF."""

    async def rain(self) -> Sequence[RainStatistics]:
        """Zenith rain attenuation of each beam over the configured window."""
        ...


Work = Callable[[Lifecycle], Change | None]


class LifecycleStore(Protocol):
    """Everything that the OAM keeps.

    `change` and `take_in` run their work in the transaction that stores what it returns, so that
    what it decides on is what it changes. Work has no other effect.

    Attributes:
        adaptation_written: Set by each change of an adaptation; whoever waits for it clears it.
    """

    adaptation_written: asyncio.Event

    async def lifecycle(self, model_name: str) -> Lifecycle:
        """Where a model stands; a lifecycle without any version for one never heard of."""
        ...

    async def model_names(self) -> Sequence[str]:
        """Every model ever heard of."""
        ...

    async def change(self, model_name: str, work: Work) -> Change | None:
        """Store what `work` makes of the model's lifecycle; None: nothing changed."""
        ...

    async def take_in(
        self, record: Record, model_name: str | None, work: Work | None
    ) -> Change | None:
        """The same, once for each event. Model None: the one that was activated last."""
        ...

    async def adaptation(self, adaptation_id: str) -> Adaptation:
        """One adaptation. Raises NotFound."""
        ...

    async def adaptation_of_request(self, request_id: str) -> Adaptation | None:
        """The adaptation that a request started."""
        ...

    async def adaptations(
        self, model_name: str, *, before: int, limit: int
    ) -> Sequence[tuple[int, Adaptation]]:
        """Adaptations with their positions, newest first, from below position `before` (0: all)."""
        ...

    async def adaptations_in_progress(self) -> Sequence[Adaptation]:
        """Every adaptation that has not ended."""
        ...

    async def steps(
        self, model_name: str, *, after_sequence: int, limit: int
    ) -> Sequence[RecordedStep]:
        """The record after a sequence, oldest first; an empty name means all models."""
        ...

    async def head(self) -> Head:
        """Where the record ends."""
        ...

    @property
    def last_sequence(self) -> int:
        """Sequence of the latest step; 0: none."""
        ...

    async def wait_for_steps(self, after_sequence: int) -> None:
        """Return once there is a step after that sequence."""
        ...

    async def managed_object(self, distinguished_name: str) -> StoredObject:
        """One managed object. Raises NotFound."""
        ...

    async def managed_objects(
        self, object_class: str, base: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, StoredObject]]:
        """Managed objects with their positions, in order of creation, after position `after`."""
        ...
