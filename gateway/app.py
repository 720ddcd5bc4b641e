"""The gateway's composition root: HTTP routes over the health desk, and the life of the server."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from gateway.config import GatewaySettings
from gateway.health import HealthDesk
from gateway.page import CONTENT_SECURITY_POLICY, health_page
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.config import ConfigurationError, ServerSettings

log = structlog.get_logger(__name__)


def build_app(desk: HealthDesk, *, clock: Clock, refresh_s: int) -> FastAPI:
    """The routes: the page ``/``, ``/api/health`` of the platform, ``/healthz`` of the gateway."""
    app = FastAPI(title="aimlnf gateway", docs_url=None, redoc_url=None)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> HTMLResponse:
        html = health_page(await desk.ask(), now=clock.now(), refresh_s=refresh_s)
        return HTMLResponse(html, headers={"content-security-policy": CONTENT_SECURITY_POLICY})

    @app.get("/api/health", summary="Health of every network function")
    async def platform_health() -> dict[str, Any]:
        return (await desk.ask()).as_document()

    @app.get("/healthz", summary="Health of the gateway itself")
    async def own_health() -> dict[str, str]:
        return {"status": "SERVING"}

    return app


async def serve(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serves HTTP until `stop` is set.

    Raises:
        ConfigurationError: the port is taken.
    """
    clock = SystemClock()
    desk = HealthDesk(
        settings.peers,
        client=settings.client,
        tls=settings.tls,
        deadline_s=settings.health.deadline_s,
        clock=clock,
    )
    app = build_app(desk, clock=clock, refresh_s=settings.health.refresh_s)
    listener = _listen(settings.server)
    address = f"{settings.server.host}:{listener.getsockname()[1]}"
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=round(settings.server.drain_s),
        )
    )
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        # Connections are accepted from here on, since the socket listens already.
        if settings.server.ready_file is not None:
            _write_ready_file(settings.server.ready_file, address)
        log.info("serving", address=address)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopping.cancel()
        await serving
        await desk.close()
        if settings.server.ready_file is not None:
            settings.server.ready_file.unlink(missing_ok=True)
        log.info("stopped")


class _Server(uvicorn.Server):
    """A server that leaves the signals to `run_nf`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(settings: ServerSettings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"setting server.port: cannot listen on {settings.host}:{settings.port}: "
            f"{error.strerror}"
        ) from error
    listener.listen()
    return listener


def _write_ready_file(path: Path, address: str) -> None:
    content = {"name": "gateway", "pid": os.getpid(), "address": address, "metrics": ""}
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(path)
