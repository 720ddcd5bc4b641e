"""The one server interceptor: identity, errors, log line and metrics of every RPC.

`NfServer` lets servicers register through it. It takes care that

- an `NfError` raised anywhere in a servicer becomes its status with ErrorInfo, any other exception
  INTERNAL with the request id, its traceback in the log only;
- a message that is no protobuf becomes INVALID_ARGUMENT, ``MALFORMED_REQUEST``;
- the request id and trace of the caller are bound to the task (`nf_runtime.tracing`);
- each RPC leaves one log line and one observation;
- at shutdown open response streams end with UNAVAILABLE, ``DRAINING``, so that clients reconnect.

Servicers are coroutine functions or async generators, and read request streams by ``async for``.

Not one of gRPC's own interceptors, which `grpc.aio` asks for a handler in every call: here handlers
are wrapped once, when they are registered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NoReturn, cast

import grpc
import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import (
    DeadlineExceeded,
    Internal,
    NfError,
    Unavailable,
    status_of,
)
from nf_runtime.handlers import BuildingContext, WrappingRegistry, builder, parsed, parser
from nf_runtime.metrics import RpcMetrics
from nf_runtime.tracing import REQUEST_ID_KEY, TRACEPARENT_KEY, Span, bind, new_request_id

_MAX_REQUEST_ID_CHARACTERS = 128
# Probes come every few seconds and say nothing when all is well.
_QUIET_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _OpenStream:
    task: "asyncio.Task[Any] | None"
    drained: bool = False


@dataclass
class _Method:
    name: str
    log_level: int
    in_flight: int = 0  # the gauge reads it when it is asked; a call only counts


@dataclass(slots=True)
class _Call:
    """An RPC that is being served."""

    method: _Method
    context: Any
    span: Span
    started_s: float


class RpcInterceptor:
    """See the module's description.

    Args:
        nf_name: Becomes the error domain, ``<nf_name>.aimlnf``.
        clock: For the duration.
        metrics: Where the observations go.
    """

    def __init__(self, nf_name: str, *, clock: Clock, metrics: RpcMetrics) -> None:
        self._domain = f"{nf_name}.aimlnf"
        self._clock = clock
        self._in_flight = metrics.in_flight
        # Looked up once for each method and code, not for each call.
        self._duration_seconds = cache(metrics.duration_seconds.labels)
        self._log = log.bind()
        self._draining = False
        self._open_streams: set[_OpenStream] = set()

    def around(self, server: grpc.aio.Server) -> grpc.aio.Server:
        """What servicers are to register with instead of `server`."""
        return cast("grpc.aio.Server", WrappingRegistry(server, self._wrap))

    def drain(self) -> None:
        """End open response streams, and those that still arrive, with ``DRAINING``."""
        self._draining = True
        for stream in self._open_streams:
            if stream.task is not None:
                stream.drained = True
                stream.task.cancel()

    def _wrap(
        self, method: str, handler: "grpc.RpcMethodHandler[Any, Any]"
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        # Bytes in, bytes out: (de)serialising here keeps grpc's own wording off the wire.
        parse, build = parser(handler.request_deserializer), builder(handler.response_serializer)
        behaviour: Any = (  # the one that is set
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        given = partial(parsed, parse=parse) if handler.request_streaming else parse

        quiet = method.startswith(_QUIET_SERVICES)
        counted = _Method(method, logging.DEBUG if quiet else logging.INFO)
        self._in_flight.labels(method).set_function(lambda: counted.in_flight)

        async def unary(request: Any, context: Any) -> bytes:
            call = self._begin(counted, context)
            try:
                response = build(await behaviour(given(request), context))
            except BaseException as error:  # noqa: BLE001 - it is raised again, or what it becomes
                await self._fail(call, error)
            self._end(call)
            return response

        async def streaming(request: Any, context: Any) -> None:
            call = self._begin(counted, context)
            stream = _OpenStream(asyncio.current_task())
            try:
                with self._opened(stream):
                    responses = behaviour(given(request), BuildingContext(context, build))
                    if isinstance(responses, Awaitable):  # it writes to the context itself
                        await responses
                    else:
                        async for response in responses:
                            await context.write(build(response))
            except BaseException as error:  # noqa: BLE001 - likewise
                await self._fail(call, error, stream)
            self._end(call)

        if handler.response_streaming:
            if handler.request_streaming:
                return grpc.stream_stream_rpc_method_handler(streaming)
            return grpc.unary_stream_rpc_method_handler(streaming)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(unary)
        return grpc.unary_unary_rpc_method_handler(unary)

    @contextmanager
    def _opened(self, stream: _OpenStream) -> Iterator[None]:
        """Within it the stream is one that `drain` ends; none is opened after that."""
        if self._draining:
            raise _draining()
        self._open_streams.add(stream)
        try:
            yield
        finally:
            self._open_streams.discard(stream)

    def _begin(self, method: _Method, context: Any) -> _Call:
        metadata = dict(context.invocation_metadata() or ())
        span = Span(metadata.get(TRACEPARENT_KEY), _request_id(metadata.get(REQUEST_ID_KEY)))
        bind(span)  # gRPC serves each RPC in a task of its own
        method.in_flight += 1
        return _Call(method, context, span, self._clock.monotonic_s())

    def _end(
        self, call: _Call, code: str = grpc.StatusCode.OK.name, failure: Exception | None = None
    ) -> None:
        duration_s = self._clock.monotonic_s() - call.started_s
        call.method.in_flight -= 1
        self._duration_seconds(call.method.name, code).observe(duration_s)
        unexpected = failure is not None and not isinstance(failure, NfError)
        if not (unexpected or self._log.is_enabled_for(call.method.log_level)):
            return
        fields = {
            "method": call.method.name,
            "code": code,
            "duration_s": round(duration_s, 6),
            "peer": call.context.peer(),
        }
        if isinstance(failure, NfError):
            fields |= {"reason": failure.reason, "error": failure.message}
        if unexpected:
            self._log.error("rpc", **fields, exc_info=failure)
        else:
            self._log.log(call.method.log_level, "rpc", **fields)

    async def _fail(
        self, call: _Call, error: BaseException, stream: _OpenStream | None = None
    ) -> NoReturn:
        """Account for the call and end it with what the peer is to hear."""
        request_id = call.span.request_id or ""
        if isinstance(error, asyncio.CancelledError) and stream is not None and stream.drained:
            # We cancelled it ourselves: the peer hears why, and the task goes on to say so.
            if stream.task is not None:
                stream.task.uncancel()
            error = _draining()
        if isinstance(error, grpc.aio.AbortError):
            self._end(call, _code_name(call.context))
            raise error
        if not isinstance(error, Exception):
            self._end(call, _cancellation(call.context))
            raise error
        told = error if isinstance(error, NfError) else _internal(request_id)
        self._end(call, told.status.name, error)
        await call.context.abort_with_status(
            status_of(told, domain=self._domain, request_id=request_id)
        )
        raise error  # not reached: the line before has raised


def _request_id(value: Any) -> str | Callable[[], str]:
    usable = isinstance(value, str) and value.isprintable() and value
    return value[:_MAX_REQUEST_ID_CHARACTERS] if usable else new_request_id


def _internal(request_id: str) -> Internal:
    return Internal(
        f"internal error; the log has it under request id {request_id}",
        reason="INTERNAL",
        request_id=request_id,
    )


def _draining() -> Unavailable:
    return Unavailable(
        "the server is shutting down; connect again and go on from where you were",
        reason="DRAINING",
    )


def _cancellation(context: Any) -> str:
    remaining_s = context.time_remaining()
    if remaining_s is not None and remaining_s <= 0:
        return DeadlineExceeded.status.name
    return grpc.StatusCode.CANCELLED.name


def _code_name(context: Any) -> str:
    code = context.code()
    if isinstance(code, grpc.StatusCode):
        return code.name
    by_number = {status.value[0]: status.name for status in grpc.StatusCode}
    return by_number.get(code, grpc.StatusCode.UNKNOWN.name)
