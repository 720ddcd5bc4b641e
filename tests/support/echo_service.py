"""A service with all four kinds of RPC that does what the request's text says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest as Request
from grpc_health.v1.health_pb2 import HealthCheckResponse as Response

from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings
from nf_runtime.errors import NotFound
from nf_runtime.tracing import current_request_id, current_traceparent

SERVICE = "test.Echo"
SECRET = "swordfish"  # noqa: S105 - of nobody


class Echo:
    """The servicer. `seen` has request id and traceparent of each call."""

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, str | None]] = []
        self.waiting = False
        self.cleaned_up = asyncio.Event()
        self.entered = asyncio.Event()
        self.release = asyncio.Event()

    async def unary_unary(self, request: Request, context: Any) -> Response:
        """One in, one out."""
        await self._obey(request.service, context)
        return Response(status=Response.SERVING)

    async def unary_stream(self, request: Request, context: Any) -> AsyncIterator[Response]:
        """One in, two out."""
        yield Response(status=Response.SERVING)
        await self._obey(request.service, context)
        yield Response(status=Response.SERVING)

    async def stream_unary(self, requests: AsyncIterator[Request], context: Any) -> Response:
        """Many in, one out."""
        async for request in requests:
            await self._obey(request.service, context)
        return Response(status=Response.SERVING)

    async def stream_stream(
        self, requests: AsyncIterator[Request], context: Any
    ) -> AsyncIterator[Response]:
        """As many out as in."""
        async for request in requests:
            await self._obey(request.service, context)
            yield Response(status=Response.SERVING)

    async def _obey(self, order: str, context: Any) -> None:
        self.seen.append((current_request_id(), current_traceparent()))
        self.entered.set()
        verb, _, rest = order.partition(" ")
        if verb == "fail":
            raise NotFound(
                "no such thing; list the things first",
                reason="RESOURCE_NOT_FOUND",
                resource="thing",
            )
        if verb == "crash":
            raise KeyError(SECRET)
        if verb == "abort":
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, "as gRPC does it")
        if verb == "wait":
            self.waiting = True
            try:
                await self.release.wait()
            finally:
                self.cleaned_up.set()
        if verb == "call":
            async with open_channel(rest, settings=ClientSettings()) as channel:
                await EchoStub(channel).unary_unary(Request())


class EchoStub:
    """The client, on any channel."""

    def __init__(self, channel: Any) -> None:
        codecs = (Request.SerializeToString, Response.FromString)
        self.unary_unary = channel.unary_unary(f"/{SERVICE}/unary_unary", *codecs)
        self.unary_stream = channel.unary_stream(f"/{SERVICE}/unary_stream", *codecs)
        self.stream_unary = channel.stream_unary(f"/{SERVICE}/stream_unary", *codecs)
        self.stream_stream = channel.stream_stream(f"/{SERVICE}/stream_stream", *codecs)


KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


async def call(channel: Any, kind: str, order: str = "", **options: Any) -> list[Response]:
    """Call one kind of RPC and collect its responses."""
    request = Request(service=order)
    method = getattr(EchoStub(channel), kind)
    argument = iter([request]) if kind.startswith("stream") else request
    started = method(argument, **options)
    if kind.endswith("unary"):
        return [await started]
    return [response async for response in started]


def register(echo: Echo, server: grpc.aio.Server) -> Sequence[str]:
    """Add the service to a server."""
    codecs = (Request.FromString, Response.SerializeToString)
    handlers = {
        kind: getattr(grpc, f"{kind}_rpc_method_handler")(getattr(echo, kind), *codecs)
        for kind in KINDS
    }
    server.add_registered_method_handlers(SERVICE, handlers)
    return [SERVICE]
