"""A crowd of clients, and a database that goes away: clear statuses, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from support.mms_process import MmsProcess
from support.mms_uploads import MODEL, files, publish, upload_of
from support.postgres_server import PostgresNotHereError, PostgresServer
from support.waiting import until

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from nf_runtime.errors import ResourceExhausted, Unavailable, error_from_rpc

pytestmark = pytest.mark.slow

CLIENT_COUNT = 1000
UPLOADER_COUNT = 40


async def create_model(stub: Any) -> None:
    """The model of these tests."""
    model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
    await stub.CreateModel(pb.CreateModelRequest(model=model))


async def numbers(stub: Any) -> list[int]:
    """Versions of the model, oldest first."""
    response = await stub.ListModelVersions(pb.ListModelVersionsRequest(model_name=MODEL))
    return sorted(version.version for version in response.model_versions)


@pytest.fixture
async def repository(tmp_path: Path, sqlite_url: str) -> AsyncIterator[MmsProcess]:
    """A running repository with one version."""
    process = MmsProcess(tmp_path, sqlite_url)
    process.start()
    async with process.stub() as stub:
        await create_model(stub)
        await publish(stub, upload_of(files()))
    yield process
    process.kill()


async def test_a_thousand_clients(repository: MmsProcess) -> None:
    """Each on a connection of its own: all that ask are answered, all that upload get a version.

    More uploads than places are told to come back, and succeed when they do.
    """
    # A connection for each: gRPC would share one among the channels of a process.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(repository.address, options=options) for _ in range(CLIENT_COUNT)
    ]

    async def upload(stub: Any, number: int) -> int:
        messages = upload_of({"card.json": b"%d" % number})
        while True:
            try:
                return (await publish(stub, messages)).version
            except grpc.aio.AioRpcError as error:
                told = error_from_rpc(error)
                assert isinstance(told, ResourceExhausted), told
                await asyncio.sleep(float(told.metadata["retry_after_s"]) * (number % 5 + 1) / 5)

    async def client(channel: grpc.aio.Channel, number: int) -> int:
        stub = ModelRepositoryServiceStub(channel)
        if number < UPLOADER_COUNT:
            return await upload(stub, number)
        request = pb.DownloadArtifactRequest(model_name=MODEL, version=1, file_name="model.onnx")
        pieces = [piece.data async for piece in stub.DownloadArtifact(request)]
        assert b"".join(pieces) == files()["model.onnx"]
        return 0

    try:
        made = await asyncio.gather(
            *(client(channel, number) for number, channel in enumerate(channels))
        )
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))
    assert sorted(made)[CLIENT_COUNT - UPLOADER_COUNT :] == list(range(2, UPLOADER_COUNT + 2))
    async with repository.stub() as stub:
        assert await numbers(stub) == list(range(1, UPLOADER_COUNT + 2))
    assert repository.incoming() == []


@pytest.fixture
def postgres() -> Any:
    """A server that the test may stop."""
    try:
        server = PostgresServer()
    except PostgresNotHereError as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.mark.postgres
async def test_database_restarts(tmp_path: Path, postgres: PostgresServer) -> None:
    """While it is away calls are UNAVAILABLE; afterwards everything is there and goes on."""
    process = MmsProcess(tmp_path, postgres.create_database())
    process.start()
    try:
        async with process.stub() as stub:
            await create_model(stub)
            await publish(stub, upload_of(files()))
            messages = upload_of({"card.json": b"{}"})
            postgres.interrupt()
            for call in (lambda: numbers(stub), lambda: publish(stub, messages)):
                with pytest.raises(Unavailable) as caught:
                    await call()
                assert caught.value.reason == "PEER_UNAVAILABLE"
            postgres.start()
            assert (await publish(stub, messages)).version == 2
            assert await numbers(stub) == [1, 2]
    finally:
        process.kill()


@pytest.mark.postgres
async def test_database_restarts_during_an_upload(tmp_path: Path, postgres: PostgresServer) -> None:
    """The bytes came, the row could not be written: no version, and the same upload makes one."""
    process = MmsProcess(tmp_path, postgres.create_database())
    process.start()
    try:
        async with process.stub() as stub:
            await create_model(stub)
            messages = upload_of({"card.json": b"{}"})
            call = stub.UploadModelVersion()
            await call.write(messages[0])
            await until(lambda: process.incoming() != [], what="the upload to have begun")
            postgres.interrupt()
            await call.write(messages[1])
            await call.done_writing()
            with pytest.raises(Unavailable):
                await call
            postgres.start()
            assert await numbers(stub) == []
            assert (await publish(stub, messages)).version == 1
    finally:
        process.kill()
