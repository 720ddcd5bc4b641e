"""What the network functions say about their health (grpc.health.v1)."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nf_runtime.client import open_channel
from nf_runtime.clock import Clock
from nf_runtime.config import ClientSettings, TlsSettings
from nf_runtime.errors import NfError

SERVING = "SERVING"
UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True)
class PeerHealth:
    """One network function's answer. `status` is SERVING, NOT_SERVING, … or UNREACHABLE."""

    name: str
    address: str
    status: str
    detail: str
    answer_ms: float

    @property
    def is_serving(self) -> bool:
        """Whether the function takes calls."""
        return self.status == SERVING


@dataclass(frozen=True)
class PlatformHealth:
    """Every network function's answer."""

    peers: tuple[PeerHealth, ...]

    @property
    def status(self) -> str:
        """SERVING when all of them serve, else DEGRADED."""
        return SERVING if all(peer.is_serving for peer in self.peers) else "DEGRADED"

    def as_document(self) -> dict[str, Any]:
        """The JSON document of ``/api/health``."""
        return {
            "status": self.status,
            "functions": {
                peer.name: {key: value for key, value in asdict(peer).items() if key != "name"}
                for peer in self.peers
            },
        }


class HealthDesk:
    """Asks all network functions at once."""

    def __init__(
        self,
        peers: Mapping[str, str],
        *,
        client: ClientSettings,
        tls: TlsSettings | None,
        deadline_s: float,
        clock: Clock,
    ) -> None:
        self._channels: dict[str, tuple[str, grpc.aio.Channel]] = {
            name: (address, open_channel(address, settings=client, tls=tls))
            for name, address in peers.items()
        }
        self._deadline_s = deadline_s
        self._clock = clock

    async def ask(self) -> PlatformHealth:
        """Their answers, in the order of the configuration, within the deadline."""
        return PlatformHealth(
            tuple(await asyncio.gather(*(self._ask_peer(name) for name in self._channels)))
        )

    async def close(self) -> None:
        """Closes the channels."""
        for _, channel in self._channels.values():
            await channel.close()

    async def _ask_peer(self, name: str) -> PeerHealth:
        address, channel = self._channels[name]
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        started_s = self._clock.monotonic_s()
        detail = ""
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=self._deadline_s)
            status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        except NfError as error:
            status, detail = UNREACHABLE, error.message
        answer_ms = round((self._clock.monotonic_s() - started_s) * 1000, 2)
        return PeerHealth(name, address, status, detail, answer_ms)
