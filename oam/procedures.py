"""What operators ask of the OAM."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import NO_MODEL, ApprovalDenied, ApprovalGiven, ModelReference
from oam.adaptations import Adaptation, new_adaptation
from oam.approvals import ApprovalStep
from oam.in_use import ATTEMPTS, keeps_changing, versions_in_use
from oam.lifecycles import (
    Change,
    Lifecycle,
    Policy,
    begin,
    check_idle,
    proceed,
    synchronised,
)
from oam.oscillation import check_return
from oam.ports import LifecycleStore, ModelRepository
from oam.start_requests import (
    LONGEST_NAME,
    LONGEST_REASON,
    StartRequest,
    check_request,
    check_text,
    operator,
    reason_or_none_given,
    same_request,
)
from oam.transitions import AdaptationKind


class LifecycleProcedures:
    """The use cases of the OAM.

    Args:
        store: What the OAM keeps.
        repository: Who knows which versions are in use.
        policy: What the configuration decides.
        clock: For times.
        new_id: Makes identities that nobody else has.
    """

    def __init__(
        self,
        *,
        store: LifecycleStore,
        repository: ModelRepository,
        policy: Policy,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._repository = repository
        self._policy = policy
        self._clock = clock
        self._new_id = new_id

    async def train(self, request: StartRequest) -> Adaptation:
        """Start a first training.

        Raises:
            FailedPrecondition: ADAPTATION_IN_PROGRESS.
            InvalidArgument: INVALID_FIELD.
            AlreadyExists: REQUEST_ID_REUSED.
            PermissionDenied: NOT_AUTHORISED.
        """
        return await self._start(AdaptationKind.INITIAL, request)

    async def retrain(self, request: StartRequest) -> Adaptation:
        """Start a retraining of the version in use.

        Raises:
            FailedPrecondition: NO_ACTIVE_MODEL or ADAPTATION_IN_PROGRESS.
            InvalidArgument: INVALID_FIELD.
            AlreadyExists: REQUEST_ID_REUSED.
            PermissionDenied: NOT_AUTHORISED.
        """
        return await self._start(AdaptationKind.RETRAIN, request)

    async def roll_back(self, request: StartRequest) -> Adaptation:
        """Start going back to the previous version.

        Raises:
            FailedPrecondition: NO_PREVIOUS_VERSION, ADAPTATION_IN_PROGRESS, or STATE_FORBIDS for a
                version that was rolled back from.
            InvalidArgument: INVALID_FIELD.
            AlreadyExists: REQUEST_ID_REUSED.
            PermissionDenied: NOT_AUTHORISED.
        """
        return await self._start(AdaptationKind.ROLLBACK, request)

    async def approve(
        self, adaptation_id: str, *, actor: str, reason: str, step: str = ""
    ) -> Adaptation:
        """Let a waiting adaptation go on.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            FailedPrecondition: STATE_FORBIDS; also where another step waits than `step`.
            PermissionDenied: NOT_AUTHORISED.
        """
        return await self._decide(adaptation_id, actor, reason, ApprovalGiven, seen=step)

    async def reject(
        self, adaptation_id: str, *, actor: str, reason: str, step: str = ""
    ) -> Adaptation:
        """End a waiting adaptation and turn its version down.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            FailedPrecondition: STATE_FORBIDS; also where another step waits than `step`.
            PermissionDenied: NOT_AUTHORISED.
        """
        return await self._decide(adaptation_id, actor, reason, ApprovalDenied, seen=step)

    async def synchronise(self, stop: asyncio.Event) -> None:
        """Take over from the repository which versions are in use, once it answers."""
        for model_name in await self._store.model_names():
            await keep_trying(
                partial(self._synchronise, model_name),
                what="mms_repository",
                clock=self._clock,
                stop=stop,
            )

    async def _start(self, kind: AdaptationKind, request: StartRequest) -> Adaptation:
        check_request(request)
        back = kind is AdaptationKind.ROLLBACK
        step = ApprovalStep.ROLLBACK if back else ApprovalStep.RETRAIN
        self._policy.approvals.check(request.actor, step)
        wanted = new_adaptation(
            self._new_id(),
            kind,
            request_id=request.request_id,
            model_name=request.model_name,
            from_model=NO_MODEL,
            initiator=operator(request.actor),
            cause=reason_or_none_given(request.reason),
            now=self._clock.now(),
            wish=request.wish,
            terms=request.terms,
        )
        if request.request_id:
            earlier = await self._store.adaptation_of_request(request.request_id)
            if earlier is not None:
                return same_request(earlier, wanted)
        for _ in range(ATTEMPTS):
            started = await self._start_once(wanted, allow_return=request.allow_return)
            if started is not None:
                return started
        raise keeps_changing(request.model_name)

    async def _start_once(self, wanted: Adaptation, *, allow_return: bool) -> Adaptation | None:
        """The adaptation that was started; None if something happened since the repository told.

        The aliases are read outside the transaction that starts the adaptation. The revision says
        whether another adaptation has moved them since.
        """
        name, kind = wanted.model_name, wanted.kind
        lifecycle = await self._store.lifecycle(name)
        if _is_of_same_request(lifecycle.current, wanted):
            return same_request(lifecycle.current, wanted)  # begun since we looked
        check_idle(lifecycle)
        active, previous = await versions_in_use(self._repository, name)
        if kind is AdaptationKind.RETRAIN and active.version == 0:
            raise FailedPrecondition(
                f"no version of model {name} is in use; train one first",
                reason="NO_ACTIVE_MODEL",
                model_name=name,
            )
        if kind is AdaptationKind.ROLLBACK:
            if previous.version == 0:
                raise FailedPrecondition(
                    f"model {name} has no previous version to go back to",
                    reason="NO_PREVIOUS_VERSION",
                    model_name=name,
                )
            check_return(lifecycle.recent, previous.version, allowed=allow_return)
        adaptation = replace(
            wanted,
            from_model=active,
            to_model=previous if kind is AdaptationKind.ROLLBACK else NO_MODEL,
        )
        change = await self._store.change(
            name,
            partial(
                self._begun,
                adaptation=adaptation,
                active=active,
                previous=previous,
                revision=lifecycle.revision,
            ),
        )
        return None if change is None else change.adaptation

    def _begun(
        self,
        lifecycle: Lifecycle,
        *,
        adaptation: Adaptation,
        active: ModelReference,
        previous: ModelReference,
        revision: int,
    ) -> Change | None:
        if _is_of_same_request(lifecycle.current, adaptation):
            return Change(lifecycle, same_request(lifecycle.current, adaptation))
        check_idle(lifecycle)
        if lifecycle.revision != revision:
            return None
        known = synchronised(lifecycle, active, previous, self._policy, adaptation.create_time)
        return replace(begin(known.lifecycle, adaptation, self._policy), alarms=known.alarms)

    async def _synchronise(self, model_name: str) -> None:
        before = await self._store.lifecycle(model_name)
        active, previous = await versions_in_use(self._repository, model_name)

        def take_over(lifecycle: Lifecycle) -> Change | None:
            # An adaptation moves the aliases itself; one that ended since we looked has read them
            # later than we have.
            if lifecycle.current is not None or before.current is not None:
                return None
            if lifecycle.revision != before.revision:
                return None
            return synchronised(lifecycle, active, previous, self._policy, self._clock.now())

        await self._store.change(model_name, take_over)

    async def _decide(
        self,
        adaptation_id: str,
        actor: str,
        reason: str,
        decision: type[ApprovalGiven | ApprovalDenied],
        *,
        seen: str,
    ) -> Adaptation:
        check_text("actor", actor, LONGEST_NAME)
        check_text("reason", reason, LONGEST_REASON)
        adaptation = await self._store.adaptation(adaptation_id)
        waiting = adaptation.approval_step
        if waiting is not None:
            self._policy.approvals.check(actor, waiting)
        if seen not in ("", waiting):
            raise FailedPrecondition(
                f"step {seen!r} of adaptation {adaptation_id} does not wait (it is "
                f"{adaptation.state}); look at its state first",
                reason="STATE_FORBIDS",
                state=adaptation.state,
                wanted=seen,
            )
        await self._store.change(
            adaptation.model_name,
            partial(
                proceed,
                adaptation_id=adaptation_id,
                event=decision(operator(actor), reason_or_none_given(reason)),
                policy=self._policy,
                now=self._clock.now(),
                stage=adaptation.stage,
            ),
        )
        return await self._store.adaptation(adaptation_id)


def _is_of_same_request(current: Adaptation | None, wanted: Adaptation) -> TypeGuard[Adaptation]:
    return current is not None and current.request_id == wanted.request_id != ""
