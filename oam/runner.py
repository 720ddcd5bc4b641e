"""Drives adaptations from stage to stage, each as a task, from wherever the store says they are."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, Unavailable
from nf_runtime.tracing import continued
from oam.adaptation_events import Event, Refused, one_line
from oam.adaptations import Adaptation
from oam.lifecycles import Policy, proceed
from oam.ports import LifecycleStore
from oam.stages import PEER, Stages

log = structlog.get_logger(__name__)


class AdaptationRunner:
    """Runs every adaptation in progress until it ends or waits for an operator.

    A peer that does not answer is waited for; any other failure of a peer ends the adaptation.
    Each stage's outcome is stored before the next begins, so a process that dies at any point is
    continued by its successor.

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
                if (
                    adaptation.adaptation_id not in self._tasks
                    and not adaptation.waits_for_operator
                ):
                    task = group.create_task(self._drive(adaptation.adaptation_id, stop))
                    self._tasks[adaptation.adaptation_id] = task
                    task.add_done_callback(partial(self._forget, adaptation.adaptation_id))
            await self._store.adaptation_written.wait()

    def _forget(self, adaptation_id: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(adaptation_id)
        self._store.adaptation_written.set()  # approved, perhaps, while its task was ending

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
                await self._store.change(
                    adaptation.model_name,
                    partial(
                        proceed,
                        adaptation_id=adaptation.adaptation_id,
                        event=event,
                        policy=self._policy,
                        now=self._clock.now(),
                    ),
                )
        log.info("stage done", stage=adaptation.stage, kind=adaptation.kind)

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
