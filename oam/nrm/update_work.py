"""MLUpdateProcess: an adaptation of the model, which retrains, tests, loads and activates it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from nf_runtime.clock import Clock
from nf_runtime.errors import FailedPrecondition
from oam.adaptations import Adaptation, AdaptationState
from oam.nrm.mirror import identity_of
from oam.nrm.names import parse_name
from oam.nrm.objects import Moi, ObjectStore, existing
from oam.nrm.outcomes import Created, Failed, Finished, Noted, Outcome, Progressed, report_name
from oam.nrm.ports import Training
from oam.nrm.work import ACTOR, performances, request_id_of
from oam.nrm.work_objects import Part
from oam.start_requests import StartRequest

_PERCENT: Mapping[AdaptationState, float] = {
    AdaptationState.TRAINING: 10,
    AdaptationState.TESTING: 50,
    AdaptationState.AWAITING_APPROVAL: 70,
    AdaptationState.LOADING: 80,
    AdaptationState.ACTIVATING: 90,
}


class Adaptations(Protocol):
    """Reads adaptations; as `oam.ports.LifecycleStore`."""

    @property
    def last_sequence(self) -> int:
        """Sequence of the latest step; 0: none."""
        ...

    async def adaptation(self, adaptation_id: str) -> Adaptation:
        """One adaptation. Raises NotFound."""
        ...

    async def wait_for_steps(self, after_sequence: int) -> None:
        """Return once there is a step after that sequence."""
        ...


class UpdateWork:
    """The work of an MLUpdateProcess.

    Args:
        store: The managed objects.
        adaptations: Reads adaptations.
        retrain: Starts one; idempotent by the request id.
        reject: Turns down one that waits for approval.
        training: Ends the training of one.
        clock: For `updateTimeDeadline`.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        adaptations: Adaptations,
        retrain: Callable[[StartRequest], Awaitable[Adaptation]],
        reject: Callable[[str], Awaitable[Adaptation]],
        training: Training,
        clock: Clock,
    ) -> None:
        self._store = store
        self._adaptations = adaptations
        self._retrain = retrain
        self._reject = reject
        self._training = training
        self._clock = clock

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """A model that is in use, or why there is none."""
        asked = {} if request is None else request.attributes
        end_time = asked.get("updateTimeDeadline", {}).get("endTime")
        if not part.notes.get("adaptation_id"):
            if end_time and self._clock.now() >= datetime.fromisoformat(end_time):
                yield Failed(f"updateTimeDeadline has passed at {end_time}")
                return
            started = await self._start(part)
            yield Noted({"adaptation_id": started.adaptation_id})
            adaptation_id = started.adaptation_id
        else:
            adaptation_id = part.notes["adaptation_id"]
        while True:
            seen = self._adaptations.last_sequence  # before reading: what comes meanwhile is told
            adaptation = await self._adaptations.adaptation(adaptation_id)
            if not adaptation.in_progress:
                break
            info = f"{adaptation.state} (adaptation {adaptation_id})"
            yield Progressed(_PERCENT[adaptation.state], info)
            await self._adaptations.wait_for_steps(seen)
        if adaptation.state is AdaptationState.COMPLETED:
            yield await self._finished(part, asked, adaptation)
        else:
            yield Failed(adaptation.failure)

    async def cancel(self, part: Part, request: Moi | None) -> None:  # noqa: ARG002
        """End the adaptation as early as its stage allows, and wait until it has ended."""
        adaptation_id = part.notes.get("adaptation_id")
        while adaptation_id:
            seen = self._adaptations.last_sequence
            adaptation = await self._adaptations.adaptation(adaptation_id)
            if not adaptation.in_progress:
                return
            try:
                if adaptation.waits_for_operator:
                    await self._reject(adaptation_id)
                elif adaptation.state is AdaptationState.TRAINING and adaptation.training_job_id:
                    await self._training.cancel_training(adaptation.training_job_id)
            except FailedPrecondition:
                pass  # it has gone on meanwhile
            await self._adaptations.wait_for_steps(seen)

    async def _start(self, part: Part) -> Adaptation:
        model = parse_name(part.notes["model"])
        name, _ = await self._store.transact(lambda tree: identity_of(existing(tree, model)))
        return await self._retrain(
            StartRequest(
                model_name=name,
                actor=ACTOR,
                reason=f"MLUpdateProcess {part.owner.identity} asks for it",
                request_id=request_id_of(part.key),
            )
        )

    async def _finished(
        self, part: Part, asked: Mapping[str, Any], adaptation: Adaptation
    ) -> Finished:
        generated = adaptation.to_model.distinguished_name
        before = await self._store.transact(lambda tree: tree.find(part.notes["model"]))
        gains = _gains(adaptation.test_metrics, {} if before is None else before.notes.get("kpis"))
        short = [
            f"{each['performanceMetric']} gained {gains[each['performanceMetric']]:.4g} instead of "
            f"{each['performanceScore']:.4g}"
            for each in asked.get("performanceGainThreshold", [])
            if each["performanceMetric"] in gains
            and gains[each["performanceMetric"]] < each["performanceScore"]
        ]
        report = Created(
            report_name(part, "MLUpdateReport"),
            {
                "updatedMLCapability": {
                    "availMLCapabilityReportID": adaptation.adaptation_id,
                    "mLCapabilityVersionId": [str(adaptation.to_model.version)],
                    "expectedPerformanceGains": performances(gains),
                    "mLModelRef": [generated],
                },
                "mLModelRefList": [generated],
                "mLUpdateProcessRef": part.key,
            },
            reference="mLUpdateReportRef",
        )
        info = f"below performanceGainThreshold: {', '.join(short)}" if short else ""
        return Finished((report,), info=info)


def _gains(after: Mapping[str, float], before: Mapping[str, float] | None) -> dict[str, float]:
    """By how much each metric that both have has grown."""
    return {name: after[name] - value for name, value in (before or {}).items() if name in after}
