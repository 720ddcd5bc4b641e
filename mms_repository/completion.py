"""Work that is not left half-way when its caller goes away."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns.

    When the caller is cancelled, `work` goes on to its end and only then the cancellation is
    raised: a client that hangs up never leaves something stored that nobody is told about.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain that nobody did
        raise
