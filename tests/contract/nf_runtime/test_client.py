"""What callers get from a channel, over a real socket."""

import asyncio
from functools import partial
from typing import Any

import grpc
import pytest
from support.echo_service import KINDS, Echo, EchoStub, Request, call, register
from support.kafka_node import free_port
from support.waiting import until

from nf_runtime.client import open_channel, open_sync_channel
from nf_runtime.config import ClientSettings, ServerSettings
from nf_runtime.errors import DeadlineExceeded, Internal, InvalidArgument, NotFound, Unavailable
from nf_runtime.server import NfServer
from nf_runtime.tracing import continued

ONCE = ClientSettings(attempts=1)


async def blocking_call(address: str, kind: str, order: str, **options: Any) -> int:
    """The number of responses to a call through the blocking channel."""

    def work() -> int:
        with open_sync_channel(address, settings=ONCE) as channel:
            request = Request(service=order)
            argument = iter([request]) if kind.startswith("stream") else request
            answer = getattr(EchoStub(channel), kind)(argument, **options)
            return 1 if kind.endswith("unary") else len(list(answer))

    return await asyncio.to_thread(work)


@pytest.mark.parametrize("kind", KINDS)
async def test_missing_peer_is_named(kind: str) -> None:
    """Nobody at the address: Unavailable, with the address in sentence and metadata."""
    address = f"127.0.0.1:{free_port()}"
    async with open_channel(address, settings=ONCE) as channel:
        with pytest.raises(Unavailable, match=address) as caught:
            await call(channel, kind)
    assert caught.value.reason == "PEER_UNAVAILABLE"
    assert caught.value.metadata == {"peer": address}


@pytest.mark.parametrize("kind", KINDS)
class TestBlockingChannel:
    """The channel of the command line behaves as the other one."""

    async def test_answers(self, server: NfServer, kind: str) -> None:
        """A good request is answered."""
        assert await blocking_call(server.address, kind, "") >= 1

    async def test_raises_the_error_tree(self, server: NfServer, kind: str) -> None:
        """Errors are those of the tree, with reason and metadata."""
        with pytest.raises(NotFound) as caught:
            await blocking_call(server.address, kind, "fail")
        assert caught.value.metadata == {"resource": "thing"}
        with pytest.raises(Internal):
            await blocking_call(server.address, kind, "crash")

    async def test_missing_peer_is_named(self, kind: str) -> None:
        """Nobody at the address: Unavailable, with the address."""
        address = f"127.0.0.1:{free_port()}"
        with pytest.raises(Unavailable, match=address):
            await blocking_call(address, kind, "")

    async def test_deadline(self, server: NfServer, kind: str) -> None:
        """A deadline given by the caller holds."""
        with pytest.raises(DeadlineExceeded):
            await blocking_call(server.address, kind, "wait", timeout=0.1)


async def test_unary_calls_have_a_deadline_by_default(server: NfServer) -> None:
    """A call without timeout ends after the settings' deadline."""
    settings = ClientSettings(deadline_s=0.1)
    async with open_channel(server.address, settings=settings) as channel:
        for kind in ("unary_unary", "stream_unary"):
            with pytest.raises(DeadlineExceeded):
                await call(channel, kind, "wait")


async def test_streams_have_no_deadline_by_default(server: NfServer, echo: Echo) -> None:
    """A stream outlives the deadline of unary calls."""
    settings = ClientSettings(deadline_s=0.1)
    async with open_channel(server.address, settings=settings) as channel:
        streaming = asyncio.create_task(call(channel, "unary_stream", "wait"))
        with pytest.raises(DeadlineExceeded):
            await call(channel, "unary_unary", "wait")
        assert not streaming.done()
        echo.release.set()
        assert len(await streaming) == 2


async def test_peer_that_appears_within_the_deadline_is_reached(echo: Echo) -> None:
    """UNAVAILABLE is retried, so a call made a moment too early still succeeds."""
    port = free_port()
    settings = ServerSettings(port=port, metrics_port=None)
    server = NfServer("echo", settings, register=partial(register, echo))
    client = ClientSettings(attempts=5, deadline_s=10)
    async with open_channel(f"127.0.0.1:{port}", settings=client) as channel:
        calling = asyncio.create_task(call(channel, "unary_unary"))
        await until(
            lambda: channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE,
            what="the first attempt to fail",
        )
        await server.start()
        assert await calling
    await server.stop()


async def test_other_errors_are_not_retried(channel: grpc.aio.Channel, echo: Echo) -> None:
    """What the peer refuses is asked once."""
    with pytest.raises(NotFound):
        await call(channel, "unary_unary", "fail")
    assert len(echo.seen) == 1


async def test_own_metadata_wins(channel: grpc.aio.Channel, echo: Echo) -> None:
    """A request id given for a call replaces the one bound to the task."""
    with continued(None, request_id="of the task"):
        await call(channel, "unary_unary")
        await call(channel, "unary_unary", metadata=(("x-request-id", "of the call"),))
    assert [request_id for request_id, _ in echo.seen] == ["of the task", "of the call"]


async def test_leaving_a_stream_early_ends_the_call(channel: grpc.aio.Channel, echo: Echo) -> None:
    """A consumer that closes the iteration cancels the call at the server."""
    responses = aiter(EchoStub(channel).unary_stream(Request(service="wait")))
    await anext(responses)
    await echo.entered.wait()
    await responses.aclose()
    await asyncio.wait_for(echo.cleaned_up.wait(), timeout=10)


async def test_read_and_write_by_hand(channel: grpc.aio.Channel) -> None:
    """The call object's own read, write and done_writing work and raise the error tree."""
    stream = EchoStub(channel).stream_stream()
    await stream.write(Request())
    assert (await stream.read()).status
    await stream.write(Request(service="abort"))
    with pytest.raises(InvalidArgument):
        await stream.read()
