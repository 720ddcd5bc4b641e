"""What a client and the log see of a server, over a real socket."""

import asyncio
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.echo_service import KINDS, SECRET, SERVICE, Echo, EchoStub, Request, call, register
from support.waiting import until

from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings, ConfigurationError, ServerSettings
from nf_runtime.errors import (
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
)
from nf_runtime.server import NfServer


def rpc_lines(logs: list[Any]) -> list[Any]:
    """The canonical lines among the log entries."""
    return [line for line in logs if line["event"] == "rpc"]


async def call_for_ever(channel: grpc.aio.Channel) -> None:
    """Call until a call fails."""
    while True:
        await call(channel, "unary_unary")


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    """All four kinds of RPC behave alike."""

    async def test_answers(self, channel: grpc.aio.Channel, kind: str) -> None:
        """A good request is answered and leaves one line with code OK."""
        with structlog.testing.capture_logs() as logs:
            assert await call(channel, kind)
            await until(lambda: bool(rpc_lines(logs)))
        (line,) = rpc_lines(logs)
        assert line["code"] == "OK"
        assert line["method"] == f"/{SERVICE}/{kind}"

    async def test_error_of_the_tree_arrives_as_itself(
        self, channel: grpc.aio.Channel, kind: str
    ) -> None:
        """An NfError is raised again at the client, with reason and metadata."""
        with pytest.raises(NotFound) as caught:
            await call(channel, kind, "fail")
        assert caught.value.reason == "RESOURCE_NOT_FOUND"
        assert caught.value.metadata == {"resource": "thing"}
        assert caught.value.message == "no such thing; list the things first"

    async def test_unknown_exception_is_internal(
        self, channel: grpc.aio.Channel, kind: str
    ) -> None:
        """A mistake becomes INTERNAL with the request id; only the log has the rest."""
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(Internal) as caught:
                await call(channel, kind, "crash", metadata=(("x-request-id", "abc"),))
            await until(lambda: bool(rpc_lines(logs)))
        assert caught.value.reason == "INTERNAL"
        assert caught.value.metadata == {"request_id": "abc"}
        assert SECRET not in str(caught.value)
        assert "Traceback" not in str(caught.value)
        (line,) = rpc_lines(logs)
        assert line["log_level"] == "error"
        assert SECRET in str(line["exc_info"])

    async def test_abort_of_grpc_itself_passes(self, channel: grpc.aio.Channel, kind: str) -> None:
        """What a foreign servicer aborts with keeps its status."""
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(InvalidArgument):
                await call(channel, kind, "abort")
            await until(lambda: bool(rpc_lines(logs)))
        assert rpc_lines(logs)[0]["code"] == "OUT_OF_RANGE"

    async def test_malformed_message_is_refused(self, server: NfServer, kind: str) -> None:
        """Bytes that are no protobuf are INVALID_ARGUMENT, without the servicer being called."""
        rubbish = b"\xff\xff\xff\xff"
        async with open_channel(server.address, settings=ClientSettings()) as channel:
            method = getattr(channel, kind)(f"/{SERVICE}/{kind}")
            started = method(iter([rubbish]) if kind.startswith("stream") else rubbish)
            with pytest.raises(InvalidArgument) as caught:
                await (started if kind.endswith("unary") else anext(aiter(started)))
        assert caught.value.reason == "MALFORMED_REQUEST"
        assert "Traceback" not in str(caught.value)

    async def test_cancelled_call_is_no_error(
        self, channel: grpc.aio.Channel, echo: Echo, kind: str
    ) -> None:
        """A call that the client gives up is logged as CANCELLED, and the servicer cleans up."""
        with structlog.testing.capture_logs() as logs:
            calling = asyncio.create_task(call(channel, kind, "wait"))
            await echo.entered.wait()
            calling.cancel()
            await asyncio.wait({calling})
            await until(lambda: bool(rpc_lines(logs)))
        (line,) = rpc_lines(logs)
        assert line["code"] == "CANCELLED"
        assert line["log_level"] == "info"
        assert echo.cleaned_up.is_set()

    async def test_deadline_is_told_from_cancellation(
        self, channel: grpc.aio.Channel, kind: str
    ) -> None:
        """A call past its deadline raises DeadlineExceeded and is logged as that."""
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(DeadlineExceeded):
                await call(channel, kind, "wait", timeout=0.2)
            await until(lambda: bool(rpc_lines(logs)))
        assert rpc_lines(logs)[0]["code"] == "DEADLINE_EXCEEDED"


async def test_message_over_the_bound_is_refused(channel: grpc.aio.Channel) -> None:
    """A request larger than max_message_bytes is RESOURCE_EXHAUSTED."""
    with pytest.raises(ResourceExhausted):
        await call(channel, "unary_unary", "x" * 5000)


async def test_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    """A method that does not exist is UNIMPLEMENTED."""
    with pytest.raises(Unimplemented):
        await channel.unary_unary(f"/{SERVICE}/Nothing")(b"")


