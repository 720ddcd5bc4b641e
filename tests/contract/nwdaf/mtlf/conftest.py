"""The MTLF behind a real socket, beside a model repository that trusts its key."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from fakes.mtlf_peers import FakeWorkshop
from support.mms_server import opened
from support.mms_uploads import SIGNER_KEY, files, write_public_key
from support.running_nf import StartNf, running

from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from mms_repository.config import ArtifactSettings, MmsSettings
from mms_repository.config import SigningSettings as TrustSettings
from nf_runtime.client import open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings, DatabaseSettings, KafkaSettings, ServerSettings
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.outbox import OutboxRelay
from nf_runtime.signing import Signer
from nwdaf.mtlf.app import serve as serve_mtlf
from nwdaf.mtlf.config import MtlfSettings, RepositorySettings, SigningSettings, WorkerSettings
from nwdaf.mtlf.job_folder import ARTIFACT_FOLDER
from nwdaf.mtlf.ports import OnProgress


class ArtifactWorkshop(FakeWorkshop):
    """A training leaves the smallest artifact that the repository accepts."""

    async def work(
        self, task: Mapping[str, Any], folder: Path, on_progress: OnProgress, cancel: asyncio.Event
    ) -> Mapping[str, Any] | None:
        """As the real one."""
        result = await super().work(task, folder, on_progress, cancel)
        if result is not None and task["kind"] == "train":
            _write(folder / ARTIFACT_FOLDER, note=task["job_id"])
        return result


@dataclass
class MmsServer:
    """A running model repository."""

    address: str
    stub: Any


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The MTLF's signing key; its public half lies beside it."""
    path = tmp_path / "mtlf.key"
    Signer.from_file(path)
    return path


@pytest.fixture
async def mms(
    tmp_path: Path, key_file: Path, memory_broker: MemoryBroker
) -> AsyncIterator[MmsServer]:
    """The model repository in this process, which publishes its events and trusts others too."""
    settings = MmsSettings(
        server=ServerSettings(metrics_port=None, drain_s=1.0),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'mms.db'}"),
        artifacts=ArtifactSettings(folder=tmp_path / "artifacts"),
        signing=TrustSettings(
            trusted_keys=(
                key_file.with_suffix(".pub"),
                write_public_key(tmp_path / "other.pub", SIGNER_KEY),
            )
        ),
    )
    clock, stop = SystemClock(), asyncio.Event()
    async with (
        opened(settings, clock=clock) as (server, database),
        EventPublisher(KafkaSettings(), clock=clock, broker=memory_broker) as publisher,
    ):
        relaying = asyncio.create_task(OutboxRelay(database, publisher).run(stop))
        address = await server.start()
        async with open_channel(address, settings=ClientSettings()) as channel:
            yield MmsServer(address, ModelRepositoryServiceStub(channel))
        stop.set()
        await relaying
        await server.stop()


@pytest.fixture
def workshop() -> ArtifactWorkshop:
    """Where the jobs are done; `go` lets them."""
    return ArtifactWorkshop()


@pytest.fixture
def mtlf_settings(tmp_path: Path, key_file: Path, mms: MmsServer) -> MtlfSettings:
    """Free ports, a database of the test's own, room for two waiting jobs."""
    return MtlfSettings(
        server=ServerSettings(metrics_port=None, drain_s=1.0, ready_file=tmp_path / "mtlf.json"),
        client=ClientSettings(deadline_s=5.0, attempts=1),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'mtlf.db'}"),
        repository=RepositorySettings(address=mms.address),
        signing=SigningSettings(key_file=key_file),
        worker=WorkerSettings(folder=tmp_path / "work", most_queued=2),
    )


@pytest.fixture
def start_mtlf(memory_broker: MemoryBroker, workshop: ArtifactWorkshop) -> StartNf[MtlfSettings]:
    """Runs an MTLF with the given settings as long as a block lasts; yields a channel to it."""

    def start(settings: MtlfSettings) -> AbstractAsyncContextManager[grpc.aio.Channel]:
        return running(
            lambda stop: serve_mtlf(settings, stop, broker=memory_broker, workshop=workshop),
            settings,
        )

    return start


@pytest.fixture
async def mtlf(
    mtlf_settings: MtlfSettings, start_mtlf: StartNf[MtlfSettings]
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a running MTLF."""
    async with start_mtlf(mtlf_settings) as channel:
        yield channel


def _write(folder: Path, *, note: str) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, content in files(note=note).items():
        (folder / name).write_bytes(content)
