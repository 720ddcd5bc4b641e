"""What managed objects need from other network functions."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oam.ports import JobReport, LoadReport, PublishedVersion, TestOrder
from oam.training_orders import TrainingOrder


@dataclass(frozen=True)
class ModelVersion:
    """A version as the model repository publishes it.

    Attributes:
        distinguished_name: Of its MLModel object.
        model_name: `mLModelId`.
        version: `mLModelVersion`.
        inference_name: `aIMLInferenceName`.
        source_version: What it was trained from; 0: nothing.
        state: In the repository.
        kpis: By name.
    """

    distinguished_name: str
    model_name: str
    version: int
    inference_name: str
    source_version: int
    state: str
    kpis: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelGroup:
    """A coordination group of the repository."""

    distinguished_name: str
    members: tuple[tuple[str, int], ...]


class Catalogue(Protocol):
    """What the model repository has."""

    async def version(self, model_name: str, version: int) -> ModelVersion:
        """One version. Raises NotFound."""
        ...

    async def versions(self) -> Sequence[ModelVersion]:
        """Every version."""
        ...

    async def groups(self) -> Sequence[ModelGroup]:
        """Every coordination group."""
        ...


class Training(Protocol):
    """The MTLF. Starting is idempotent by the request id."""

    async def start_training(self, request_id: str, model_name: str, order: TrainingOrder) -> str:
        """The id of the training job."""
        ...

    def watch_training(self, job_id: str) -> AsyncIterator[JobReport]:
        """The job now and at each change; the last report has a final state."""
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


class Repository(Protocol):
    """What is told to the model repository."""

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


class Inference(Protocol):
    """The inference function. All three are idempotent."""

    async def load(self, model_name: str, version: int) -> LoadReport:
        """Have the version ready; what is active stays active."""
        ...

    async def activate(self, model_name: str, version: int) -> None:
        """Make a loaded version the one that decides. Raises NotFound if it is not loaded."""
        ...

    async def deactivate(self) -> None:
        """Let no model decide."""
        ...
