"""Drives adaptations from stage to stage, each as a task, from wherever the store says they are."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import partial

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, FailedPrecondition, NfError, Unavailable
from nf_runtime.tracing import continued
from oam.adaptation_events import ApprovalDenied, ApprovalGiven, Event, Refused, one_line
from oam.adaptations import Adaptation
from oam.lifecycles import Policy, proceed
from oam.ports import LifecycleStore
from oam.stages import PEER, Stages

log = structlog.get_logger(__name__)

TIMEOUT_APPROVER = "rule:approval-time-out"


class AdaptationRunner:
    """Runs every adaptation in progress until it ends or waits for an operator, or for too long.

    A peer that does not answer is waited for; any other failure of a peer ends the adaptation.
    Each stage's outcome is stored before the next begins, so a process that dies at any point is
    continued by its successor. Two processes over one database may drive the same adaptation: what
    each does at a peer counts once there, and the outcome of a stage is stored by the first.

    Args:
        store: Where adaptations are.
        stages: What each stage does.
        policy: What follows from an outcome.
        clock: For times and waiting.
    """

    def __init__(
        self, *, store: LifecycleStore, stages: Stages, policy: Policy, clock: Clock
    ) -> None:
        self._store = store
        self._stages = stages
        self._policy = policy
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Drive until `stop` is set; what is unfinished then goes on at the next start."""
        async with asyncio.TaskGroup() as group:
            supervisor = group.create_task(self._supervise(group, stop))
            await stop.wait()
            for task in (supervisor, *self._tasks.values()):
                task.cancel()

    async def _supervise(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._store.adaptation_written.clear()
            adaptations = await keep_trying(
                self._store.adaptations_in_progress,
                what="database",
                clock=self._clock,
                stop=stop,
            )
            for adaptation in adaptations or ():
                name = adaptation.adaptation_id
                if not adaptation.waits_for_operator:
                    self._begin(group, name, partial(self._drive, name, stop))
                elif self._policy.approvals.timeout_s is not None:
                    # Once it is allowed it is driven beside this, which then has nothing to do.
                    name = f"{name}/{adaptation.stage}"
                    self._begin(group, name, partial(self._time_out, adaptation, stop))
            await self._store.adaptation_written.wait()

    def _begin(
        self,
        group: asyncio.TaskGroup,
        name: str,
        work: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        if name not in self._tasks:
            self._tasks[name] = group.create_task(work())
            self._tasks[name].add_done_callback(partial(self._forget, name))

    def _forget(self, name: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(name)
        self._store.adaptation_written.set()  # approved, perhaps, while its task was ending

    async def _time_out(self, waiting: Adaptation, stop: asyncio.Event) -> None:
        """Decide without a person once a step has waited for too long."""
        approvals = self._policy.approvals
        deadline = approvals.deadline(waiting.stage_time)
        if deadline is None:
            return
        while (left_s := (deadline - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(left_s)
        reason = f"nobody decided within {approvals.timeout_s:g} s"
        decision = ApprovalGiven if approvals.approves_on_timeout else ApprovalDenied
        await keep_trying(
            partial(self._store_outcome, waiting, decision(TIMEOUT_APPROVER, reason)),
            what="database",
            clock=self._clock,
            stop=stop,
        )

    async def _drive(self, adaptation_id: str, stop: asyncio.Event) -> None:
        # One trace for all that is done for it; peers log it under the adaptation's id.
        with (
            continued(None, request_id=adaptation_id),
            structlog.contextvars.bound_contextvars(adaptation_id=adaptation_id),
        ):
            while not stop.is_set():
                adaptation = await keep_trying(
                    partial(self._store.adaptation, adaptation_id),
                    what="database",
                    clock=self._clock,
                    stop=stop,
                )
                if adaptation is None or not adaptation.in_progress:
                    return
                if adaptation.waits_for_operator:
                    log.info("adaptation waits for approval", version=adaptation.to_model.version)
                    return
                await keep_trying(
                    partial(self._perform, adaptation),
                    what=PEER[adaptation.stage],
                    clock=self._clock,
                    stop=stop,
                )

    async def _perform(self, adaptation: Adaptation) -> None:
        async with aclosing(self._events(adaptation)) as events:
            async for event in events:
                if not await self._store_outcome(adaptation, event):
                    return
        log.info("stage done", stage=adaptation.stage, kind=adaptation.kind)

    async def _store_outcome(self, adaptation: Adaptation, event: Event) -> bool:
        """Store what came of the adaptation's stage; False if somebody else was quicker."""
        try:
            await self._store.change(
                adaptation.model_name,
                partial(
                    proceed,
                    adaptation_id=adaptation.adaptation_id,
                    event=event,
                    policy=self._policy,
                    now=self._clock.now(),
                    stage=adaptation.stage,
                ),
            )
        except FailedPrecondition:
            standing = await self._store.adaptation(adaptation.adaptation_id)
            if standing.stage is adaptation.stage:
                raise
            log.info("stage was ended by somebody else", stage=adaptation.stage)
            return False
        return True

    async def _events(self, adaptation: Adaptation) -> AsyncGenerator[Event]:
        try:
            async for event in self._stages.perform(adaptation):
                yield event
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            peer = PEER[adaptation.stage]
            log.warning(
                "stage refused",
                stage=adaptation.stage,
                peer=peer,
                reason=error.reason,
                error=error.message,
            )
            yield Refused(one_line(f"{peer} answered {error.reason}: {error.message}"))
        except Exception:
            # A defect ends this adaptation, not the function that drives the others.
            log.exception("stage failed", stage=adaptation.stage)
            yield Refused(f"internal error at {adaptation.stage}; the log of the OAM has it")
