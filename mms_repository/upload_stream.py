"""The messages of an upload, as they arrive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.messages import chunk_from
from mms_repository.names import invalid_field
from mms_repository.uploads import Chunk
from nf_runtime.errors import DeadlineExceeded, NfError

_LINGER_S = 1.0


async def paced(
    messages: AsyncIterator[pb.UploadModelVersionRequest], idle_s: float
) -> AsyncIterator[pb.UploadModelVersionRequest]:
    """The messages; a client that stays silent for too long must not hold its place."""
    source = aiter(messages)
    while True:
        try:
            async with asyncio.timeout(idle_s):
                message = await anext(source, None)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the upload was silent for {idle_s} s; nothing is stored, send all of it again",
                reason="DEADLINE_EXCEEDED",
                idle_s=str(idle_s),
            ) from error
        if message is None:
            return
        yield message


async def discard(parts: AsyncIterator[pb.UploadModelVersionRequest], *, most_bytes: int) -> None:
    """Read to the end of an upload whose outcome is known.

    A grpc.aio client that is still writing when the answer comes may take its failed write for the
    outcome and report INTERNAL instead (grpc/grpc#36066), so it is let finish. Not without end: a
    client that pauses waits for the answer, and one that sends more than it ever may is cut off.
    """
    discarded_bytes = 0
    with contextlib.suppress(TimeoutError, NfError):  # the outcome stands whatever else comes
        while discarded_bytes <= most_bytes:
            async with asyncio.timeout(_LINGER_S):
                part = await anext(parts, None)
            if part is None:
                return
            discarded_bytes += len(part.chunk.data)


async def chunks_of(parts: AsyncIterator[pb.UploadModelVersionRequest]) -> AsyncIterator[Chunk]:
    """The chunks that follow the header.

    Raises:
        InvalidArgument: INVALID_FIELD, something else follows.
    """
    async for part in parts:
        if part.WhichOneof("part") != "chunk":
            raise invalid_field("part", "is no chunk; after the header only chunks may follow")
        yield chunk_from(part.chunk)
