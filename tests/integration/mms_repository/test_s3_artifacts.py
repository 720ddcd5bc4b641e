"""S3 that goes away, refuses or is not what the settings say."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.mms_server import opened
from support.mms_uploads import MODEL, SIGNER_KEY, files, publish, upload_of, write_public_key
from support.s3_server import S3Server

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from mms_repository.app import artifact_store
from mms_repository.config import ArtifactSettings, MmsSettings, SigningSettings
from nf_runtime.client import open_channel
from nf_runtime.clock import ManualClock
from nf_runtime.config import ClientSettings, ConfigurationError, DatabaseSettings, ServerSettings
from nf_runtime.errors import DataLoss, Unavailable

CONTENTS = files()


@pytest.fixture
def s3_server(s3_credentials: None) -> Iterator[S3Server]:
    """A server that the test may stop."""
    server = S3Server()
    yield server
    server.thaw()
    server.stop()


@pytest.fixture
def settings(tmp_path: Path, s3_server: S3Server) -> MmsSettings:
    """A repository whose artifacts are in a bucket; it does not wait long for it."""
    return MmsSettings(
        server=ServerSettings(port=0, metrics_port=None),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'models.db'}"),
        artifacts=ArtifactSettings(
            folder=tmp_path / "incoming",
            url=s3_server.url(s3_server.create_bucket("models")),
            store_timeout_s=0.5,
        ),
        signing=SigningSettings(
            trusted_keys=(write_public_key(tmp_path / "trusted.pub", SIGNER_KEY),)
        ),
    )


@pytest.fixture
async def stub(settings: MmsSettings) -> AsyncIterator[Any]:
    """A client of a repository in which the model exists."""
    async with opened(settings, clock=ManualClock()) as (server, _):
        await server.start()
        client = ClientSettings(attempts=1, deadline_s=20)
        async with open_channel(server.address, settings=client) as channel:
            stub = ModelRepositoryServiceStub(channel)
            model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
            await stub.CreateModel(pb.CreateModelRequest(model=model))
            yield stub
        await server.stop()


async def download(stub: Any, file_name: str = "model.onnx") -> bytes:
    """The file of version 1."""
    request = pb.DownloadArtifactRequest(model_name=MODEL, version=1, file_name=file_name)
    return b"".join([piece.data async for piece in stub.DownloadArtifact(request)])


async def version_count(stub: Any) -> int:
    """How many versions there are."""
    response = await stub.ListModelVersions(pb.ListModelVersionsRequest(model_name=MODEL))
    return len(response.model_versions)


async def test_frozen_in_the_middle(stub: Any, s3_server: S3Server) -> None:
    """An upload whose bytes arrived is told that the store is away; sent again it makes one."""
    messages = upload_of(CONTENTS)
    s3_server.freeze()
    with pytest.raises(Unavailable) as caught:
        await publish(stub, messages)
    assert caught.value.reason == "PEER_UNAVAILABLE"
    assert caught.value.metadata["peer"] == "models"
    assert await version_count(stub) == 0
    s3_server.thaw()
    assert (await publish(stub, messages)).version == 1
    for name, content in CONTENTS.items():
        assert await download(stub, name) == content


async def test_download_while_it_is_away(stub: Any, s3_server: S3Server) -> None:
    """Bytes that cannot be fetched now are UNAVAILABLE, not lost; the version stays visible."""
    await publish(stub, upload_of(CONTENTS))
    s3_server.freeze()
    with pytest.raises(Unavailable) as caught:
        await download(stub)
    assert caught.value.reason == "PEER_UNAVAILABLE"
    assert await version_count(stub) == 1
    s3_server.thaw()
    assert await download(stub) == CONTENTS["model.onnx"]


async def test_refused_connection(stub: Any, s3_server: S3Server) -> None:
    """A server that is gone is told the same; when it is back, uploads succeed."""
    messages = upload_of(CONTENTS)
    s3_server.stop()
    with pytest.raises(Unavailable):
        await publish(stub, messages)
    s3_server.start()
    s3_server.create_bucket("models")
    assert (await publish(stub, messages)).version == 1
    assert await download(stub) == CONTENTS["model.onnx"]


async def test_bucket_that_lost_its_objects(stub: Any, s3_server: S3Server) -> None:
    """What the storage lost is DATA_LOSS, and the same bytes in another version heal it."""
    await publish(stub, upload_of(CONTENTS))
    s3_server.stop()
    s3_server.start()
    s3_server.create_bucket("models")
    with pytest.raises(DataLoss):
        await download(stub)
    await publish(stub, upload_of(CONTENTS))
    assert await download(stub) == CONTENTS["model.onnx"]


async def test_starts_while_it_is_away(settings: MmsSettings, s3_server: S3Server) -> None:
    """Versions can be looked up without their bytes, so the repository does not wait for them."""
    s3_server.freeze()
    async with opened(settings, clock=ManualClock()) as (server, _):
        await server.start()
        async with open_channel(server.address, settings=ClientSettings()) as channel:
            response = await ModelRepositoryServiceStub(channel).ListModels(pb.ListModelsRequest())
        assert list(response.models) == []
        await server.stop()


async def test_bucket_that_does_not_exist(tmp_path: Path, s3_server: S3Server) -> None:
    """It is a wrong setting, by name."""
    settings = ArtifactSettings(folder=tmp_path, url=s3_server.url("nowhere"))
    store = artifact_store(settings)
    with pytest.raises(ConfigurationError, match=r"artifacts\.url"):
        await store.open()
    await store.close()
