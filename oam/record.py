"""The entries of a lifecycle's record."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StepKind(StrEnum):
    """A step of a model's lifecycle."""

    TRAINED = "TRAINED"
    PUBLISHED = "PUBLISHED"
    TESTED = "TESTED"
    APPROVED = "APPROVED"
    LOADED = "LOADED"
    ACTIVATED = "ACTIVATED"
    DEGRADED = "DEGRADED"
    RETRAINED = "RETRAINED"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    REQUESTED = "REQUESTED"
    COMPARED = "COMPARED"
    WAITING = "WAITING"
    ALLOWED = "ALLOWED"
    RECOVERED = "RECOVERED"


@dataclass(frozen=True)
class Step:
    """One entry of the record; `adaptation_id` is empty for DEGRADED and RECOVERED.

    `figures` are those of `detail`, and more, by name; the names end in units as fields do.
    """

    kind: StepKind
    adaptation_id: str
    model_name: str
    version: int
    initiator: str
    detail: str
    object_ref: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """JSON knows no infinities and no NaN; a figure that is none says nothing."""
        finite = {name: float(v) for name, v in self.figures.items() if math.isfinite(v)}
        object.__setattr__(self, "figures", finite)


@dataclass(frozen=True)
class RecordedStep:
    """A step with its position, from 1, and its time, wall-clock UTC.

    `digest` covers all of it and the digest of the step before (`oam.audit`).
    """

    sequence: int
    step: Step
    step_time: datetime
    digest: str
