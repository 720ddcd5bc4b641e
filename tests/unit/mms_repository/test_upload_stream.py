"""Corners of an upload that no well-behaved client reaches."""

from collections.abc import AsyncIterator

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.upload_stream import discard


async def test_a_refused_client_that_never_stops_is_cut_off() -> None:
    """After the bound nothing more is read, however much there is."""
    read = 0

    async def endless() -> AsyncIterator[pb.UploadModelVersionRequest]:
        nonlocal read
        while True:
            read += 1
            yield pb.UploadModelVersionRequest(chunk=pb.UploadChunk(data=bytes(10)))

    await discard(endless(), most_bytes=100)
    assert read == 11
