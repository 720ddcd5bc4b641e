"""Channels to other network functions: deadlines, retries, propagation, errors as `NfError`.

::

    channel = open_channel("127.0.0.1:50052", settings=settings.client, tls=settings.tls)
    stub = ModelRepositoryServiceStub(channel)
    try:
        model = await stub.GetModel(GetModelRequest(name="gan-gdm"))
    except NotFound as error:                       # never grpc.RpcError
        ...
    async for event in stub.WatchModels(request):   # no deadline unless timeout= is given
        ...
    await channel.close()

A unary call (also one with a request stream) has ``settings.deadline_s`` unless ``timeout=`` is
given. UNAVAILABLE is retried by gRPC itself, with back-off, inside that deadline, unless a response
has arrived; so a servicer raises Unavailable only where it has done nothing yet.

A peer that may not be there yet::

    info = await keep_trying(lambda: stub.GetStatus(request), what="inference_nf",
                             clock=clock, stop=stop)
    if info is None:        # told to stop while waiting
        return
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import structlog

from nf_runtime.clock import Clock
from nf_runtime.config import ClientSettings, TlsSettings
from nf_runtime.errors import DeadlineExceeded, Unavailable, error_from_rpc
from nf_runtime.tls import channel_credentials
from nf_runtime.tracing import (
    REQUEST_ID_KEY,
    TRACEPARENT_KEY,
    current_request_id,
    current_traceparent,
)

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


def open_channel(
    address: str, *, settings: ClientSettings, tls: TlsSettings | None = None
) -> grpc.aio.Channel:
    """A channel for generated stubs in an event loop; connects at the first call."""
    options = channel_options(settings)
    channel = (
        grpc.aio.insecure_channel(address, options=options)
        if tls is None
        else grpc.aio.secure_channel(address, channel_credentials(tls), options=options)
    )
    return _NfChannel(channel, address, settings.deadline_s)


def open_sync_channel(
    address: str, *, settings: ClientSettings, tls: TlsSettings | None = None
) -> grpc.Channel:
    """The same for code without an event loop, as the command line is."""
    options = channel_options(settings)
    channel = (
        grpc.insecure_channel(address, options=options)
        if tls is None
        else grpc.secure_channel(address, channel_credentials(tls), options=options)
    )
    return grpc.intercept_channel(channel, _SyncInterceptor(address, settings.deadline_s))


def channel_options(settings: ClientSettings) -> list[tuple[str, Any]]:
    """GRPC channel options: retry policy, keepalive, message bounds."""
    method_config: dict[str, Any] = {"name": [{}]}
    if settings.attempts > 1:
        method_config["retryPolicy"] = {
            "maxAttempts": settings.attempts,
            "initialBackoff": "0.1s",
            "maxBackoff": "2s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    return [
        ("grpc.service_config", json.dumps({"methodConfig": [method_config]})),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", round(settings.keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # A peer that restarts is found again at once, not after gRPC's default of two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        # This one is also how long a connection may take, on a busy machine too.
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]


async def keep_trying(
    action: Callable[[], Awaitable[T]], *, what: str, clock: Clock, stop: asyncio.Event
) -> T | None:
    """What `action` returns, tried again while it raises Unavailable or DeadlineExceeded.

    Waits 0.1 s after the first failure, twice as long after each further one, at most 5 s. Says
    once that it waits for `what`, and once that `what` is there. None if `stop` is set meanwhile.
    """
    wait_s = FIRST_WAIT_S
    waiting = False
    while not stop.is_set():
        try:
            result = await action()
        except (Unavailable, DeadlineExceeded) as error:
            if not waiting:
                log.warning("waiting for peer", peer=what, reason=error.reason, error=str(error))
                waiting = True
            if await wait_or_stop(wait_s, clock=clock, stop=stop):
                return None
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        else:
            if waiting:
                log.info("peer is there", peer=what)
            return result
    return None


async def wait_or_stop(duration_s: float, *, clock: Clock, stop: asyncio.Event) -> bool:
    """Wait for `duration_s` or for `stop`, whichever comes first; True if `stop` is set."""
    waits = {asyncio.ensure_future(clock.sleep(duration_s)), asyncio.ensure_future(stop.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return stop.is_set()


def _propagated(metadata: Any) -> tuple[tuple[str, Any], ...]:
    given = tuple((key, value) for key, value in metadata or ())
    names = {key for key, _ in given}
    ours = (
        (REQUEST_ID_KEY, current_request_id()),
        (TRACEPARENT_KEY, current_traceparent()),
    )
    return given + tuple((key, value) for key, value in ours if value and key not in names)


class _NfCall:
    """A call whose failures are raised as `NfError`; everything else is the call's own."""

    def __init__(self, call: Any, address: str) -> None:
        self._call = call
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            return (yield from self._call.__await__())
        except grpc.RpcError as error:
            raise error_from_rpc(error, address=self._address) from error

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            async for message in self._call:
                yield message
        except grpc.RpcError as error:
            raise error_from_rpc(error, address=self._address) from error
        finally:
            # Leaving the loop early ends the call; otherwise it stays open until collected.
            self._call.cancel()

    async def read(self) -> Any:
        return await self._mapped(self._call.read())

    async def write(self, message: Any) -> None:
        await self._mapped(self._call.write(message))

    async def done_writing(self) -> None:
        await self._mapped(self._call.done_writing())

    async def _mapped(self, awaitable: Awaitable[T]) -> T:
        try:
            return await awaitable
        except grpc.RpcError as error:
            raise error_from_rpc(error, address=self._address) from error


