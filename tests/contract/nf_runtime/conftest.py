"""A running server with the echo service, and a channel to it."""

from collections.abc import AsyncIterator
from functools import partial

import grpc
import pytest
from support.echo_service import Echo, register

from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings, ServerSettings
from nf_runtime.server import NfServer

MOST_BYTES = 4096


@pytest.fixture
async def echo() -> Echo:
    """The servicer behind `server`."""
    return Echo()


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[NfServer]:
    """A started server on a free port."""
    settings = ServerSettings(drain_s=5.0, max_message_bytes=MOST_BYTES, metrics_port=None)
    server = NfServer("echo", settings, register=partial(register, echo))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def channel(server: NfServer) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to `server`."""
    async with open_channel(server.address, settings=ClientSettings()) as channel:
        yield channel
