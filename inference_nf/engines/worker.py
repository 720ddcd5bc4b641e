"""A bounded number of named threads with a bounded queue, for work that blocks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from nf_runtime.errors import ResourceExhausted

T = TypeVar("T")


class ThreadWorker:
    """Threads for one kind of work.

    Args:
        name: Of the threads.
        threads: How many run at a time.
        max_queued: How many callers may wait; urgent ones are not turned away.
    """

    def __init__(self, name: str, *, threads: int, max_queued: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._most = threads + max_queued
        self._taken = 0

    async def run(self, work: Callable[[], T], *, urgent: bool = False) -> T:
        """What `work` returns, run in one of the threads.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED when the queue is full.
        """
        if self._taken >= self._most and not urgent:
            raise ResourceExhausted(
                "too many requests are waiting for an engine; try again",
                reason="QUOTA_EXCEEDED",
                retry_after_s="0.1",
            )
        self._taken += 1
        future = self._executor.submit(work)
        loop = asyncio.get_running_loop()
        # Freed when the thread is free, which is later than a caller that gives up.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Finish what runs; what still waits is not begun."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _release(self) -> None:
        self._taken -= 1
