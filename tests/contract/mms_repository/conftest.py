"""The model repository in process: real server, SQLite and files; events stay in the outbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.mms_server import opened
from support.mms_uploads import MODEL, SIGNER_KEY, write_public_key

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from mms_repository.config import ArtifactSettings, MmsSettings, SigningSettings
from nf_runtime.client import open_channel
from nf_runtime.clock import ManualClock
from nf_runtime.config import ClientSettings, DatabaseSettings, ServerSettings
from nf_runtime.server import NfServer

MAX_ARTIFACT_BYTES = 3 * 1024 * 1024


@pytest.fixture
def artifacts_url() -> str:
    """Where artifacts are; a module that is about them asks for S3 as well."""
    return ""


@pytest.fixture
def settings(tmp_path: Path, artifacts_url: str) -> MmsSettings:
    """Small bounds, a free port, one trusted key."""
    return MmsSettings(
        server=ServerSettings(port=0, metrics_port=None),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'models.db'}"),
        artifacts=ArtifactSettings(
            url=artifacts_url,
            folder=tmp_path / "artifacts",
            max_artifact_bytes=MAX_ARTIFACT_BYTES,
            max_version_bytes=11 * 1024 * 1024,
            max_artifacts=4,
            max_concurrent_uploads=2,
            upload_idle_s=5.0,
        ),
        signing=SigningSettings(
            trusted_keys=(write_public_key(tmp_path / "trusted.pub", SIGNER_KEY),)
        ),
    )


@pytest.fixture
def clock() -> ManualClock:
    """The repository's time; it stands still."""
    return ManualClock()


@pytest.fixture
async def server(settings: MmsSettings, clock: ManualClock) -> AsyncIterator[NfServer]:
    """A started server."""
    async with opened(settings, clock=clock) as (server, _):
        await server.start()
        yield server
        await server.stop()


@pytest.fixture
async def stub(server: NfServer) -> AsyncIterator[ModelRepositoryServiceStub]:
    """A client of `server`."""
    async with open_channel(server.address, settings=ClientSettings(deadline_s=20)) as channel:
        yield ModelRepositoryServiceStub(channel)


@pytest.fixture
async def model(stub: ModelRepositoryServiceStub) -> str:
    """The name of a model that exists."""
    request = pb.CreateModelRequest(
        model=model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
    )
    response = await stub.CreateModel(request)
    return response.model.model_name


@pytest.fixture
def stranger() -> Ed25519PrivateKey:
    """A key that nobody trusts."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
