"""A simulator behind a real socket, with a database of its own and a broker in memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from support.waiting import until

from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings, DatabaseSettings, ServerSettings
from ran_sim.app import serve
from ran_sim.config import RanSimSettings


@pytest.fixture
def broker() -> MemoryBroker:
    """Where events go."""
    return MemoryBroker()


@pytest.fixture
async def channel(tmp_path: Path, broker: MemoryBroker) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a running simulator."""
    ready = tmp_path / "ready.json"
    settings = RanSimSettings(
        server=ServerSettings(metrics_port=None, ready_file=ready, drain_s=1.0),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'ran_sim.db'}"),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(serve(settings, stop, broker=broker))
    await until(lambda: ready.exists() or task.done(), what="the simulator")
    if task.done():
        await task
    address = json.loads(ready.read_text())["address"]
    async with open_channel(address, settings=ClientSettings()) as channel:
        yield channel
    stop.set()
    await task


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> RadioServiceStub:
    """The service."""
    return RadioServiceStub(channel)
