"""A version of a model: its state, what may change it, and the record of each change.

REGISTERED, TESTED, REJECTED --pass--> TESTED       TESTED --approve--> APPROVED
REGISTERED, TESTED, REJECTED --fail--> REJECTED     any --archive--> ARCHIVED
REGISTERED, TESTED, APPROVED --reject--> REJECTED
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from mms_repository.descriptions import NO_TENSORS, UNDESCRIBED, Description, TensorSignature
from mms_repository.manifests import Manifest, Signature
from mms_repository.names import CHAMPION, distinguished_name
from nf_runtime.errors import Aborted, FailedPrecondition


class VersionState(StrEnum):
    """Where a version stands."""

    REGISTERED = "REGISTERED"
    TESTED = "TESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    ARCHIVED = "ARCHIVED"


class Verb(StrEnum):
    """What changes a version's state."""

    PASS = "PASS"  # noqa: S105 - a test is passed
    FAIL = "FAIL"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    ARCHIVE = "ARCHIVE"


@dataclass(frozen=True)
class Transition:
    """From which states a verb leads where, and which aliases must not point to the version."""

    sources: frozenset[VersionState]
    target: VersionState
    held_by: frozenset[str] | None = frozenset()  # None: any alias holds it


_TESTABLE = frozenset({VersionState.REGISTERED, VersionState.TESTED, VersionState.REJECTED})

TRANSITIONS: Mapping[Verb, Transition] = MappingProxyType(
    {
        Verb.PASS: Transition(_TESTABLE, VersionState.TESTED),
        Verb.FAIL: Transition(_TESTABLE, VersionState.REJECTED),
        Verb.APPROVE: Transition(frozenset({VersionState.TESTED}), VersionState.APPROVED),
        Verb.REJECT: Transition(
            frozenset({VersionState.REGISTERED, VersionState.TESTED, VersionState.APPROVED}),
            VersionState.REJECTED,
            held_by=frozenset({CHAMPION}),
        ),
        Verb.ARCHIVE: Transition(frozenset(VersionState), VersionState.ARCHIVED, held_by=None),
    }
)


@dataclass(frozen=True)
class ModelVersion:
    """One version. `revision` counts its changes; `aliases` are those that point to it.

    `coordination_group` is empty for a version that works alone.
    """

    model_name: str
    version: int
    model_unique_id: int
    state: VersionState
    manifest: Manifest
    signature: Signature
    kpis: Mapping[str, float]
    training_job_id: str
    create_time: datetime
    revision: int = 1
    aliases: Sequence[str] = field(default=())
    description: Description = UNDESCRIBED
    tensors: TensorSignature = NO_TENSORS
    coordination_group: str = ""

    @property
    def distinguished_name(self) -> str:
        """DN of its MLModel object."""
        return distinguished_name(self.model_name, self.version)

    @property
    def etag(self) -> str:
        """Guards what changes a version: another one after each change of its content."""
        return f"{self.model_unique_id}-{self.revision}"

    def check_etag(self, etag: str) -> None:
        """Returns if `etag` is empty or current.

        Raises:
            Aborted: ETAG_MISMATCH, the version changed since the caller read it.
        """
        if etag and etag != self.etag:
            raise Aborted(
                f"{self.label} changed since it was read (etag {etag}, now {self.etag}); "
                "read it again and repeat",
                reason="ETAG_MISMATCH",
                etag=self.etag,
            )

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"version {self.version} of model {self.model_name}"

    def state_after(self, verb: Verb) -> VersionState:
        """The state that `verb` leads to.

        Raises:
            FailedPrecondition: STATE_FORBIDS, from this state or while an alias points here.
        """
        transition = TRANSITIONS[verb]
        if self.state not in transition.sources:
            allowed = ", ".join(sorted(transition.sources))
            raise self._forbidden(
                transition.target,
                f"{self.label} is {self.state}; only from {allowed} it becomes {transition.target}",
            )
        holders = [
            alias
            for alias in self.aliases
            if transition.held_by is None or alias in transition.held_by
        ]
        if holders:
            raise self._forbidden(
                transition.target,
                f"alias {holders[0]} points to {self.label}; move it to another version first",
                alias=holders[0],
            )
        return transition.target

    def _forbidden(self, wanted: VersionState, message: str, **metadata: str) -> FailedPrecondition:
        return FailedPrecondition(
            message, reason="STATE_FORBIDS", state=self.state, wanted=wanted, **metadata
        )


@dataclass(frozen=True)
class StateChange:
    """A version went from one state to another; `from_state` is None at publication."""

    from_state: VersionState | None
    to_state: VersionState


@dataclass(frozen=True)
class AliasChange:
    """An alias was moved to this version, from `previous_version` if it existed."""

    alias: str
    previous_version: int | None


@dataclass(frozen=True)
class LabelChange:
    """A version has these labels from now on, and no others."""

    labels: Mapping[str, str]


Change = StateChange | AliasChange | LabelChange


@dataclass(frozen=True)
class HistoryEntry:
    """What happened to a version: who, when, why."""

    model_name: str
    version: int
    change: Change
    actor: str
    reason: str
    change_time: datetime


@dataclass(frozen=True)
class PositionedEntry:
    """An entry and its place in the order of all changes of the repository, from 1, no gaps."""

    position: int
    entry: HistoryEntry
