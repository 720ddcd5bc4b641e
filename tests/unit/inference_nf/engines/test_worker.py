"""Tests of the bounded worker."""

import asyncio
import threading

import pytest

from inference_nf.engines.worker import ThreadWorker
from nf_runtime.errors import ResourceExhausted


async def test_work_runs_in_a_named_thread() -> None:
    """Not in the event loop's; its result and its exception come back."""
    worker = ThreadWorker("test-worker", threads=1, max_queued=1)
    name = await worker.run(lambda: threading.current_thread().name)
    assert name.startswith("test-worker")
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    await worker.close()


async def test_the_queue_is_bounded_except_for_what_is_urgent() -> None:
    """One runs, one waits, the third is turned away with a hint; urgent work is taken."""
    worker = ThreadWorker("test-worker", threads=1, max_queued=1)
    release = threading.Event()
    running = [asyncio.create_task(worker.run(release.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted) as caught:
        await worker.run(lambda: None)
    assert float(caught.value.metadata["retry_after_s"]) > 0
    urgent = asyncio.create_task(worker.run(lambda: "done", urgent=True))
    await asyncio.sleep(0)
    release.set()
    assert await urgent == "done"
    await asyncio.gather(*running)
    await worker.run(lambda: None)
    await worker.close()


async def test_a_caller_that_gives_up_frees_its_place_when_the_thread_is_free() -> None:
    """Cancelled work that runs still counts, so that the bound holds."""
    worker = ThreadWorker("test-worker", threads=1, max_queued=0)
    started, release = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait()

    task = asyncio.create_task(worker.run(work))
    await asyncio.to_thread(started.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ResourceExhausted):
        await worker.run(lambda: None)
    release.set()
    await worker.run(lambda: None, urgent=True)
    await worker.run(lambda: None)
    await worker.close()
