"""The MTLF beside a model repository that trusts its key, each a process of its own."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.kafka_node import free_port
from support.nf_process import NfProcess

from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from aimlnf.nwdaf.v1.model_provision_service_pb2_grpc import ModelProvisionServiceStub
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceStub
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.signing import Signer

NO_BROKER = KafkaSettings(bootstrap="127.0.0.1:1")


class MtlfWorld:
    """Two processes; the repository keeps its port when it is started again.

    Args:
        folder: Of their files.
        kafka: Their broker.
        worker: More settings of the MTLF's section `worker`.
        mtlf_port: Where the MTLF serves; 0: anywhere.
        databases: Their URLs by name of the function; SQLite in the folder where left out.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kafka: KafkaSettings = NO_BROKER,
        worker: dict[str, Any] | None = None,
        mtlf_port: int = 0,
        databases: Mapping[str, str] | None = None,
    ) -> None:
        key_file = folder / "mtlf.key"
        Signer.from_file(key_file)
        self.work_folder = folder / "work"
        port = free_port()
        repository_folder, mtlf_folder = folder / "mms", folder / "mtlf"
        repository_folder.mkdir()
        mtlf_folder.mkdir()
        stored = {name: {"database": {"url": url}} for name, url in (databases or {}).items()}
        self.repository = NfProcess(
            "mms_repository",
            {
                **stored.get("mms_repository", {}),
                "server": {"port": port},
                "kafka": kafka.model_dump(),
                "signing": {"trusted_keys": [str(key_file.with_suffix(".pub"))]},
            },
            repository_folder,
        )
        self.mtlf = NfProcess(
            "nwdaf.mtlf",
            {
                **stored.get("nwdaf.mtlf", {}),
                "server": {"port": mtlf_port},
                "kafka": kafka.model_dump(),
                "repository": {"address": f"127.0.0.1:{port}"},
                "signing": {"key_file": str(key_file)},
                "worker": {"folder": str(self.work_folder), "threads": 1, **(worker or {})},
            },
            mtlf_folder,
        )
        self.repository_address = f"127.0.0.1:{port}"

    @asynccontextmanager
    async def training(self) -> AsyncIterator[Any]:
        """A client of the MTLF's ModelTrainingService."""
        async with open_channel(self.mtlf.address, settings=ClientSettings()) as channel:
            yield ModelTrainingServiceStub(channel)

    @asynccontextmanager
    async def provision(self) -> AsyncIterator[Any]:
        """A client of the MTLF's ModelProvisionService."""
        async with open_channel(self.mtlf.address, settings=ClientSettings()) as channel:
            yield ModelProvisionServiceStub(channel)

    @asynccontextmanager
    async def versions(self) -> AsyncIterator[Any]:
        """A client of the repository."""
        async with open_channel(self.repository_address, settings=ClientSettings()) as channel:
            yield ModelRepositoryServiceStub(channel)

    def workers(self) -> list[int]:
        """Processes that train or test in this world's folder, children of theirs included."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                    session = os.getsid(int(entry.name))
                    leader = Path(f"/proc/{session}/cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if str(self.work_folder) in command or str(self.work_folder) in leader:
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        """End both."""
        self.mtlf.kill()
        self.repository.kill()
