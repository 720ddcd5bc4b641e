"""The lifecycle's record: each step is one sentence for someone who was not there, with figures."""

from collections.abc import Callable, Mapping

from oam.adaptation_events import (
    ApprovalDenied,
    ApprovalGiven,
    CanaryFailed,
    CanaryPassed,
    Event,
    GainsMissed,
    Loaded,
    Promoted,
    Refused,
    TestNotPassed,
    TestPassed,
    Trained,
    VersionApproved,
    Withdrawn,
)
from oam.adaptations import Adaptation
from oam.approvals import ApprovalPolicy
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
from oam.record import Step, StepKind
from oam.transitions import AdaptationKind, AdaptationState

# The figure that decides; told first where there is one.
_FOREMOST = "ratio_to_exhaustive"
_MOST_FIGURES = 3


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
        ApprovalGiven: told.allowed,
        ApprovalDenied: told.rejected,
        GainsMissed: lambda: (*told.tested(), *told.rejected()),
        CanaryPassed: told.compared,
        CanaryFailed: told.rejected,
        VersionApproved: told.approved,
        Loaded: told.loaded,
        Promoted: told.in_use,
        Refused: told.failed,
        Withdrawn: told.withdrawn,
    }
    tell = sentences.get(type(event))
    return () if tell is None else tell()


def crossed(
    quantity: Quantity, *, model_name: str, version: int, consequence: str, naming: Naming
) -> Step:
    """A threshold was breached or holds again; `consequence` is what is done about it."""
    return Step(
        kind=StepKind.DEGRADED if quantity.breached else StepKind.RECOVERED,
        adaptation_id="",
        model_name=model_name,
        version=version,
        initiator="rule:threshold-monitor",
        detail=f"Version {version}: {quantity.text}; {consequence}.",
        object_ref=naming.inference_function,
        figures=quantity.figures,
    )


def monitor_saw(
    monitor: str,
    text: str,
    figures: Mapping[str, float],
    *,
    model_name: str,
    version: int,
    consequence: str,
) -> Step:
    """A consumer's ThresholdMonitor saw a breach; `consequence` is what is done about it."""
    return Step(
        kind=StepKind.DEGRADED,
        adaptation_id="",
        model_name=model_name,
        version=version,
        initiator="rule:threshold-monitor",
        detail=f"Version {version}: {text}; {consequence}.",
        object_ref=monitor,
        figures=figures,
    )


def asked_for(adaptation: Adaptation, seen: Mapping[str, float] | None, naming: Naming) -> Step:
    """An adaptation is asked for; `seen` are the figures that a rule has seen."""
    before, target = adaptation.from_model.version, adaptation.to_model.version
    wanted = {
        AdaptationKind.INITIAL: "a first training",
        AdaptationKind.RETRAIN: f"a retraining of version {before}",
        AdaptationKind.ROLLBACK: f"the way back from version {before} to version {target}",
    }[adaptation.kind]
    return _Teller(adaptation, adaptation, naming).step(
        StepKind.REQUESTED,
        f"{adaptation.initiator} asks for {wanted}: {adaptation.cause}.",
        MLUpdateRequest,
        figures=seen,
    )


