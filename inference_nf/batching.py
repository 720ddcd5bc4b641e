"""Runs of engines: several callers' contexts in one run, a bounded queue, a deadline for each.

Nothing waits for a batch to fill: while an engine is at work the next callers gather, and the next
run takes all of them, up to a bound. What belongs to a trigger runs alone: a product of matrices
may round otherwise in a larger batch, and the same trigger must get the same decision bit for bit.

A graph that is quicker than handing it to a thread and back runs where it is asked for: on a busy
host the two changes of thread cost several times what such a run does.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from inference_nf.pacing import Pace
from inference_nf.ports import Engine, Meter, Worker
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, ResourceExhausted

Tensors = Mapping[str, npt.NDArray[Any]]
_LEAST_RETRY_S = 0.001


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
        self._paces: WeakKeyDictionary[Engine, Pace] = WeakKeyDictionary()

    def expected_s(self, engine: Engine) -> float:
        """How long a caller that comes now will probably wait for its answer; 0 if unknown."""
        pace = self._paces.get(engine)
        if pace is None:
            return 0.0
        ahead = len(self._queues.get(engine, ())) // self._max_batch
        at_work = self._at_work[engine] >= self._at_a_time
        return pace.expected_s * (1 + ahead + at_work)

    def passed_over(self, engine: Engine) -> None:
        """Somebody did not wait for the engine, since it would take too long."""
        if engine in self._paces:
            self._paces[engine].ease()

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
        if alone or engine not in self._queues:
            quick = self._is_quick(engine, feeds)
            if quick or alone:
                self._meter.stage("queue", 0.0)
                return self._run_here(engine, feeds) if quick else await self._hand(engine, feeds)
        if sum(map(len, self._queues.values())) >= self._max_queued:
            self._meter.shed()
            retry_s = max(self.expected_s(engine), _LEAST_RETRY_S)
            raise ResourceExhausted(
                f"{self._max_queued} requests are waiting for an engine; try again in "
                f"{retry_s:.3f} s",
                reason="QUOTA_EXCEEDED",
                retry_after_s=f"{retry_s:.3f}",
            )
        waiting = _Waiting(feeds, self._clock.monotonic_s(), deadline_s)
        self._queues.setdefault(engine, deque()).append(waiting)
        if self._at_work[engine] < self._at_a_time:
            self._at_work[engine] += 1
            task = asyncio.create_task(self._serve(engine))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answer

    def _is_quick(self, engine: Engine, feeds: Tensors) -> bool:
        # A batch takes at most as long as its contexts one by one.
        pace = self._paces.get(engine)
        return pace is not None and pace.least_s * _batch_of(feeds) < self._quick_s

    async def close(self) -> None:
        """Answer who still waits."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, engine: Engine) -> None:
        try:
            while batch := self._next_batch(engine):
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

    async def _run_alone(self, engine: Engine, waiting: _Waiting) -> Run:
        self._meter.stage("queue", max(0.0, self._clock.monotonic_s() - waiting.since_s))
        return await self._run(engine, waiting.feeds)

    async def _run_together(self, engine: Engine, batch: Sequence[_Waiting]) -> None:
        now_s = self._clock.monotonic_s()
        for waiting in batch:
            self._meter.stage("queue", max(0.0, now_s - waiting.since_s))
        if len(batch) == 1:
            run = await self._run(engine, batch[0].feeds)
            if not batch[0].answer.done():
                batch[0].answer.set_result(run)
            return
        together = {
            name: np.concatenate([waiting.feeds[name] for waiting in batch])
            for name in batch[0].feeds
        }
        run = await self._run(engine, together)
        ends = np.cumsum([waiting.size for waiting in batch])
        if any(len(array) != ends[-1] for array in run.outputs.values()):
            raise ValueError("an output has another batch than the inputs")
        for waiting, end in zip(batch, ends.tolist(), strict=True):
            part = {name: a[end - waiting.size : end] for name, a in run.outputs.items()}
            if not waiting.answer.done():
                waiting.answer.set_result(Run(part, run.inference_s))

    async def _run(self, engine: Engine, feeds: Tensors) -> Run:
        if self._is_quick(engine, feeds):
            return self._run_here(engine, feeds)
        return await self._hand(engine, feeds)

    def _run_here(self, engine: Engine, feeds: Tensors) -> Run:
        run = self._timed(engine, feeds)
        self._learn(engine, feeds, run)
        return run

    async def _hand(self, engine: Engine, feeds: Tensors) -> Run:
        run = await self._worker.run(partial(self._timed, engine, feeds), urgent=True)
        self._learn(engine, feeds, run)
        return run

    def _timed(self, engine: Engine, feeds: Tensors) -> Run:
        started_s = self._clock.monotonic_s()
        outputs = engine.run(feeds)
        return Run(outputs, self._clock.monotonic_s() - started_s)

    def _learn(self, engine: Engine, feeds: Tensors, run: Run) -> None:
        pace = self._paces.get(engine)
        if pace is None:
            pace = self._paces[engine] = Pace(run.inference_s)
        pace.observe(run.inference_s)
        self._meter.ran(_batch_of(feeds))


def _batch_of(feeds: Tensors) -> int:
    return len(next(iter(feeds.values())))


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        "the deadline passed while the request waited for an engine; allow more time, or try again "
        "when there is less to do",
        reason="DEADLINE_EXCEEDED",
    )
