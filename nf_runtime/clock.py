"""Time: the one module that may ask the machine what time it is.

Domain code takes a `Clock`, so that a scenario can run on simulated time and a test can move it::

    class Monitor:
        def __init__(self, clock: Clock) -> None:
            self._clock = clock

        async def run(self) -> None:
            await self._clock.sleep(1.0)

    clock = ManualClock()                 # in a test
    task = asyncio.create_task(monitor.run())
    await clock.advance(1.0)              # wakes everything that was due
"""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

NANOSECONDS_PER_S = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Wall-clock time, a monotonic time for latencies, and sleep."""

    def now(self) -> datetime:
        """Wall-clock time, aware, in UTC."""
        ...

    def now_ns(self) -> int:
        """Wall-clock time in nanoseconds since the Unix epoch."""
        ...

    def monotonic_s(self) -> float:
        """A time in seconds that never goes back; only differences mean something."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall-clock time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place

    def now_ns(self) -> int:
        """Wall-clock time in nanoseconds since the Unix epoch."""
        return time.time_ns()  # noqa: TID251 - the one place

    def monotonic_s(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.perf_counter()

    async def sleep(self, duration_s: float) -> None:
        """Sleep in the event loop."""
        await asyncio.sleep(duration_s)


class ManualClock:
    """A clock that stands still until it is advanced; for tests and simulated time."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start_ns = (start - _EPOCH) // timedelta(microseconds=1) * 1000
        self._elapsed_ns = 0
        self._sequence = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Start plus everything advanced so far, to the microsecond."""
        return _EPOCH + timedelta(microseconds=self.now_ns() // 1000)

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._start_ns + self._elapsed_ns

    def monotonic_s(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed_ns / NANOSECONDS_PER_S

    @property
    def sleeper_count(self) -> int:
        """How many tasks wait in `sleep`."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, duration_s: float) -> None:
        """Wait until somebody has advanced the clock by `duration_s`."""
        if duration_s <= 0:
            await asyncio.sleep(0)
            return
        due_ns = self._elapsed_ns + round(duration_s * NANOSECONDS_PER_S)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due_ns, next(self._sequence), future))
        await future

    async def advance(self, duration_s: float) -> None:
        """Move time on, waking each sleeper at its own time, in order.

        Between two wake-ups the event loop runs, so a task that sleeps again within the span is
        woken again within the same call.
        """
        end_ns = self._elapsed_ns + round(duration_s * NANOSECONDS_PER_S)
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= end_ns:
            due_ns, _, future = heapq.heappop(self._sleepers)
            self._elapsed_ns = max(self._elapsed_ns, due_ns)
            if not future.done():
                future.set_result(None)
            await _let_others_run()
        self._elapsed_ns = end_ns


async def _let_others_run() -> None:
    # A woken task usually needs a few steps of the loop before it sleeps again.
    for _ in range(10):
        await asyncio.sleep(0)