def waits(adaptation: Adaptation, policy: ApprovalPolicy, naming: Naming) -> Step:
    """The adaptation waits for a person."""
    deadline = policy.deadline(adaptation.stage_time)
    otherwise = "approved" if policy.approves_on_timeout else "turned down"
    until = (
        "" if deadline is None else f"; without a decision it is {otherwise} at {deadline:%X} UTC"
    )
    return _Teller(adaptation, adaptation, naming).step(
        StepKind.WAITING,
        f"Step '{adaptation.approval_step}' waits for approval{until}.",
        MLUpdateRequest,
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
            self.step(
                StepKind.RETRAINED if retrained else StepKind.TRAINED,
                detail,
                MLTrainingReport,
                figures={**adaptation.training_metrics, "duration_s": duration_s},
            ),
            self.step(
                StepKind.PUBLISHED,
                f"{published} as {adaptation.to_model.distinguished_name}.",
                adaptation.to_model.distinguished_name,
            ),
        )

    def tested(self) -> tuple[Step, ...]:
        return (
            self.step(
                StepKind.TESTED,
                f"Version {self._version} passed its test on held-out scenarios, which asked for "
                f"{self._adaptation.required_ratio:.2f} of exhaustive search"
                f"{_figures(self._adaptation.test_metrics)}.",
                MLTestingReport,
                figures={
                    **self._adaptation.test_metrics,
                    "required_ratio": self._adaptation.required_ratio,
                },
            ),
        )

    def allowed(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        latest = adaptation.approvals[-1]
        return (
            self.step(
                StepKind.ALLOWED,
                f"Step '{latest.step}' was allowed by {latest.approver}: {latest.reason}.",
                MLUpdateRequest,
                initiator=latest.approver,
                figures={"waited_s": (latest.time - self._before.stage_time).total_seconds()},
            ),
        )

    def compared(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        return (
            self.step(
                StepKind.COMPARED,
                f"Version {self._version} decided beside version {adaptation.from_model.version} "
                f"without effect and may replace it: {adaptation.canary_reason}.",
                MLUpdateProcess,
                figures=adaptation.comparison.figures if adaptation.comparison else None,
            ),
        )

    def approved(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        return (
            self.step(
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
            self.step(
                StepKind.LOADED,
                f"Version {self._version} was verified, compiled for {adaptation.engine} and "
                f"found equal to its golden sample in {adaptation.load_s:.1f} s.",
                MLModelLoadingProcess,
                figures={"load_s": adaptation.load_s},
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
        figures = {"duration_s": seconds}
        return (self.step(kind, detail, self._naming.inference_function, figures=figures),)

    def rejected(self) -> tuple[Step, ...]:
        adaptation = self._adaptation
        figures, asked = dict[str, float](), ""
        if adaptation.comparison is not None:
            figures = adaptation.comparison.figures
        if adaptation.test_passed is False:
            figures = {**adaptation.test_metrics, "required_ratio": adaptation.required_ratio}
            asked = (
                f" (asked for {adaptation.required_ratio:.2f} of exhaustive search"
                f"{_figures(adaptation.test_metrics)})"
            )
        subject = f"Version {self._version} is not used" if self._version else "Nothing is trained"
        return (
            self.step(
                StepKind.REJECTED,
                f"{subject}, since {adaptation.failure}{asked}; {self._unchanged}.",
                MLTestingReport if asked else MLUpdateProcess,
                initiator=adaptation.approver if self._was_denied else "",
                figures=figures,
            ),
        )

    def withdrawn(self) -> tuple[Step, ...]:
        return (
            self.step(
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
            self.step(
                StepKind.FAILED,
                f"The adaptation failed at '{stage}': {adaptation.failure}; {self._unchanged}.",
                MLUpdateProcess,
            ),
        )

    @property
    def _was_denied(self) -> bool:
        return self._before.waits_for_operator

    @property
    def _version(self) -> int:
        return self._adaptation.to_model.version

    @property
    def _unchanged(self) -> str:
        version = self._adaptation.from_model.version
        return f"version {version} stays in use" if version else "no version is in use"

    def step(
        self,
        kind: StepKind,
        detail: str,
        recorded_by: type[Attributes] | str,
        *,
        initiator: str = "",
        figures: Mapping[str, float] | None = None,
    ) -> Step:
        """A step of this adaptation."""
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
            figures=figures or {},
        )


def _figures(metrics: Mapping[str, float]) -> str:
    """The most telling figures, foremost first, as a clause."""
    names = sorted(metrics, key=lambda name: (name != _FOREMOST, "ratio" not in name, name))
    names = names[:_MOST_FIGURES]
    figures = ", ".join(f"{name} {metrics[name]:.4g}" for name in names)
    return f"; {figures}" if figures else ""
