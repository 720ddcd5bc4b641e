"""Works on what consumers ask for.

Every open part has one task, which begins anew when its state is changed from outside, and after a
restart. That of a suspended part has peers stand still.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from functools import partial

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, Unavailable
from oam.adaptation_events import one_line
from oam.managed_objects import ProcessStatus
from oam.nrm.activation import with_loaded
from oam.nrm.names import Name
from oam.nrm.objects import WORK, Moi, ObjectStore, Tree, existing
from oam.nrm.outcomes import Failed, Finished, Outcome, cancelled, take_up
from oam.nrm.starting import begin
from oam.nrm.work import Work
from oam.nrm.work_objects import Part, job_of

log = structlog.get_logger(__name__)

_Key = tuple[Name, str]
_Open = Mapping[_Key, tuple[Part, Moi | None]]
_WORKED_ON = (ProcessStatus.RUNNING, ProcessStatus.SUSPENDED, ProcessStatus.CANCELLING)


class WorkRunner:
    """Drives every open request and process that is not an adaptation's.

    Args:
        store: The managed objects.
        work: What to do, by the class of the object that keeps the part.
        clock: For waiting.
    """

    def __init__(self, store: ObjectStore, work: Mapping[str, Work], *, clock: Clock) -> None:
        self._store = store
        self._work = work
        self._clock = clock
        self._tasks: dict[_Key, tuple[ProcessStatus, asyncio.Task[None]]] = {}
        self._standing: set[_Key] = set()  # suspended, and peers know it

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is open then goes on at the next start."""
        async with asyncio.TaskGroup() as group:
            supervisor = group.create_task(self._supervise(group, stop))
            await stop.wait()
            for task in (supervisor, *(task for _, task in self._tasks.values())):
                task.cancel()

    async def _supervise(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        changed = self._store.changed(WORK)
        while not stop.is_set():
            changed.clear()
            found = await keep_trying(
                partial(self._store.transact, _begin_and_list),
                what="database",
                clock=self._clock,
                stop=stop,
            )
            self._leave_off(found or {})
            for key, (part, request) in (found or {}).items():
                if key not in self._tasks and key not in self._standing:
                    task = group.create_task(self._drive(part, request, stop))
                    self._tasks[key] = (part.status, task)
                    task.add_done_callback(partial(self._forget, key))
            await changed.wait()

    def _leave_off(self, found: _Open) -> None:
        """Cancel the tasks of parts that have another state by now; they begin anew, or not."""
        self._standing = {
            key
            for key in self._standing
            if key in found and found[key][0].status is ProcessStatus.SUSPENDED
        }
        for key, (status, task) in self._tasks.items():
            if key not in found or found[key][0].status is not status:
                task.cancel()

    def _forget(self, key: _Key, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(key)
        self._store.changed(WORK).set()

    async def _drive(self, part: Part, request: Moi | None, stop: asyncio.Event) -> None:
        steps = {ProcessStatus.CANCELLING: self._cancel, ProcessStatus.SUSPENDED: self._suspend}
        step = steps.get(part.status, self._perform)
        await keep_trying(
            partial(step, part, request), what=str(part.owner), clock=self._clock, stop=stop
        )

    async def _perform(self, part: Part, request: Moi | None) -> None:
        async with aclosing(self._outcomes(part, request)) as outcomes:
            async for outcome in outcomes:
                goes_on = await self._store.transact(
                    lambda tree: _take_up(tree, part, outcome)  # noqa: B023 - awaited at once
                )
                if not goes_on:
                    log.info("part done", owner=str(part.owner), outcome=type(outcome).__name__)
                    return

    async def _suspend(self, part: Part, request: Moi | None) -> None:
        work = self._work[part.owner.object_class]
        await self._tell_peers(part, "suspension", work.suspend(part, request))
        self._standing.add((part.owner, part.key))

    async def _cancel(self, part: Part, request: Moi | None) -> None:
        work = self._work[part.owner.object_class]
        await self._tell_peers(part, "cancellation", work.cancel(part, request))
        await self._store.transact(lambda tree: cancelled(tree, part.owner, part.key))

    async def _tell_peers(self, part: Part, what: str, telling: Awaitable[None]) -> None:
        """Tell them; the consumer's word counts even where they refuse."""
        try:
            await telling
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            log.warning("peer refused", what=what, owner=str(part.owner), error=error.message)

    async def _outcomes(self, part: Part, request: Moi | None) -> AsyncGenerator[Outcome]:
        try:
            async for outcome in self._work[part.owner.object_class].perform(part, request):
                yield outcome
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            log.warning("part refused", owner=str(part.owner), error=error.message)
            yield Failed(one_line(f"{error.reason}: {error.message}"))
        except Exception:
            # A defect ends this part, not the function that works on the others.
            log.exception("part failed", owner=str(part.owner))
            yield Failed("internal error; the log of the OAM has it")


def _begin_and_list(tree: Tree) -> _Open:
    """Start what is not started; every part that is to be worked on."""
    for moi in tree.open_work():
        if moi.attributes.get("requestStatus") == "NOT_STARTED" and not moi.notes.get("adaptation"):
            begin(tree, moi.name)
    found: dict[_Key, tuple[Part, Moi | None]] = {}
    for moi in tree.open_work():
        if moi.notes.get("adaptation"):
            continue
        job = job_of(tree, moi)
        for part in job.parts.values():
            if part.status in _WORKED_ON:
                found[part.owner, part.key] = (part, job.request)
    return found


def _take_up(tree: Tree, part: Part, outcome: Outcome) -> bool:
    goes_on = take_up(tree, part.owner, part.key, outcome)
    if isinstance(outcome, Finished) and outcome.loaded_model:
        process = existing(tree, part.owner)
        if process.attributes.get("loadedMLModelRef") == outcome.loaded_model:
            parent = part.owner.parent
            assert parent is not None  # noqa: S101 - it is inside the inference function
            tree.put(parent, *with_loaded(existing(tree, parent), outcome.loaded_model))
    return goes_on
