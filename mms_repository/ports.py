"""What the repository needs from outside: tables, a store of bytes, format checkers, keys."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from mms_repository.descriptions import NO_TENSORS, UNDESCRIBED, Description, TensorSignature
from mms_repository.groups import CoordinationGroup
from mms_repository.manifests import Artifact, Manifest, Signature
from mms_repository.models import AliasMove, Model
from mms_repository.searches import VersionFilter
from mms_repository.versions import HistoryEntry, ModelVersion, PositionedEntry, VersionState
from nf_runtime.signing import SignedManifest

T = TypeVar("T")


@dataclass(frozen=True)
class NewVersion:
    """A version to be stored; the store gives it its number, unique id and state REGISTERED."""

    request_id: str
    manifest: Manifest
    signature: Signature
    kpis: Mapping[str, float]
    training_job_id: str
    create_time: datetime
    description: Description = UNDESCRIBED
    tensors: TensorSignature = NO_TENSORS


class ModelReader(Protocol):
    """One consistent look at the tables. Lists are in key order and at most `limit` long."""

    def model(self, model_name: str) -> Model | None:
        """The model of that name."""
        ...

    def models(self, *, after: str | None, limit: int) -> Sequence[Model]:
        """Models by name, those after `after`."""
        ...

    def version(self, model_name: str, number: int) -> ModelVersion | None:
        """The version of that number."""
        ...

    def version_at_alias(self, model_name: str, alias: str) -> ModelVersion | None:
        """The version to which an alias points now."""
        ...

    def versions(
        self, model_name: str, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        """Versions of a model, newest first, those before `before`."""
        ...

    def search(
        self, wanted: VersionFilter, *, before: int | None, limit: int
    ) -> Sequence[ModelVersion]:
        """Versions that meet the filter, newest first, those with unique ids below `before`."""
        ...

    def ancestors(self, model_name: str, number: int) -> Sequence[ModelVersion]:
        """What a version was trained from, nearest first, to the first of its line."""
        ...

    def descendants(self, model_name: str, number: int, *, limit: int) -> Sequence[ModelVersion]:
        """What was trained from a version directly, oldest first."""
        ...

    def alias_at(self, model_name: str, alias: str, time: datetime) -> int | None:
        """The version to which an alias pointed at a time."""
        ...

    def group(self, group_name: str) -> CoordinationGroup | None:
        """The coordination group of that name."""
        ...

    def groups(self, *, after: str | None, limit: int) -> Sequence[CoordinationGroup]:
        """Groups by name, those after `after`."""
        ...

    def version_of_request(self, request_id: str) -> ModelVersion | None:
        """The version that the upload with this request id made."""
        ...

    def history(
        self, *, model_name: str | None, version: int | None, after: int, limit: int
    ) -> Sequence[PositionedEntry]:
        """Changes after position `after`, oldest first; None: of all models, of all versions."""
        ...

    def last_position(self) -> int:
        """Position of the last change; 0 before the first."""
        ...

    def artifact_digests(self, *, archived_before: datetime | None) -> frozenset[str]:
        """SHA-256 of every artifact of every version, but of those last archived before then."""
        ...


class ModelWriter(ModelReader, Protocol):
    """The same with changes, all of which become visible together or not at all."""

    def add_model(self, model: Model) -> None:
        """Store a model whose name is not taken."""
        ...

    def add_version(self, version: NewVersion) -> ModelVersion:
        """Store the next version of its model, which exists."""
        ...

    def change_version(
        self, version: ModelVersion, *, state: VersionState, kpis: Mapping[str, float]
    ) -> ModelVersion:
        """Give `version` another state and these figures; its revision rises by one."""
        ...

    def change_labels(self, version: ModelVersion, labels: Mapping[str, str]) -> ModelVersion:
        """Give `version` these labels instead of its own; its revision rises by one."""
        ...

    def add_group(self, group: CoordinationGroup) -> None:
        """Store a group whose name is not taken, of versions that exist and have none."""
        ...

    def move_alias(self, model_name: str, move: AliasMove) -> None:
        """Point an alias to a version of the same model."""
        ...

    def record(self, entry: HistoryEntry) -> PositionedEntry:
        """Append to the history, and to the events that are published with it."""
        ...


class ModelStore(Protocol):
    """The tables. `work` runs in one transaction, in another thread; whatever it raises undoes it.

    Raises:
        Unavailable: PEER_UNAVAILABLE when the database does not answer.
    """

    async def read(self, work: Callable[[ModelReader], T]) -> T:
        """What `work` returns."""
        ...

    async def write(self, work: Callable[[ModelWriter], T]) -> T:
        """What `work` returns, once its changes are stored.

        Writers follow each other: what `work` reads holds until its changes are stored. Cancelling
        does not stop a write that has begun.
        """
        ...

    async def wait_for_change(self, after: int) -> int:
        """The position of the last change, as soon as it is beyond `after`."""
        ...


class Staging(Protocol):
    """Room for the artifacts of one upload, outside the store until they are kept."""

    async def resume(self, artifacts: Sequence[Artifact]) -> Sequence[int]:
        """Bytes of each artifact that an interrupted upload left; `append` goes on after them."""
        ...

    async def append(self, artifact: Artifact, data: bytes) -> None:
        """Write the next bytes of an artifact; what fails may be raised by the next call only."""
        ...

    async def seal(self, artifact: Artifact) -> str:
        """SHA-256 of what was appended, in hexadecimal, once it is on the disk."""
        ...

    def path(self, artifact: Artifact) -> Path:
        """Where a sealed artifact can be read."""
        ...

    async def keep(self) -> None:
        """Move every sealed artifact into the store, under its digest.

        Raises:
            Unavailable: PEER_UNAVAILABLE, the store does not answer.
        """
        ...

    def spoil(self) -> None:
        """Do not let these bytes be continued: they can never become what was announced."""
        ...


class ArtifactStore(Protocol):
    """Bytes by digest. All of it raises Unavailable (PEER_UNAVAILABLE) when the store is away."""

    async def open(self) -> None:
        """Take the store and clear what unfinished uploads left in it.

        Raises:
            ConfigurationError: It cannot be used, or another process has it.
        """
        ...

    async def close(self) -> None:
        """Finish what runs and let the store go."""
        ...

    def staging(self, continued: str = "") -> AbstractAsyncContextManager[Staging]:
        """Room for one upload; what is not kept is gone when the context is left.

        Args:
            continued: Under which the bytes stay after an interruption; empty: they do not.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED, the store is full, also from what it gives; or
                another connection continues the same upload.
        """
        ...

    async def staged_bytes(self, continued: str, count: int) -> Sequence[int]:
        """Bytes that an interrupted upload left of each of its `count` artifacts."""
        ...

    async def remove_staged_before(self, time: datetime) -> int:
        """How many interrupted uploads were forgotten: those untouched since `time`."""
        ...

    def read(self, artifact: Artifact, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of an artifact from `offset_bytes` on, in pieces of at most 1 MiB.

        Raises:
            DataLoss: DIGEST_MISMATCH when the bytes are gone, cut or, as far as a read from the
                start tells, changed.
        """
        ...

    async def digests_before(self, time: datetime) -> Sequence[str]:
        """Digests of what was stored before `time`."""
        ...

    async def remove(self, digests: Sequence[str]) -> None:
        """Forget these bytes."""
        ...


class FormatChecker(Protocol):
    """Looks into a file."""

    async def check(self, artifact: Artifact, path: Path) -> TensorSignature:
        """What the file takes and gives; nothing unless it is ONNX.

        Raises:
            InvalidArgument: ARTIFACT_REFUSED.
        """
        ...


class SignatureVerifier(Protocol):
    """Knows whom to believe now; `nf_runtime.signing.TrustedKeys` is one that never forgets."""

    def verify(self, manifest: SignedManifest, *, key_id: str, signature: bytes) -> None:
        """Returns if a trusted key signed this manifest.

        Raises:
            PermissionDenied: SIGNATURE_INVALID.
        """
        ...
