"""Runs of engines: several callers' contexts in one run, a bounded queue, a deadline for each.

Nothing waits for a batch to fill: while an engine is at work the next callers gather, and the next
run takes all of them, up to a bound. What belongs to a trigger runs alone: a product of matrices
may round otherwise in a larger batch, and the same trigger must get the same decision bit for bit.

A graph that is quicker than handing it to a thread and back runs where it is asked for: on a busy
host the two changes of thread cost several times what such a run does. Its callers never meet by
themselves, since the loop takes in one at a time. So where they come together, they are gathered
until some turns of the loop in a row bring nobody, or 10 ms are over. A loop that has nothing else
to do takes 0.3 ms for these turns; a busy one takes in others meanwhile, as it has to anyway.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from inference_nf.habits import Habits
from inference_nf.ports import Engine, Meter, Worker
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, ResourceExhausted

Tensors = Mapping[str, npt.NDArray[Any]]
_LEAST_RETRY_S = 0.001
# Taking a call in is some five turns of a busy loop: with four, 99 of 100 callers stayed alone.
_QUIET_TURNS = 16
_LONGEST_GATHERING_S = 0.01  # however many come: those who came first have deadlines


@dataclass(frozen=True)
class Run:
    """What a run gave: every output by name, and the engine's wall-clock time."""

    outputs: dict[str, npt.NDArray[Any]]
    inference_s: float


@dataclass
class _Waiting:
    """A caller that waits for its run."""

    feeds: Tensors
    since_s: float
    deadline_s: float | None
    quick: bool
    answer: asyncio.Future[Run] = field(default_factory=asyncio.Future)

    @property
    def size(self) -> int:
        return _batch_of(self.feeds)

    def fits(self, other: "_Waiting") -> bool:
        return all(
            array.shape[1:] == other.feeds[name].shape[1:] for name, array in self.feeds.items()
        )


