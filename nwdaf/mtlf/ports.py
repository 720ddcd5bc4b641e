"""What the MTLF needs from outside."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from nwdaf.mtlf.jobs import Job, Phase, Spec, TrainingSpec

OnProgress = Callable[[float, Phase], None]


class JobStore(Protocol):
    """Keeps jobs; what it returns is what is stored."""

    async def create(self, spec: Spec, *, request_id: str) -> Job:
        """A new queued job, or the one that the same request made before.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED for the same request id with another spec.
            ResourceExhausted: QUOTA_EXCEEDED when too many jobs wait.
        """
        ...

    async def get(self, job_id: str, kind: type[Spec]) -> Job:
        """One job of that kind.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
        """
        ...

    async def page(
        self, kind: type[Spec], *, size: int, before: int | None
    ) -> tuple[Sequence[Job], int | None]:
        """Jobs of that kind, newest first, and the position to go on from; None at the end."""
        ...

    async def take_next(self) -> Job | None:
        """The oldest queued job, now RUNNING; None when nothing waits."""
        ...

    async def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """The job after `change`, in one transaction; if `change` raises, nothing changes."""
        ...

    async def requeue_interrupted(self) -> Sequence[str]:
        """Ids of the jobs that were RUNNING when the process ended; they are QUEUED again.

        Their progress is forgotten, except that of a job that was being published.
        """
        ...

    async def unfinished(self) -> Sequence[str]:
        """Ids of the jobs that are not final."""
        ...


@dataclass(frozen=True)
class ModelFile:
    """The file of a version that a consumer loads."""

    file_name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Region:
    """Part of the Earth's surface between two parallels and two meridians, in degrees."""

    min_latitude_deg: float
    max_latitude_deg: float
    min_longitude_deg: float
    max_longitude_deg: float


@dataclass(frozen=True)
class ProvisionedModel:
    """The version of a model that consumers should use.

    Attributes:
        model_name: in the repository.
        version: in the repository.
        model_unique_id: of the repository's mapping to TS 29.520.
        approve_time: wall-clock UTC.
        aiml_inference_name: what it decides.
        kpis: its figures of training and testing.
        file: what to load; None for a version without a graph.
        valid_from: None: always was.
        valid_until: None: for ever.
        regions: where it may be used; none: anywhere.
    """

    model_name: str
    version: int
    model_unique_id: int
    approve_time: datetime
    aiml_inference_name: str = ""
    kpis: Mapping[str, float] = field(default_factory=dict)
    file: ModelFile | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    regions: tuple[Region, ...] = ()


class Repository(Protocol):
    """The model repository."""

    async def fetch(
        self, model_name: str, version: int, file_names: Sequence[str], folder: Path
    ) -> None:
        """Writes the files of a version into `folder`, each equal to its digest.

        Raises:
            NotFound: The version or a file of it does not exist.
            DataLoss: DIGEST_MISMATCH.
            Unavailable: The repository does not answer.
        """
        ...

    async def publish(
        self, spec: TrainingSpec, folder: Path, *, job_id: str, kpis: Mapping[str, float]
    ) -> int:
        """The version that holds the files of `folder`; the same job makes it only once.

        Raises:
            InvalidArgument: ARTIFACT_REFUSED.
            PermissionDenied: SIGNATURE_INVALID.
            Unavailable: The repository does not answer.
        """
        ...

    async def check_exists(self, model_name: str, version: int) -> None:
        """Returns when the version exists.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            Unavailable: The repository does not answer.
        """
        ...

    async def provisioned(self, model_name: str) -> ProvisionedModel:
        """The version that `champion` points to, else the newest one that is approved.

        Raises:
            NotFound: UNAVAILABLE_DATA when there is none, RESOURCE_NOT_FOUND for the model.
        """
        ...

    async def models(self) -> Mapping[str, str]:
        """All models by name, and what each decides (`aIMLInferenceName`)."""
        ...


class WorkFailedError(Exception):
    """The work of a job failed; the message is one sentence."""


class Workshop(Protocol):
    """Where the heavy work is done: a process of its own for each job."""

    async def work(
        self, task: Mapping[str, Any], folder: Path, on_progress: OnProgress, cancel: asyncio.Event
    ) -> Mapping[str, Any] | None:
        """The result of the task, worked on in `folder`; None when it was cancelled.

        Raises:
            WorkFailedError: The work failed.
        """
        ...
