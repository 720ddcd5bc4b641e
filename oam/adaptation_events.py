"""What can come of a stage of an adaptation.

An event's fields are named as those of `Adaptation` that keep them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oam.canary import Comparison
from oam.training_orders import TrainingOrder


@dataclass(frozen=True)
class ModelReference:
    """A version and the distinguished name of its MLModel object; version 0: none."""

    version: int = 0
    distinguished_name: str = ""


NO_MODEL = ModelReference()

_LONGEST_REASON = 500


def one_line(text: str) -> str:
    """The text on one line, printable and short enough to be told to a peer and in the record."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"


@dataclass(frozen=True)
class OrderPrepared:
    """It is settled what to train; `order_basis` says where the profile comes from."""

    order: TrainingOrder
    order_basis: str


@dataclass(frozen=True)
class TrainingStarted:
    """The MTLF has a job."""

    training_job_id: str


@dataclass(frozen=True)
class Progressed:
    """The job of the stage has come further."""

    progress_percent: float
    progress_info: str = ""


@dataclass(frozen=True)
class Trained:
    """The MTLF has published a version."""

    to_model: ModelReference
    training_metrics: Mapping[str, float]


@dataclass(frozen=True)
class TestStarted:
    """The MTLF has a testing job."""

    testing_job_id: str


@dataclass(frozen=True)
class TestFinished:
    """The test came to a verdict."""

    test_passed: bool
    test_metrics: Mapping[str, float]
    required_ratio: float


@dataclass(frozen=True)
class TestPassed:
    """The repository knows that the version passed."""


@dataclass(frozen=True)
class TestNotPassed:
    """The repository knows that the version did not pass."""


@dataclass(frozen=True)
class GainsMissed:
    """It passed, and is not as much better than the version before as was asked for.

    `gains_text` is one clause with figures.
    """

    gains_text: str


@dataclass(frozen=True)
class ApprovalGiven:
    """Somebody lets a step be done; `approver` is `operator:<name>` or `rule:<name>`."""

    approver: str
    approval_reason: str


@dataclass(frozen=True)
class ApprovalDenied:
    """Somebody turns it down."""

    approver: str
    approval_reason: str


@dataclass(frozen=True)
class NoApprovalNeeded:
    """The configuration lets the step be done without asking."""


@dataclass(frozen=True)
class CanaryPassed:
    """The candidate is as good as the champion; `canary_reason` is one clause with figures."""

    comparison: Comparison
    canary_reason: str


@dataclass(frozen=True)
class CanaryFailed:
    """The candidate is worse than the champion."""

    comparison: Comparison
    canary_reason: str


@dataclass(frozen=True)
class CanarySkipped:
    """There is no champion to compare with, or the configuration wants no comparison."""


@dataclass(frozen=True)
class VersionApproved:
    """The repository has the version approved and as its candidate."""


@dataclass(frozen=True)
class Loaded:
    """The inference function has the version ready."""

    engine: str
    load_s: float


@dataclass(frozen=True)
class Activated:
    """The inference function decides with the version."""


@dataclass(frozen=True)
class Promoted:
    """The version is the repository's champion; `previous` is where a rollback would lead."""

    previous: ModelReference


@dataclass(frozen=True)
class Restored:
    """The inference function decides again with what was in use before."""


@dataclass(frozen=True)
class Withdrawn:
    """The repository has the version rejected."""


@dataclass(frozen=True)
class Refused:
    """A peer answered with a final status; `reason` is one sentence."""

    reason: str


Event = (
    OrderPrepared
    | TrainingStarted
    | Progressed
    | Trained
    | TestStarted
    | TestFinished
    | TestPassed
    | TestNotPassed
    | GainsMissed
    | ApprovalGiven
    | ApprovalDenied
    | NoApprovalNeeded
    | CanaryPassed
    | CanaryFailed
    | CanarySkipped
    | VersionApproved
    | Loaded
    | Activated
    | Promoted
    | Restored
    | Withdrawn
    | Refused
)
