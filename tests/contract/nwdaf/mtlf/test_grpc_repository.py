"""Transfers to and from a real model repository, broken off and gone on with."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.mms_uploads import files

from aimlnf.mms.v1 import model_repository_service_pb2 as mms_pb
from nf_runtime import artifact_files
from nf_runtime.client import keep_trying, open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings
from nf_runtime.errors import DataLoss
from nf_runtime.signing import Signer
from nwdaf.mtlf.adapters import grpc_repository
from nwdaf.mtlf.adapters.grpc_repository import GrpcRepository
from nwdaf.mtlf.jobs import Profile, TrainingSpec, TrainingType

SPEC = TrainingSpec("gan-gdm", TrainingType.INITIAL_TRAINING, 0, Profile(), 10.0, 1)
CHUNK_BYTES = 16
SENT_AT_FIRST = 6


@pytest.fixture
async def repository(mms: Any, key_file: Path) -> AsyncIterator[GrpcRepository]:
    """The MTLF's side."""
    async with open_channel(mms.address, settings=ClientSettings()) as channel:
        yield GrpcRepository(channel, signer=Signer.from_file(key_file), transfer_deadline_s=10.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artifact of some files."""
    made = tmp_path / "artifact"
    made.mkdir()
    for name, content in files(note="streamed").items():
        (made / name).write_bytes(content)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def test_an_upload_goes_on_where_it_was_broken_off(
    repository: GrpcRepository,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A chunk at a time; what is there is not sent again; a third attempt sends nothing."""
    real, sent, stalled = grpc_repository._requests, [], asyncio.Event()

    async def requests(*given: Any) -> AsyncIterator[mms_pb.UploadModelVersionRequest]:
        async for request in real(*given):
            if request.HasField("chunk"):
                assert len(request.chunk.data) <= CHUNK_BYTES
                if len(sent) == SENT_AT_FIRST and not stalled.is_set():
                    stalled.set()
                    await asyncio.Event().wait()
                sent.append(request.chunk.data)
            yield request

    monkeypatch.setattr(artifact_files, "_CHUNK_BYTES", CHUNK_BYTES)
    monkeypatch.setattr(grpc_repository, "_requests", requests)
    first = asyncio.create_task(repository.publish(SPEC, folder, job_id="job-1", kpis={}))
    await stalled.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    version = await keep_trying(
        lambda: repository.publish(SPEC, folder, job_id="job-1", kpis={}),
        what="the repository",
        clock=SystemClock(),
        stop=asyncio.Event(),
    )
    total = len(sent)
    again = await repository.publish(SPEC, folder, job_id="job-1", kpis={})
    whole, fetched = contents(folder), tmp_path / "fetched"
    fetched.mkdir()
    await repository.fetch("gan-gdm", 1, list(whole), fetched)

    assert version == again == 1
    assert len(sent) == total
    # What was on the way when the connection broke may be sent twice, but not all of it.
    chunks = sum(-(-len(content) // CHUNK_BYTES) for content in whole.values())
    assert chunks <= total < chunks + SENT_AT_FIRST
    assert contents(fetched) == whole


async def test_a_download_goes_on_where_it_was_broken_off(
    repository: GrpcRepository, folder: Path, tmp_path: Path
) -> None:
    """The first bytes are those of an earlier attempt; damaged ones are found and thrown away."""
    version = await repository.publish(SPEC, folder, job_id="job-1", kpis={})
    content = (folder / "model.onnx").read_bytes()
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    partial = fetched / "model.onnx.partial"
    partial.write_bytes(content[:40])
    await repository.fetch("gan-gdm", version, ["model.onnx"], fetched)
    assert (fetched / "model.onnx").read_bytes() == content

    partial.write_bytes(b"x" * 40)
    with pytest.raises(DataLoss) as raised:
        await repository.fetch("gan-gdm", version, ["model.onnx"], fetched)
    assert raised.value.reason == "DIGEST_MISMATCH"
    assert not partial.exists()