async def test_request_id_and_trace_go_along(
    server: NfServer, channel: grpc.aio.Channel, echo: Echo
) -> None:
    """A servicer's own calls carry the request id and the trace of the call it serves."""
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    traceparent = f"00-{trace_id}-00f067aa0ba902b7-01"
    metadata = (("x-request-id", "abc"), ("traceparent", traceparent))
    await call(channel, "unary_unary", f"call {server.address}", metadata=metadata)
    assert [request_id for request_id, _ in echo.seen] == ["abc", "abc"]
    parents = [str(parent) for _, parent in echo.seen]
    assert [parent.split("-")[1] for parent in parents] == [trace_id, trace_id]
    assert len({traceparent, *parents}) == 3  # each hop is a span of its own


@pytest.mark.parametrize("value", ["", "x" * 1000])
async def test_unusable_request_id_is_replaced_or_cut(
    channel: grpc.aio.Channel, echo: Echo, value: str
) -> None:
    """The log never gets an empty or an endless request id from a client."""
    await call(channel, "unary_unary", metadata=(("x-request-id", value),))
    ((request_id, _),) = echo.seen
    assert request_id is not None
    assert 0 < len(request_id) <= 128


async def test_health_and_reflection_answer(server: NfServer) -> None:
    """Health is SERVING for the server and each service, and reflection lists them."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE, "grpc.health.v1.Health"):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
        names = {service.name for service in answers[0].list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_health_watch_sees_the_drain(server: NfServer) -> None:
    """A health watcher is told NOT_SERVING when the server stops."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.create_task(server.stop())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        await stopping


@pytest.mark.parametrize("kind", ["unary_stream", "stream_stream"])
async def test_drain_ends_open_streams_with_a_reason(
    server: NfServer, channel: grpc.aio.Channel, echo: Echo, kind: str
) -> None:
    """An open response stream ends with UNAVAILABLE, DRAINING, and its servicer cleans up."""
    stub, orders = EchoStub(channel), [Request(), Request(service="wait")]
    stream = (
        stub.unary_stream(orders[1]) if kind == "unary_stream" else stub.stream_stream(iter(orders))
    )
    responses = aiter(stream)
    await anext(responses)  # before the first response gRPC would try again elsewhere
    reading = asyncio.ensure_future(anext(responses))
    await until(lambda: echo.waiting, what="the servicer to wait")
    await server.stop()
    with pytest.raises(Unavailable) as caught:
        await reading
    assert caught.value.reason == "DRAINING"
    assert echo.cleaned_up.is_set()


@pytest.mark.parametrize("kind", ["unary_unary", "stream_unary"])
async def test_drain_lets_running_calls_finish(
    server: NfServer, channel: grpc.aio.Channel, echo: Echo, kind: str
) -> None:
    """A call with a single answer is answered during the drain; a new call is refused."""
    calling = asyncio.create_task(call(channel, kind, "wait"))
    await echo.entered.wait()
    stopping = asyncio.create_task(server.stop())
    with pytest.raises(Unavailable):
        await call_for_ever(channel)
    echo.release.set()
    assert await calling
    await stopping


async def test_drain_has_a_deadline(echo: Echo) -> None:
    """A call that never ends is cut off after drain_s."""
    settings = ServerSettings(drain_s=0.1, metrics_port=None)
    server = NfServer("echo", settings, register=partial(register, echo))
    address = await server.start()
    async with open_channel(address, settings=ClientSettings()) as channel:
        calling = asyncio.create_task(call(channel, "unary_unary", "wait"))
        await echo.entered.wait()
        async with asyncio.timeout(10):
            await server.stop()
        with pytest.raises(Unavailable):
            await calling


async def test_metrics_endpoint_counts_calls(echo: Echo) -> None:
    """Prometheus finds the histogram of each method and code."""
    server = NfServer("echo", ServerSettings(), register=partial(register, echo))
    async with open_channel(await server.start(), settings=ClientSettings()) as channel:
        with pytest.raises(NotFound):
            await call(channel, "unary_unary", "fail")

    def scrape() -> str:
        with urllib.request.urlopen(f"http://{server.metrics_address}/metrics") as answer:
            return str(answer.read().decode())

    text = await asyncio.to_thread(scrape)
    await server.stop()
    labels = f'{{code="NOT_FOUND",method="/{SERVICE}/unary_unary"}}'
    assert f"aimlnf_rpc_duration_seconds_count{labels} 1.0" in text
    assert f'aimlnf_rpcs_in_flight{{method="/{SERVICE}/unary_unary"}} 0.0' in text


async def test_ready_file_lives_while_the_server_serves(echo: Echo, tmp_path: Path) -> None:
    """The ready file names process and addresses, and is gone after the stop."""
    path = tmp_path / "ready.json"
    settings = ServerSettings(ready_file=path)
    server = NfServer("echo", settings, register=partial(register, echo))
    await server.start()
    content = path.read_text()
    assert f'"address": "{server.address}"' in content
    assert f'"metrics": "{server.metrics_address}"' in content
    await server.stop()
    assert not path.exists()
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240 - a local folder


@pytest.mark.parametrize("field", ["port", "metrics_port"])
async def test_taken_port_is_a_configuration_error(
    server: NfServer, echo: Echo, field: str
) -> None:
    """A port in use is named in one sentence, and nothing is left open."""
    settings = ServerSettings(**{field: int(server.address.rpartition(":")[2])})
    other = NfServer("other", settings, register=partial(register, echo))
    with pytest.raises(ConfigurationError, match=rf"server\.{field}"):
        await other.start()
