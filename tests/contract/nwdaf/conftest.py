"""The network data analytics function behind a real socket, with a broker in memory."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from support.running_nf import StartNf, running

from nf_runtime.config import DatabaseSettings, ServerSettings
from nwdaf.anlf.app import serve as serve_anlf
from nwdaf.anlf.config import AnlfSettings


@pytest.fixture
def memory_broker() -> MemoryBroker:
    """A broker that only this test uses."""
    return MemoryBroker()


@pytest.fixture
def anlf_settings(tmp_path: Path) -> AnlfSettings:
    """Free ports and a database of the test's own."""
    return AnlfSettings(
        server=ServerSettings(metrics_port=None, drain_s=1.0, ready_file=tmp_path / "anlf.json"),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'anlf.db'}"),
    )


@pytest.fixture
def start_anlf(memory_broker: MemoryBroker) -> StartNf[AnlfSettings]:
    """Runs an AnLF with the given settings as long as a block lasts; yields a channel to it."""

    def start(settings: AnlfSettings) -> AbstractAsyncContextManager[grpc.aio.Channel]:
        return running(lambda stop: serve_anlf(settings, stop, broker=memory_broker), settings)

    return start


@pytest.fixture
async def anlf(
    anlf_settings: AnlfSettings, start_anlf: StartNf[AnlfSettings]
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a running AnLF."""
    async with start_anlf(anlf_settings) as channel:
        yield channel
