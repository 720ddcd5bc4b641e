"""Asks a network function for its health, for container health checks and scripts.

``python -m nf_runtime.probe 127.0.0.1:50051`` exits with 0 when the function is SERVING, else 1
and one sentence on stderr. With ``--certificate``, ``--private-key`` and ``--authority`` it asks
over mutual TLS.
"""

import argparse
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nf_runtime.config import TlsSettings
from nf_runtime.tls import channel_credentials

_TIMEOUT_S = 3.0


def why_not_serving(address: str, *, tls: TlsSettings | None = None) -> str | None:
    """None when the function at `address` (HOST:PORT) is SERVING, else one sentence."""
    channel = (
        grpc.insecure_channel(address)
        if tls is None
        else grpc.secure_channel(address, channel_credentials(tls))
    )
    with channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(  # type: ignore[attr-defined]
                health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S
            )
        except grpc.RpcError as error:
            return f"{address} does not answer: {error.code().name}"
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return None
    return f"{address} is {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}"


def main() -> None:
    """Exits with 0 or 1."""
    parser = argparse.ArgumentParser(prog="python -m nf_runtime.probe")
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--private-key", type=Path)
    parser.add_argument("--authority", type=Path)
    arguments = parser.parse_args()
    tls = None
    if arguments.certificate:
        tls = TlsSettings(
            certificate=arguments.certificate,
            private_key=arguments.private_key,
            authority=arguments.authority,
        )
    why_not = why_not_serving(arguments.address, tls=tls)
    if why_not is not None:
        sys.exit(why_not)


if __name__ == "__main__":
    main()