class _NfChannel(grpc.aio.Channel):
    """A channel around a channel. gRPC's aio interceptors would cost two tasks for each call."""

    def __init__(self, channel: grpc.aio.Channel, address: str, deadline_s: float) -> None:
        self._channel = channel
        self._address = address
        self._deadline_s = deadline_s

    def _wrap(self, multicallable: Any, *, deadline_s: float | None) -> Any:
        def call(
            *arguments: Any, timeout: float | None = None, metadata: Any = None, **options: Any
        ) -> _NfCall:
            started = multicallable(
                *arguments,
                timeout=deadline_s if timeout is None else timeout,
                metadata=_propagated(metadata),
                **options,
            )
            return _NfCall(started, self._address)

        return call

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        multicallable = self._channel.unary_unary(*arguments, **options)
        return self._wrap(multicallable, deadline_s=self._deadline_s)

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        multicallable = self._channel.stream_unary(*arguments, **options)
        return self._wrap(multicallable, deadline_s=self._deadline_s)

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._wrap(self._channel.unary_stream(*arguments, **options), deadline_s=None)

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._wrap(self._channel.stream_stream(*arguments, **options), deadline_s=None)

    async def close(self, grace: float | None = None) -> None:
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()


class _SyncInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Deadline, propagation and errors for the blocking channel."""

    def __init__(self, address: str, deadline_s: float) -> None:
        self._address = address
        self._deadline_s = deadline_s

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._unary(continuation, details, request)

    def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        return self._unary(continuation, details, requests)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._stream(continuation, details, request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return self._stream(continuation, details, requests)

    def _unary(self, continuation: Any, details: Any, request: Any) -> Any:
        call = continuation(_SyncDetails(details, self._deadline_s), request)
        error = call.exception()
        if error is not None:
            raise error_from_rpc(error, address=self._address) from error
        return call

    def _stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return _SyncStream(continuation(_SyncDetails(details, None), request), self._address)


class _SyncDetails(grpc.ClientCallDetails):
    """The details of a call with our deadline and metadata."""

    def __init__(self, given: Any, deadline_s: float | None) -> None:
        self.method = given.method
        self.timeout = deadline_s if given.timeout is None else given.timeout
        self.metadata = _propagated(given.metadata)
        self.credentials = given.credentials
        self.wait_for_ready = given.wait_for_ready
        self.compression = given.compression


class _SyncStream:
    """A response stream whose failures are raised as `NfError`."""

    def __init__(self, call: Any, address: str) -> None:
        self._call = call
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise error_from_rpc(error, address=self._address) from error