class Batcher:
    """Runs engines for callers.

    Args:
        worker: The threads that run engines.
        meter: Where batches, waits and what is turned away are counted.
        clock: For durations and deadlines.
        max_batch: Most contexts in one run.
        max_queued: Most callers that wait; more are turned away.
        at_a_time: Runs of one engine at a time.
        quick_s: Runs that are expected to take less are not handed to a thread.
    """

    def __init__(
        self,
        *,
        worker: Worker,
        meter: Meter,
        clock: Clock,
        max_batch: int,
        max_queued: int,
        at_a_time: int = 1,
        quick_s: float = 0.0,
    ) -> None:
        self._worker = worker
        self._meter = meter
        self._clock = clock
        self._max_batch = max_batch
        self._max_queued = max_queued
        self._at_a_time = at_a_time
        self._quick_s = quick_s
        self._queues: dict[Engine, deque[_Waiting]] = {}
        self._at_work: Counter[Engine] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._habits: WeakKeyDictionary[Engine, Habits] = WeakKeyDictionary()

    def expected_s(self, engine: Engine) -> float:
        """How long a caller that comes now will probably wait for its answer; 0 if unknown."""
        ahead = len(self._queues.get(engine, ())) // self._max_batch
        at_work = self._at_work[engine] >= self._at_a_time
        return self._habits_of(engine).pace.expected_s * (1 + ahead + at_work)

    def passed_over(self, engine: Engine) -> None:
        """Somebody did not wait for the engine, since it would take too long."""
        self._habits_of(engine).pace.ease()

    async def run(
        self,
        engine: Engine,
        feeds: Tensors,
        *,
        alone: bool = False,
        deadline_s: float | None = None,
    ) -> Run:
        """The outputs for these inputs, whose first axis is the batch.

        Args:
            engine: What runs.
            feeds: Every input by name.
            alone: In a run of its own, and not turned away by a full queue.
            deadline_s: Monotonic time after which nobody waits for the answer any more; a run
                that has not begun by then is not begun.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED, with a hint when to try again.
            DeadlineExceeded: DEADLINE_EXCEEDED, before the run had begun.
        """
        habits = self._habits_of(engine)
        quick = habits.least_s(_batch_of(feeds)) < self._quick_s
        nobody_waits = engine not in self._queues
        if alone or (quick and nobody_waits and not habits.crowd.is_likely()):
            self._meter.stage("queue", 0.0)
            return await self._run(engine, feeds, here=quick)
        if sum(map(len, self._queues.values())) >= self._max_queued:
            self._meter.shed()
            retry_s = max(self.expected_s(engine), _LEAST_RETRY_S)
            raise ResourceExhausted(
                f"{self._max_queued} requests are waiting for an engine; try again in "
                f"{retry_s:.3f} s",
                reason="QUOTA_EXCEEDED",
                retry_after_s=f"{retry_s:.3f}",
            )
        waiting = _Waiting(feeds, self._clock.monotonic_s(), deadline_s, quick=quick)
        self._queues.setdefault(engine, deque()).append(waiting)
        if self._at_work[engine] < self._at_a_time:
            self._at_work[engine] += 1
            task = asyncio.create_task(self._serve(engine))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answer

    def _habits_of(self, engine: Engine) -> Habits:
        habits = self._habits.get(engine)
        if habits is None:
            habits = self._habits[engine] = Habits()
        return habits

    async def close(self) -> None:
        """Answer who still waits."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, engine: Engine) -> None:
        try:
            while engine in self._queues:
                await self._gather(engine)
                batch = self._next_batch(engine)
                try:
                    await self._run_together(engine, batch)
                except Exception as error:  # noqa: BLE001 - it is the callers' to deal with
                    if len(batch) > 1:  # one of them may have spoilt it for all
                        for waiting in batch:
                            await self._run_for(engine, waiting)
                    elif not batch[0].answer.done():
                        batch[0].answer.set_exception(error)
        finally:
            # At once with finding the queue empty: who comes next must not take it for at work.
            self._at_work[engine] -= 1
            if not self._at_work[engine]:
                del self._at_work[engine]

    async def _run_for(self, engine: Engine, waiting: _Waiting) -> None:
        try:
            run = await self._run_alone(engine, waiting)
        except Exception as error:  # noqa: BLE001 - it is the caller's to deal with
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        else:
            if not waiting.answer.done():
                waiting.answer.set_result(run)

    def _next_batch(self, engine: Engine) -> list[_Waiting]:
        queue = self._queues.get(engine)
        batch: list[_Waiting] = []
        size = 0
        now_s = self._clock.monotonic_s()
        while queue:
            waiting = queue[0]
            if waiting.answer.done():  # nobody waits for it any more
                queue.popleft()
            elif waiting.deadline_s is not None and waiting.deadline_s <= now_s:
                queue.popleft().answer.set_exception(_too_late())
            elif batch and (size + waiting.size > self._max_batch or not waiting.fits(batch[0])):
                break
            else:
                batch.append(queue.popleft())
                size += waiting.size
        if not queue:
            self._queues.pop(engine, None)
        return batch

    async def _gather(self, engine: Engine) -> None:
        """Where a run is quick, let others come for as long as they do."""
        queue = self._queues[engine]
        if not queue[0].quick:
            return
        found = quiet_turns = 0
        end_s = queue[0].since_s + _LONGEST_GATHERING_S
        while (
            quiet_turns < _QUIET_TURNS
            and len(queue) < self._max_batch
            and self._clock.monotonic_s() < end_s
        ):
            quiet_turns = quiet_turns + 1 if len(queue) == found else 0
            found = len(queue)
            await asyncio.sleep(0)
        self._habits_of(engine).crowd.observe(len(queue))

    async def _run_alone(self, engine: Engine, waiting: _Waiting) -> Run:
        self._meter.stage("queue", max(0.0, self._clock.monotonic_s() - waiting.since_s))
        return await self._run(engine, waiting.feeds, here=waiting.quick)

    async def _run_together(self, engine: Engine, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        now_s = self._clock.monotonic_s()
        for waiting in batch:
            self._meter.stage("queue", max(0.0, now_s - waiting.since_s))
        # Who would have run here alone holds the loop up for less together with others.
        here = all(waiting.quick for waiting in batch)
        if len(batch) == 1:
            run = await self._run(engine, batch[0].feeds, here=here)
            if not batch[0].answer.done():
                batch[0].answer.set_result(run)
            return
        together = {
            name: np.concatenate([waiting.feeds[name] for waiting in batch])
            for name in batch[0].feeds
        }
        run = await self._run(engine, together, here=here)
        ends = np.cumsum([waiting.size for waiting in batch])
        if any(len(array) != ends[-1] for array in run.outputs.values()):
            raise ValueError("an output has another batch than the inputs")
        for waiting, end in zip(batch, ends.tolist(), strict=True):
            part = {name: a[end - waiting.size : end] for name, a in run.outputs.items()}
            if not waiting.answer.done():
                waiting.answer.set_result(Run(part, run.inference_s))

    async def _run(self, engine: Engine, feeds: Tensors, *, here: bool) -> Run:
        def timed() -> Run:
            started_s = self._clock.monotonic_s()
            outputs = engine.run(feeds)
            return Run(outputs, self._clock.monotonic_s() - started_s)

        run = timed() if here else await self._worker.run(timed, urgent=True)
        batch = _batch_of(feeds)
        self._habits_of(engine).observe(batch, run.inference_s)
        self._meter.ran(batch)
        return run


def _batch_of(feeds: Tensors) -> int:
    return len(next(iter(feeds.values())))


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        "the deadline passed while the request waited for an engine; allow more time, or try again "
        "when there is less to do",
        reason="DEADLINE_EXCEEDED",
    )
