"""The lifecycle's record: each step is one sentence for someone who was not there, with figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oam.adaptation_events import (
    ApprovalDenied,
    Event,
    Loaded,
    Promoted,
    Refused,
    TestNotPassed,
    TestPassed,
    Trained,
    VersionApproved,
    Withdrawn,
)
from oam.adaptations import Adaptation, AdaptationKind, AdaptationState
from oam.managed_objects import (
    Attributes,
    MLModelLoadingProcess,
    MLTestingReport,
    MLTrainingReport,
    MLUpdateProcess,
    MLUpdateRequest,
    Naming,
)
from oam.monitoring import Quantity

# The figure that decides; told first where there is one.
_FOREMOST = "ratio_to_exhaustive"
_MOST_FIGURES = 3


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


@dataclass(frozen=True)
class Step:
    """One entry of the record; `adaptation_id` is empty for DEGRADED."""

    kind: StepKind
    adaptation_id: str
    model_name: str
    version: int
    initiator: str
    detail: str
    object_ref: str


@dataclass(frozen=True)
class RecordedStep:
    """A step with its position, from 1, and its time, wall-clock UTC."""

    sequence: int
    step: Step
    step_time: datetime


def steps_of(
    before: Adaptation, event: Event, after: Adaptation, naming: Naming
) -> tuple[Step, ...]:
    """What the record says of `event`, which led from `before` to `after`."""
    already_told = (
        isinstance(event, Withdrawn) and after.ended_as is AdaptationState.REJECTED
    ) or (isinstance(event, Refused) and before.ended_as is not None)
    if already_told:
        return ()
    told = _Teller(before, after, naming)
    sentences: Mapping[type[Event], Callable[[], tuple[Step, ...]]] = {
        Trained: told.trained,
        TestPassed: told.tested,
        TestNotPassed: told.rejected,
        ApprovalDenied: told.rejected,
        VersionApproved: told.approved,
        Loaded: told.loaded,
        Promoted: told.in_use,
        Refused: told.failed,
        Withdrawn: told.withdrawn,
    }
    tell = sentences.get(type(event))
    return () if tell is None else tell()


def degraded(
    quantity: Quantity, *, model_name: str, version: int, consequence: str, naming: Naming
) -> Step:
    """A threshold was breached; `consequence` is what is done about it."""
    return Step(
        kind=StepKind.DEGRADED,
        adaptation_id="",
        model_name=model_name,
        version=version,
        initiator="rule:threshold-monitor",
        detail=f"Version {version}: {quantity.text}; {consequence}.",
        object_ref=naming.inference_function,
    )


class _Teller:
    def __init__(self, before: Adaptation, adaptation: Adaptation, naming: Naming) -> None:
        self._before = before
        self._adaptation = adaptation
        self._naming = naming

    def trained(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        duration_s = (adaptation.update_time - self._before.stage_time).total_seconds()
        order = adaptation.order
        version = adaptation.to_model.version
        retrained = adaptation.kind is AdaptationKind.RETRAIN
        start = f" from version {adaptation.from_model.version}" if retrained else ""
        environment = "" if order is None else f" for {order.profile.text}"
        detail = (
            f"Version {version} was {'re' if retrained else ''}trained{start} in "
            f"{duration_s:.1f} s{environment}, {adaptation.order_basis}"
            f"{_figures(adaptation.training_metrics)}."
        )
        published = f"Version {version} stands in the model repository"
        return (
            self._step(
                StepKind.RETRAINED if retrained else StepKind.TRAINED, detail, MLTrainingReport
            ),
            self._step(
                StepKind.PUBLISHED,
                f"{published} as {adaptation.to_model.distinguished_name}.",
                adaptation.to_model.distinguished_name,
            ),
        )

    def tested(self) -> tuple[Step, ...]:
        return (
            self._step(
                StepKind.TESTED,
                f"Version {self._version} passed its test on held-out scenarios, which asked for "
                f"{self._adaptation.required_ratio:.2f} of exhaustive search"
                f"{_figures(self._adaptation.test_metrics)}.",
                MLTestingReport,
            ),
        )

    def approved(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        return (
            self._step(
                StepKind.APPROVED,
                f"Version {self._version} was approved by {adaptation.approver}: "
                f"{adaptation.approval_reason}.",
                MLUpdateRequest,
                initiator=adaptation.approver,
            ),
        )

    def loaded(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        return (
            self._step(
                StepKind.LOADED,
                f"Version {self._version} was verified, compiled for {adaptation.engine} and "
                f"found equal to its golden sample in {adaptation.load_s:.1f} s.",
                MLModelLoadingProcess,
            ),
        )

    def in_use(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        seconds = (adaptation.update_time - adaptation.create_time).total_seconds()
        before = adaptation.from_model.version
        instead = f" instead of version {before}" if before else ""
        back = adaptation.kind is AdaptationKind.ROLLBACK
        detail = (
            f"Version {self._version} decides{' again' if back else ''}{instead}, {seconds:.1f} s "
            f"after {adaptation.initiator} asked for it: {adaptation.cause}."
        )
        kind = StepKind.ROLLED_BACK if back else StepKind.ACTIVATED
        return (self._step(kind, detail, self._naming.inference_function),)

    def rejected(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        test = (
            ""
            if adaptation.test_passed
            else f" (asked for {adaptation.required_ratio:.2f} of exhaustive search"
            f"{_figures(adaptation.test_metrics)})"
        )
        return (
            self._step(
                StepKind.REJECTED,
                f"Version {self._version} is not used, since {adaptation.failure}{test}; "
                f"{self._unchanged}.",
                MLTestingReport,
                initiator=adaptation.approver,
            ),
        )

    def withdrawn(self) -> tuple[Step, ...]:
        return (
            self._step(
                StepKind.REJECTED,
                f"Version {self._version} was rejected in the model repository, "
                f"since {self._adaptation.failure}.",
                self._adaptation.to_model.distinguished_name,
            ),
        )

    def failed(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        stage = (adaptation.failed_stage or adaptation.stage).lower().replace("_", " ")
        return (
            self._step(
                StepKind.FAILED,
                f"The adaptation failed at '{stage}': {adaptation.failure}; {self._unchanged}.",
                MLUpdateProcess,
            ),
        )

    @property
    def _version(self) -> int:
        return self._adaptation.to_model.version

    @property
    def _unchanged(self) -> str:
        version = self._adaptation.from_model.version
        return f"version {version} stays in use" if version else "no version is in use"

    def _step(
        self, kind: StepKind, detail: str, recorded_by: type[Attributes] | str, initiator: str = ""
    ) -> Step:
        adaptation = self._adaptation
        if not isinstance(recorded_by, str):
            recorded_by = self._naming.of(recorded_by, adaptation.adaptation_id)
        return Step(
            kind=kind,
            adaptation_id=adaptation.adaptation_id,
            model_name=adaptation.model_name,
            version=self._version,
            initiator=initiator or adaptation.initiator,
            detail=detail,
            object_ref=recorded_by,
        )


def _figures(metrics: Mapping[str, float]) -> str:
    """The most telling figures, foremost first, as a clause."""
    names = sorted(metrics, key=lambda name: (name != _FOREMOST, "ratio" not in name, name))
    names = names[:_MOST_FIGURES]
    figures = ", ".join(f"{name} {metrics[name]:.4g}" for name in names)
    return f"; {figures}" if figures else ""
