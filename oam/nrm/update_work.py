"""MLUpdateProcess: an adaptation of the model, which retrains, tests, loads and activates it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

from nf_runtime.clock import Clock
from oam.adaptation_events import one_line
from oam.adaptations import Adaptation
from oam.nrm.objects import Moi, ObjectStore
from oam.nrm.outcomes import Created, Failed, Finished, Noted, Outcome, Progressed, report_name
from oam.nrm.work import (
    ACTOR,
    if_not_ended,
    model_of_part,
    performances,
    request_id_of,
    scores_of,
)
from oam.nrm.work_objects import Part
from oam.ports import TrainingFunction
from oam.required_performance import UpdateTerms, gains
from oam.start_requests import StartRequest
from oam.transitions import AdaptationState, Stage

_LOOK_S = 0.2
_PERCENT: Mapping[AdaptationState, float] = {
    AdaptationState.TRAINING: 10,
    AdaptationState.TESTING: 50,
    AdaptationState.AWAITING_APPROVAL: 70,
    AdaptationState.LOADING: 80,
    AdaptationState.CANARY: 85,
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

    async def adaptation_of_request(self, request_id: str) -> Adaptation | None:
        """The adaptation that a request started."""
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
        reject: Turns down one that waits for approval, giving the reason.
        training: Holds and ends the jobs of one.
        clock: For `updateTimeDeadline`, and for waiting.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        adaptations: Adaptations,
        retrain: Callable[[StartRequest], Awaitable[Adaptation]],
        reject: Callable[[str, str], Awaitable[Adaptation]],
        training: TrainingFunction,
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
        terms = _terms(request)
        adaptation_id = part.notes.get("adaptation_id")
        if not adaptation_id:
            if terms.is_over(self._clock.now()):
                yield Failed(terms.deadline_text)
                return
            adaptation_id = (await self._start(part, terms)).adaptation_id
            yield Noted({"adaptation_id": adaptation_id})
        await self._resume_job(await self._adaptations.adaptation(adaptation_id))
        while True:
            seen = self._adaptations.last_sequence  # before reading: what comes meanwhile is told
            adaptation = await self._adaptations.adaptation(adaptation_id)
            if adaptation.ended_as is not None:  # it may still be cleaning up
                break
            info = f"{adaptation.state} (adaptation {adaptation_id})"
            yield Progressed(_PERCENT[adaptation.state], info)
            if terms.is_over(self._clock.now()):
                await self._end(adaptation_id, terms.deadline_text)
            else:
                await self._wait(seen, terms)
        late = terms.deadline_text if terms.is_over(adaptation.update_time) else ""
        if adaptation.state is AdaptationState.COMPLETED:
            yield await self._finished(part, adaptation, f"in use, but {late}" if late else "")
        elif late and late not in adaptation.failure:
            yield Failed(one_line(f"{late}: {adaptation.failure}"))
        else:
            yield Failed(adaptation.failure)

    async def suspend(self, part: Part, request: Moi | None) -> None:  # noqa: ARG002
        """Hold the adaptation at its training or test; what it is beyond goes on to its end."""
        adaptation_id = await self._adaptation_id(part)
        while adaptation_id:
            adaptation = await self._adaptations.adaptation(adaptation_id)
            if adaptation.stage is Stage.AWAIT_TRAINING:
                await if_not_ended(self._training.suspend_training(adaptation.training_job_id))
                return
            if adaptation.stage is Stage.AWAIT_TEST:
                await if_not_ended(self._training.suspend_test(adaptation.testing_job_id))
                return
            if not adaptation.in_progress or adaptation.waits_for_operator:
                return
            await self._clock.sleep(_LOOK_S)

    async def cancel(self, part: Part, request: Moi | None) -> None:  # noqa: ARG002
        """End the adaptation as early as its stage allows, and wait until it has ended."""
        adaptation_id = await self._adaptation_id(part)
        if adaptation_id:
            await self._end(adaptation_id, "the update was cancelled")

    async def _adaptation_id(self, part: Part) -> str:
        """Of the adaptation, which may not have been noted yet; empty: there is none."""
        if part.notes.get("adaptation_id"):
            return str(part.notes["adaptation_id"])
        begun = await self._adaptations.adaptation_of_request(request_id_of(part.key))
        return "" if begun is None else begun.adaptation_id

    async def _end(self, adaptation_id: str, reason: str) -> None:
        while (adaptation := await self._adaptations.adaptation(adaptation_id)).in_progress:
            if adaptation.waits_for_operator:
                await if_not_ended(self._reject(adaptation_id, reason))
            elif adaptation.stage is Stage.AWAIT_TRAINING:
                await if_not_ended(self._training.cancel_training(adaptation.training_job_id))
            elif adaptation.stage is Stage.AWAIT_TEST:
                await if_not_ended(self._training.cancel_test(adaptation.testing_job_id))
            await self._clock.sleep(_LOOK_S)

    async def _resume_job(self, adaptation: Adaptation) -> None:
        """Let the job go on that the suspension of the process has held."""
        if adaptation.stage is Stage.AWAIT_TRAINING:
            await if_not_ended(self._training.resume_training(adaptation.training_job_id))
        elif adaptation.stage is Stage.AWAIT_TEST:
            await if_not_ended(self._training.resume_test(adaptation.testing_job_id))

    async def _wait(self, seen: int, terms: UpdateTerms) -> None:
        """Return once there is another step, or the deadline has passed."""
        waits = [asyncio.ensure_future(self._adaptations.wait_for_steps(seen))]
        if terms.complete_by is not None:
            left_s = (terms.complete_by - self._clock.now()).total_seconds()
            waits.append(asyncio.ensure_future(self._clock.sleep(max(left_s, 0.0))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _start(self, part: Part, terms: UpdateTerms) -> Adaptation:
        name, _ = await model_of_part(self._store, part)
        return await self._retrain(
            StartRequest(
                model_name=name,
                actor=ACTOR,
                reason=f"MLUpdateProcess {part.owner.identity} asks for it",
                request_id=request_id_of(part.key),
                terms=terms,
            )
        )

    async def _finished(self, part: Part, adaptation: Adaptation, info: str) -> Finished:
        generated = adaptation.to_model.distinguished_name
        replaced = adaptation.from_model.distinguished_name
        before = await self._store.transact(lambda tree: tree.find(replaced))
        kpis = {} if before is None else before.notes.get("kpis", {})
        report = Created(
            report_name(part, "MLUpdateReport"),
            {
                "updatedMLCapability": {
                    "availMLCapabilityReportID": adaptation.adaptation_id,
                    "mLCapabilityVersionId": [str(adaptation.to_model.version)],
                    "expectedPerformanceGains": performances(gains(adaptation.test_metrics, kpis)),
                    "mLModelRef": [generated],
                },
                "mLModelRefList": [generated],
                "mLUpdateProcessRef": part.key,
            },
            reference="mLUpdateReportRef",
        )
        return Finished((report,), info=info)


def _terms(request: Moi | None) -> UpdateTerms:
    """What the request asks of the outcome."""
    window = {} if request is None else request.attributes.get("updateTimeDeadline", {})
    end_time = window.get("endTime")
    return UpdateTerms(
        required_gains=scores_of(request, "performanceGainThreshold"),
        complete_by=None if end_time is None else datetime.fromisoformat(end_time),
    )
