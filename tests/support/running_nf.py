"""A network function in this process, behind a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import grpc
from support.waiting import until

from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings, NfSettings

S = TypeVar("S", bound=NfSettings)

StartNf = Callable[[S], AbstractAsyncContextManager[grpc.aio.Channel]]


@asynccontextmanager
async def running(
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], settings: NfSettings
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the function that `serve` runs until the block ends; it needs a ready file."""
    ready_file = settings.server.ready_file
    assert ready_file is not None
    stop = asyncio.Event()
    task = asyncio.create_task(serve(stop))
    try:
        await until(lambda: ready_file.exists() or task.done(), what="the function to serve")
        if task.done():
            await task
        address = json.loads(ready_file.read_text())["address"]
        async with open_channel(address, settings=ClientSettings(attempts=1)) as channel:
            yield channel
            # Stopped while the channel is open, so that calls hear it.
            stop.set()
            await task
    finally:
        stop.set()
        await task
