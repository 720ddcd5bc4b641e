"""A gRPC server as every network function runs it, and the life of its process.

The composition root of a network function::

    # mms_repository/app.py
    async def serve(settings: MmsSettings, stop: asyncio.Event) -> None:
        server = NfServer("mms_repository", settings.server, register=register, tls=settings.tls)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run(stop))          # ends when stop is set
            await serve_until_stopped(server, stop)     # starts, waits, drains

    def register(server: grpc.aio.Server) -> Sequence[str]:
        add_ModelRepositoryServiceServicer_to_server(servicer, server)
        return [DESCRIPTOR.services_by_name["ModelRepositoryService"].full_name]

    # mms_repository/__main__.py
    def main() -> None:
        settings = load_settings(MmsSettings, sys.argv[1:])
        run_nf("mms_repository", lambda stop: serve(settings, stop), log=settings.log)
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NoReturn

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from prometheus_client import CollectorRegistry

from nf_runtime.clock import Clock, SystemClock
from nf_runtime.config import ConfigurationError, LogSettings, ServerSettings, TlsSettings
from nf_runtime.interceptors import RpcInterceptor
from nf_runtime.logs import configure_logs
from nf_runtime.metrics import MetricsEndpoint, RpcMetrics, new_registry
from nf_runtime.tls import server_credentials

_MAX_METADATA_BYTES = 16 * 1024
_STATUS_CONFIGURATION = 2
_HEALTH_NOTICE_S = 0.05

log = structlog.get_logger(__name__)


class NfServer:
    """One gRPC port with health, reflection, the interceptor and, beside it, metrics over HTTP.

    Args:
        name: The network function, e.g. ``nwdaf.anlf``.
        settings: Where to listen and how to drain.
        register: Adds the servicers and returns the full names of their services.
        tls: Mutual TLS if given.
        registry: For the network function's own metrics; a new one by default.
        clock: For durations.
    """

    def __init__(
        self,
        name: str,
        settings: ServerSettings,
        *,
        register: Callable[[grpc.aio.Server], Sequence[str]],
        tls: TlsSettings | None = None,
        registry: CollectorRegistry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.registry = new_registry() if registry is None else registry
        self._settings = settings
        self._register = register
        self._tls = tls
        self._health = health.aio.HealthServicer()
        self._interceptor = RpcInterceptor(
            name,
            clock=SystemClock() if clock is None else clock,
            metrics=RpcMetrics(self.registry),
        )
        self._server: grpc.aio.Server | None = None
        self._metrics: MetricsEndpoint | None = None
        self.address = ""
        self.metrics_address = ""

    async def start(self) -> str:
        """The bound address, once the server answers, health says SERVING and the file is there.

        Raises:
            ConfigurationError: A port is taken, or a TLS file is missing.
        """
        settings = self._settings
        server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
                # Clients may ping, also on idle connections, and none is cut off for it: where a
                # machine stood still for a while, the pings of that while arrive together.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
                ("grpc.http2.max_ping_strikes", 0),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        try:
            await self._bring_up(server)
        except BaseException:
            await self._take_down(server, grace_s=0)
            raise
        self._server = server
        if settings.ready_file is not None:
            self._write_ready_file(settings.ready_file)
        log.info("serving", address=self.address, metrics=self.metrics_address)
        return self.address

    async def stop(self) -> None:
        """NOT_SERVING, streams ended, running calls finished within ``drain_s``, port closed."""
        if self._server is None:
            return
        server, self._server = self._server, None
        log.info("draining", deadline_s=self._settings.drain_s)
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(_HEALTH_NOTICE_S)  # watchers of health hear it before they are cut off
        self._interceptor.drain()
        await self._take_down(server, grace_s=self._settings.drain_s)
        if self._settings.ready_file is not None:
            self._settings.ready_file.unlink(missing_ok=True)
        log.info("stopped")

    async def _bring_up(self, server: grpc.aio.Server) -> None:
        settings = self._settings
        registry = self._interceptor.around(server)
        services = [*self._register(registry), health.SERVICE_NAME]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, registry)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]
            reflection.aio.ReflectionServicer([*services, reflection.SERVICE_NAME]), registry
        )
        self.address = f"{settings.host}:{self._bind(server)}"
        if settings.metrics_port is not None:
            self._metrics = self._start_metrics(settings.metrics_port)
            self.metrics_address = f"{settings.host}:{self._metrics.port}"
        await server.start()
        for service in services:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def _take_down(self, server: grpc.aio.Server, *, grace_s: float) -> None:
        await server.stop(grace_s)
        metrics, self._metrics = self._metrics, None
        if metrics is not None:
            await asyncio.to_thread(metrics.stop)

    def _bind(self, server: grpc.aio.Server) -> int:
        address = f"{self._settings.host}:{self._settings.port}"
        try:
            if self._tls is None:
                return server.add_insecure_port(address)
            return server.add_secure_port(address, server_credentials(self._tls))
        except RuntimeError as error:
            raise ConfigurationError(
                f"setting server.port: cannot listen on {address}; "
                "is the port taken, or the host another machine's?"
            ) from error

    def _start_metrics(self, port: int) -> MetricsEndpoint:
        try:
            return MetricsEndpoint.start(self.registry, host=self._settings.host, port=port)
        except OSError as error:
            raise ConfigurationError(
                f"setting server.metrics_port: cannot listen on {self._settings.host}:{port}: "
                f"{error.strerror}"
            ) from error

    def _write_ready_file(self, path: Path) -> None:
        content = {
            "name": self.name,
            "pid": os.getpid(),
            "address": self.address,
            "metrics": self.metrics_address,
        }
        # Whoever waits for the file must never read half of it.
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        unfinished.replace(path)


async def serve_until_stopped(server: NfServer, stop: asyncio.Event) -> None:
    """Start the server, wait for `stop`, drain; drains also when the waiting is cancelled."""
    await server.start()
    try:
        await stop.wait()
    finally:
        await server.stop()


def run_nf(
    name: str,
    serve: Callable[[asyncio.Event], Awaitable[None]],
    *,
    log: LogSettings | None = None,
) -> NoReturn:
    """Run a network function until SIGTERM or SIGINT and end the process.

    The event given to `serve` is set by the first signal; a second one cancels what still runs.
    Exit status: 0 after a stop, 1 after an exception (logged), 2 for settings that cannot be used
    (one sentence on stderr).
    """
    configure_logs(LogSettings() if log is None else log, nf_name=name)
    sys.exit(asyncio.run(_run(name, serve)))


async def _run(name: str, serve: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    logger = structlog.get_logger(__name__)
    stop = asyncio.Event()
    task = asyncio.ensure_future(serve(stop))
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        logger.info("signal received", signal=number.name)
        if stop.is_set():
            task.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        await task
    except asyncio.CancelledError:
        return 0 if stop.is_set() else 1
    except Exception as error:
        configuration_error = _configuration_error_in(error)
        if configuration_error is not None:
            sys.stderr.write(f"{name}: {configuration_error}\n")
            return _STATUS_CONFIGURATION
        logger.exception("failed")
        return 1
    return 0


def _configuration_error_in(error: BaseException) -> ConfigurationError | None:
    # A TaskGroup wraps what its tasks raise, however deep.
    if isinstance(error, BaseExceptionGroup):
        found = (_configuration_error_in(inner) for inner in error.exceptions)
        return next((inner for inner in found if inner is not None), None)
    return error if isinstance(error, ConfigurationError) else None
