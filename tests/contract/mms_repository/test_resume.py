"""Uploads and downloads that break off and go on."""

import asyncio
from typing import Any

import pytest
from support.mms_uploads import (
    MODEL,
    chunks_of,
    files,
    header_of,
    manifest_of,
    publish,
    upload_of,
)
from support.waiting import until

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.config import MmsSettings
from nf_runtime.errors import (
    AlreadyExists,
    DataLoss,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)

CONTENTS = files(weight_count=5000)
CHUNK_BYTES = 1000

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture(params=["file", "s3"])
def artifacts_url(request: pytest.FixtureRequest) -> str:
    """Either store."""
    url: str = request.getfixturevalue("s3_url") if request.param == "s3" else ""
    return url


def header(**changes: Any) -> pb.UploadModelVersionRequest:
    """The first message of an upload that may be continued."""
    made = header_of(manifest_of(CONTENTS), resumable=True, request_id="r1", **changes)
    return pb.UploadModelVersionRequest(header=made)


async def progress(stub: Any, request_id: str = "r1") -> list[int]:
    """Bytes that are there of each file."""
    manifest = header().header.manifest
    request = pb.GetUploadProgressRequest(request_id=request_id, manifest=manifest)
    response = await stub.GetUploadProgress(request)
    return list(response.received_bytes)


def rest(received_bytes: list[int]) -> list[pb.UploadModelVersionRequest]:
    """The chunks that are still to be sent."""
    missing: list[pb.UploadModelVersionRequest] = []
    for (name, content), received in zip(CONTENTS.items(), received_bytes, strict=True):
        for message in chunks_of({name: content[received:]}, chunk_bytes=CHUNK_BYTES):
            message.chunk.offset_bytes += received
            missing.append(message)
    return missing


async def broken_off(stub: Any, chunk_count: int) -> list[int]:
    """What is there after an upload broke off having sent so many chunks."""
    call = stub.UploadModelVersion()
    await call.write(header())
    sent = rest([0, 0, 0])[:chunk_count]
    for message in sent:
        await call.write(message)
    sent_bytes = sum(len(message.chunk.data) for message in sent)
    there = await arrived(stub, sent_bytes)
    call.cancel()
    return there


async def arrived(stub: Any, size_bytes: int) -> list[int]:
    """What is there of each file, once so many bytes are."""
    async with asyncio.timeout(10):
        while sum(there := await progress(stub)) != size_bytes:
            pass  # each question takes its turn behind the upload
    return there


async def upload_rest(stub: Any, received_bytes: list[int], **changes: Any) -> Any:
    """Send what is missing, as soon as the broken connection is given up."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await publish(stub, [header(**changes), *rest(received_bytes)])
            except ResourceExhausted as error:
                await asyncio.sleep(float(error.metadata["retry_after_s"]) / 50)


# Nothing; within the first file; near its end; in the last file.
@pytest.mark.parametrize("chunk_count", [0, 3, 21, 41])
async def test_upload_goes_on_where_it_broke_off(stub: Any, chunk_count: int) -> None:
    """Only what is missing is sent, and every file is whole."""
    received_bytes = await broken_off(stub, chunk_count)
    version = await upload_rest(stub, received_bytes)
    assert version.version == 1
    for name, content in CONTENTS.items():
        request = pb.DownloadArtifactRequest(model_name=MODEL, version=1, file_name=name)
        pieces = [piece.data async for piece in stub.DownloadArtifact(request)]
        assert b"".join(pieces) == content


async def test_progress_of_a_finished_upload(stub: Any) -> None:
    """All of it is there, and so is the version, for a client that missed the answer."""
    version = await publish(stub, [header(), *rest([0, 0, 0])])
    request = pb.GetUploadProgressRequest(request_id="r1", manifest=header().header.manifest)
    response = await stub.GetUploadProgress(request)
    assert list(response.received_bytes) == [len(content) for content in CONTENTS.values()]
    assert response.model_version == version


async def test_progress_of_an_unknown_upload(stub: Any) -> None:
    """Nothing is there."""
    assert await progress(stub, "unknown") == [0, 0, 0]


async def test_progress_with_another_manifest(stub: Any) -> None:
    """A request id belongs to one manifest, an unknown model to none."""
    await publish(stub, [header(), *rest([0, 0, 0])])
    manifest = header_of(manifest_of(files(note="other"))).manifest
    with pytest.raises(AlreadyExists):
        await stub.GetUploadProgress(
            pb.GetUploadProgressRequest(request_id="r1", manifest=manifest)
        )
    manifest.model_name = "unknown"
    with pytest.raises(NotFound):
        await stub.GetUploadProgress(
            pb.GetUploadProgressRequest(request_id="r2", manifest=manifest)
        )


async def test_chunks_from_the_start_again(stub: Any) -> None:
    """A client that does not ask is told which byte is due, and has lost what was there."""
    received_bytes = await broken_off(stub, 3)
    with pytest.raises(InvalidArgument, match=f"byte {received_bytes[0]} of"):
        await upload_rest(stub, [0, 0, 0])
    assert await progress(stub) == [0, 0, 0]


async def test_damage_of_the_first_part_is_noticed(stub: Any, settings: MmsSettings) -> None:
    """What changed on the disk meanwhile is found at the end, and the next try starts afresh."""
    received_bytes = await broken_off(stub, 3)
    (incoming,) = (settings.artifacts.folder / "incoming").iterdir()

    def spoil() -> bool:
        (incoming / "0").write_bytes(b"x" * received_bytes[0])
        return True

    await until(spoil, what="the damage")
    with pytest.raises(DataLoss):
        await upload_rest(stub, received_bytes)
    assert await progress(stub) == [0, 0, 0]
    assert (await upload_rest(stub, [0, 0, 0])).version == 1


async def test_two_connections_do_not_mix(stub: Any) -> None:
    """While one goes on, a second one with the same request is told to come back."""
    call = stub.UploadModelVersion()
    await call.write(header())
    for message in rest([0, 0, 0])[:2]:
        await call.write(message)
    await arrived(stub, 2 * CHUNK_BYTES)
    with pytest.raises(ResourceExhausted) as caught:
        await publish(stub, [header(), *rest([2 * CHUNK_BYTES, 0, 0])])
    assert float(caught.value.metadata["retry_after_s"]) > 0
    for message in rest([2 * CHUNK_BYTES, 0, 0]):
        await call.write(message)
    await call.done_writing()
    assert (await call).model_version.version == 1


async def test_download_goes_on_from_any_byte(stub: Any) -> None:
    """The rest is the rest."""
    await publish(stub, upload_of(CONTENTS))
    content = CONTENTS["weights.safetensors"]
    for offset_bytes in (0, 1, 19_999, len(content)):
        request = pb.DownloadArtifactRequest(
            model_name=MODEL,
            version=1,
            file_name="weights.safetensors",
            offset_bytes=offset_bytes,
        )
        pieces = [piece.data async for piece in stub.DownloadArtifact(request)]
        assert b"".join(pieces) == content[offset_bytes:]
