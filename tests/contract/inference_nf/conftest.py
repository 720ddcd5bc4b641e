"""The inference function behind a real socket, with peers that stand on real sockets too."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fakes.inference_nf.grpc_peers import Peer, RepositoryServicer
from fakes.memory_broker import MemoryBroker
from support.running_nf import running

from aimlnf.inference.oip.open_inference_pb2_grpc import GRPCInferenceServiceStub
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from inference_nf.app import serve
from inference_nf.config import (
    EngineSettings,
    InferenceSettings,
    ModelSettings,
    NotificationSettings,
    RepositorySettings,
    SigningSettings,
)
from nf_runtime.config import ClientSettings, DatabaseSettings, ServerSettings


@pytest.fixture
async def repository() -> AsyncIterator[RepositoryServicer]:
    """An empty model repository; tests publish into it."""
    servicer = RepositoryServicer()
    async with Peer("mms_repository", servicer.register).running() as peer:
        servicer.address = peer.address  # type: ignore[attr-defined]
        yield servicer


@pytest.fixture
def settings(tmp_path: Path, repository: RepositoryServicer) -> InferenceSettings:
    """A function that answers no notifications by itself and trusts the tests' key."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    (tmp_path / "mtlf.pub").write_bytes(base64.b64encode(key.public_bytes_raw()))
    return InferenceSettings(
        server=ServerSettings(
            metrics_port=None, drain_s=0.5, ready_file=tmp_path / "inference_nf.json"
        ),
        client=ClientSettings(deadline_s=5, attempts=1),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'inference.db'}"),
        repository=RepositorySettings(
            address=repository.address,  # type: ignore[attr-defined]
            download_attempts=1,
        ),
        notifications=NotificationSettings(enabled=False),
        models=ModelSettings(cache_folder=tmp_path / "cache"),
        engine=EngineSettings(max_batch=4),
        signing=SigningSettings(trusted_keys=(tmp_path / "mtlf.pub",)),
    )


@pytest.fixture
async def channel(settings: InferenceSettings) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the function."""
    broker = MemoryBroker()
    async with running(lambda stop: serve(settings, stop, broker=broker), settings) as opened:
        yield opened


@pytest.fixture
def inference(channel: grpc.aio.Channel) -> InferenceFunctionServiceStub:
    """Its own service."""
    return InferenceFunctionServiceStub(channel)


@pytest.fixture
def protocol(channel: grpc.aio.Channel) -> GRPCInferenceServiceStub:
    """The Open Inference Protocol."""
    return GRPCInferenceServiceStub(channel)
