"""The gateway as a process, asked over HTTP."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc.aio
import httpx
import pytest
import yaml
from support.waiting import wait_until

from nf_runtime.config import ServerSettings
from nf_runtime.server import NfServer

TIMEOUT_S = 20.0
StartGateway = Callable[[dict[str, object]], subprocess.Popen[bytes]]


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Starts a gateway with settings of its own; all are stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(settings: dict[str, object]) -> subprocess.Popen[bytes]:
        config = tmp_path / "gateway.yaml"
        config.write_text(yaml.safe_dump(settings))
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "--config", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def settings_of(tmp_path: Path, peers: dict[str, str], port: int = 0) -> dict[str, object]:
    """Settings of a gateway that writes ready.json."""
    server = {"port": port, "metrics_port": None, "ready_file": str(tmp_path / "ready.json")}
    return {"server": server, "peers": peers, "health": {"deadline_s": 1.0}}


def address_of(tmp_path: Path) -> str:
    """Address of the gateway, once it serves."""
    ready = tmp_path / "ready.json"
    wait_until(ready.exists, timeout_s=TIMEOUT_S, what="the gateway")
    return f"http://{json.loads(ready.read_text())['address']}"


def no_services(_server: grpc.aio.Server) -> Sequence[str]:
    """A function that offers nothing but its health."""
    return ()


async def test_health_of_every_function(tmp_path: Path, start_gateway: StartGateway) -> None:
    """The page and /api/health tell a function that serves from one that is not there."""
    server = NfServer("oam", ServerSettings(metrics_port=None), register=no_services)
    oam_address = await server.start()
    try:
        peers = {"oam": oam_address, "ran_sim": "127.0.0.1:1"}
        # Of the functions that exist only by default nothing must remain.
        others = ("nwdaf.anlf", "mms_repository", "inference_nf", "nwdaf.mtlf")
        peers |= dict.fromkeys(others, "127.0.0.1:1")
        start_gateway(settings_of(tmp_path, peers))
        url = address_of(tmp_path)
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            document = (await client.get(f"{url}/api/health")).json()
            page = await client.get(url)
            own = await client.get(f"{url}/healthz")
    finally:
        await server.stop()
    assert document["status"] == "DEGRADED"
    assert document["functions"]["oam"]["status"] == "SERVING"
    assert document["functions"]["oam"]["address"] == oam_address
    assert document["functions"]["ran_sim"]["status"] == "UNREACHABLE"
    assert "cannot be reached" in document["functions"]["ran_sim"]["detail"]
    assert "1 of 6 network functions serve" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert own.json() == {"status": "SERVING"}


def test_sigterm_ends_the_gateway(tmp_path: Path, start_gateway: StartGateway) -> None:
    """After SIGTERM the process ends with status 0 and its ready file is gone."""
    process = start_gateway(settings_of(tmp_path, {}))
    address_of(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 0
    assert not (tmp_path / "ready.json").exists()


def test_taken_port_is_told_in_a_sentence(tmp_path: Path, start_gateway: StartGateway) -> None:
    """A port that is taken ends the process with status 2 and one sentence."""
    start_gateway(settings_of(tmp_path, {}))
    port = int(address_of(tmp_path).rsplit(":", 1)[1])
    second = start_gateway(settings_of(tmp_path, {}, port=port))
    _, stderr = second.communicate(timeout=TIMEOUT_S)
    assert second.returncode == 2
    assert "server.port: cannot listen on" in stderr.decode()
    assert "Traceback" not in stderr.decode()
