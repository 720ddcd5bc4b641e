"""The one server interceptor: identity, errors, log line and metrics of every RPC.

`NfServer` installs it. It takes care that

- an `NfError` raised anywhere in a servicer becomes its status with ErrorInfo, any other exception
  INTERNAL with the request id, its traceback in the log only;
- a message that is no protobuf becomes INVALID_ARGUMENT, ``MALFORMED_REQUEST``;
- the request id and trace of the caller are bound to the task (`nf_runtime.tracing`);
- each RPC leaves one log line and one observation;
- at shutdown open response streams end with UNAVAILABLE, ``DRAINING``, so that clients reconnect.

Servicers are coroutine functions or async generators, and read request streams by ``async for``.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc
import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import (
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NfError,
    Unavailable,
    status_of,
)
from nf_runtime.metrics import RpcMetrics
from nf_runtime.tracing import REQUEST_ID_KEY, TRACEPARENT_KEY, continued, new_request_id

_MAX_REQUEST_ID_CHARACTERS = 128
# Probes come every few seconds and say nothing when all is well.
_QUIET_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _OpenStream:
    task: "asyncio.Task[Any] | None"
    drained: bool = False


@dataclass
class _Outcome:
    code: str = grpc.StatusCode.OK.name
    response: bytes | None = None
    failure: NfError | None = None
    exception: Exception | None = None

    def fail(self, error: NfError) -> None:
        self.code = error.status.name
        self.failure = error


class RpcInterceptor(grpc.aio.ServerInterceptor):
    """See the module's description.

    Args:
        nf_name: Becomes the error domain, ``<nf_name>.aimlnf``.
        clock: For the duration.
        metrics: Where the observations go.
    """

    def __init__(self, nf_name: str, *, clock: Clock, metrics: RpcMetrics) -> None:
        self._domain = f"{nf_name}.aimlnf"
        self._clock = clock
        # Looked up once for each method and code, not for each call.
        self._in_flight = cache(metrics.in_flight.labels)
        self._duration_seconds = cache(metrics.duration_seconds.labels)
        self._log = log.bind()
        self._draining = False
        self._open_streams: set[_OpenStream] = set()
        # Methods are few and known, so wrapping each once is safe and spares the hot path.
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], "Awaitable[grpc.RpcMethodHandler[Any, Any] | None]"
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """The handler of this method, wrapped; None (UNIMPLEMENTED) where there is none."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return handler
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

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
        parse, build = _parser(handler.request_deserializer), _builder(handler.response_serializer)
        behaviour: Any = (  # the one that is set
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )

        def given(request: Any) -> Any:
            return _parsed(request, parse) if handler.request_streaming else parse(request)

        async def unary(request: Any, context: Any) -> bytes | None:
            async def serve() -> bytes:
                return build(await behaviour(given(request), context))

            return await self._serve(method, context, serve, stream=None)

        async def streaming(request: Any, context: Any) -> None:
            async def serve() -> bytes:
                responses = behaviour(given(request), _BuildingContext(context, build))
                if isinstance(responses, Awaitable):  # it writes to the context itself
                    await responses
                else:
                    async for response in responses:
                        await context.write(build(response))
                return b""

            await self._serve(method, context, serve, stream=_OpenStream(asyncio.current_task()))

        if handler.response_streaming:
            if handler.request_streaming:
                return grpc.stream_stream_rpc_method_handler(streaming)
            return grpc.unary_stream_rpc_method_handler(streaming)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(unary)
        return grpc.unary_unary_rpc_method_handler(unary)

    async def _serve(
        self,
        method: str,
        context: Any,
        serve: Callable[[], Awaitable[bytes]],
        *,
        stream: _OpenStream | None,
    ) -> bytes | None:
        metadata = dict(context.invocation_metadata() or ())
        request_id = _request_id(metadata.get(REQUEST_ID_KEY))
        started_s = self._clock.monotonic_s()
        outcome = _Outcome()
        with (
            continued(metadata.get(TRACEPARENT_KEY), request_id=request_id),
            self._in_flight(method).track_inprogress(),
        ):
            try:
                await self._attempt(serve, context, stream, outcome, request_id)
            finally:
                self._account(method, context, outcome, self._clock.monotonic_s() - started_s)
            if outcome.failure is not None:
                status = status_of(outcome.failure, domain=self._domain, request_id=request_id)
                await context.abort_with_status(status)
        return outcome.response

    async def _attempt(
        self,
        serve: Callable[[], Awaitable[bytes]],
        context: Any,
        stream: _OpenStream | None,
        outcome: _Outcome,
        request_id: str,
    ) -> None:
        if stream is not None:
            if self._draining:
                outcome.fail(_draining())
                return
            self._open_streams.add(stream)
        try:
            outcome.response = await serve()
        except grpc.aio.AbortError:
            outcome.code = _code_name(context)
            raise
        except asyncio.CancelledError:
            if stream is None or not stream.drained:
                outcome.code = _cancellation(context)
                raise
            # We cancelled it ourselves: the peer hears why, and the task goes on to say so.
            if stream.task is not None:
                stream.task.uncancel()
            outcome.fail(_draining())
        except NfError as error:
            outcome.fail(error)
        except Exception as error:  # noqa: BLE001 - the edge of the program; it is logged
            outcome.exception = error
            outcome.fail(
                Internal(
                    f"internal error; the log has it under request id {request_id}",
                    reason="INTERNAL",
                    request_id=request_id,
                )
            )
        finally:
            if stream is not None:
                self._open_streams.discard(stream)

    def _account(self, method: str, context: Any, outcome: _Outcome, duration_s: float) -> None:
        self._duration_seconds(method, outcome.code).observe(duration_s)
        level = logging.DEBUG if method.startswith(_QUIET_SERVICES) else logging.INFO
        if outcome.exception is None and not self._log.is_enabled_for(level):
            return
        fields = {
            "method": method,
            "code": outcome.code,
            "duration_s": round(duration_s, 6),
            "peer": context.peer(),
        }
        if outcome.failure is not None:
            fields |= {"reason": outcome.failure.reason, "error": outcome.failure.message}
        if outcome.exception is not None:
            self._log.error("rpc", **fields, exc_info=outcome.exception)
        else:
            self._log.log(level, "rpc", **fields)


class _BuildingContext:
    """A servicer context whose `write` takes messages where grpc was told to take bytes."""

    def __init__(self, context: Any, build: Callable[[Any], bytes]) -> None:
        self._context = context
        self._build = build

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def write(self, message: Any) -> None:
        await self._context.write(self._build(message))


def _parser(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    def parse(data: bytes) -> Any:
        if deserializer is None:
            return data
        try:
            return deserializer(data)
        except Exception as error:
            raise InvalidArgument(
                "the request is not a message of this method; check the client's proto version",
                reason="MALFORMED_REQUEST",
            ) from error

    return parse


def _builder(serializer: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    return serializer if serializer is not None else lambda message: message


async def _parsed(
    requests: AsyncIterator[bytes], parse: Callable[[bytes], Any]
) -> AsyncIterator[Any]:
    async for request in requests:
        yield parse(request)


def _request_id(value: Any) -> str:
    usable = isinstance(value, str) and value.isprintable() and value
    return value[:_MAX_REQUEST_ID_CHARACTERS] if usable else new_request_id()


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
