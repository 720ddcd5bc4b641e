"""Settings of the gateway."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from nf_runtime.config import ClientSettings, NfSettings, Section, ServerSettings


class HealthSettings(Section):
    """How the network functions are asked for their health."""

    deadline_s: float = Field(default=2.0, gt=0, le=60)
    refresh_s: int = Field(default=5, ge=1, le=3600)  # of the page in a browser


class GatewaySettings(NfSettings):
    """Settings of the gateway. `peers` names each network function and its gRPC address."""

    nf_name: ClassVar[str] = "gateway"

    server: ServerSettings = ServerSettings(port=8080, metrics_port=None)
    # One attempt: a function that is away shall be shown as away.
    client: ClientSettings = ClientSettings(attempts=1)
    health: HealthSettings = HealthSettings()
    peers: Mapping[str, str] = {
        "nwdaf.anlf": "127.0.0.1:50051",
        "mms_repository": "127.0.0.1:50052",
        "inference_nf": "127.0.0.1:50053",
        "oam": "127.0.0.1:50054",
        "ran_sim": "127.0.0.1:50055",
        "nwdaf.mtlf": "127.0.0.1:50056",
    }
