"""Changes as they happen, without gap or repetition."""

import asyncio
from typing import Any

import pytest
from support.mms_uploads import MODEL, files, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.errors import InvalidArgument, NfError, Unavailable
from nf_runtime.server import NfServer


@pytest.fixture(autouse=True)
def _model(model: str) -> None:
    """The model exists."""


async def watch(stub: Any, *, resume_after: int = 0, model_name: str = "") -> Any:
    """A watch that has begun: what happens from now on is on it."""
    request = pb.WatchVersionsRequest(model_name=model_name, resume_after=resume_after)
    call = stub.WatchVersions(request)
    await call.initial_metadata()
    return call


async def positions(call: Any, count: int) -> list[int]:
    """The positions of the next changes on a watch."""
    found: list[int] = []
    while len(found) < count:
        found.append((await call.read()).position)
    return found


async def test_only_what_happens_from_now_on(stub: Any) -> None:
    """Without a position the past is left out."""
    await publish(stub, upload_of(files()))
    call = await watch(stub)
    await publish(stub, upload_of(files()))
    change = await call.read()
    assert (change.position, change.entry.version) == (2, 2)
    assert change.entry.to_state == model_pb2.MODEL_VERSION_STATE_REGISTERED
    assert change.entry.actor == "nwdaf.mtlf"
    call.cancel()


async def test_resumes_where_it_ended(stub: Any) -> None:
    """After a break the missed changes come first, then the new ones."""
    for _ in range(3):
        await publish(stub, upload_of(files()))
    call = await watch(stub, resume_after=1)
    assert await positions(call, 2) == [2, 3]
    await publish(stub, upload_of(files()))
    assert await positions(call, 1) == [4]
    call.cancel()


async def test_one_model_only(stub: Any) -> None:
    """Changes of other models are left out; their positions are skipped."""
    other = model_pb2.Model(model_name="other", aiml_inference_name="x")
    await stub.CreateModel(pb.CreateModelRequest(model=other))
    call = await watch(stub, model_name=MODEL)
    await publish(stub, upload_of(files(), model_name="other"))
    await publish(stub, upload_of(files()))
    change = await call.read()
    assert (change.position, change.entry.model_name) == (2, MODEL)
    call.cancel()


async def test_no_gap_while_others_write(stub: Any) -> None:
    """Watchers that come and go while versions are published miss and repeat nothing."""

    async def write() -> None:
        for _ in range(40):
            await publish(stub, upload_of({"card.json": b"{}"}))

    async def follow(pause_after: int) -> list[int]:
        seen: list[int] = []
        while len(seen) < 40:
            call = stub.WatchVersions(pb.WatchVersionsRequest(resume_after=len(seen) + 1))
            wanted = min(pause_after, 40 - len(seen))
            seen += await positions(call, wanted)
            call.cancel()
        return seen

    await publish(stub, upload_of(files()))
    _, *seen = await asyncio.gather(write(), *(follow(pause) for pause in (1, 7, 40)))
    assert seen == [list(range(2, 42))] * 3


async def test_long_past_is_replayed(stub: Any) -> None:
    """More changes than one look at the history holds still come in order."""
    await publish(stub, upload_of({"card.json": b"{}"}))
    for number in range(230):
        request = pb.RecordTestResultRequest(
            model_name=MODEL, version=1, passed=number % 2 == 0, actor="oam", reason="again"
        )
        await stub.RecordTestResult(request)
    call = await watch(stub, resume_after=1)
    assert await positions(call, 230) == list(range(2, 232))
    call.cancel()


@pytest.mark.parametrize("resume_after", [-1, 1, 10**12])
async def test_position_that_never_was(stub: Any, resume_after: int) -> None:
    """A position of the future or before the first is refused: it would wait for ever."""
    with pytest.raises(InvalidArgument) as caught:
        await stub.WatchVersions(pb.WatchVersionsRequest(resume_after=resume_after)).read()
    assert caught.value.metadata["field"] == "resume_after"


async def test_drained_server_says_so(stub: Any, server: NfServer) -> None:
    """A watch ends with DRAINING when the server stops, so that the client connects again."""
    call = await watch(stub)
    stopping = asyncio.create_task(server.stop())
    with pytest.raises(Unavailable) as caught:
        await call.read()
    await stopping
    error: NfError = caught.value
    assert error.reason == "DRAINING"
