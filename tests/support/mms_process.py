"""The model repository as a process of its own, that a test can kill and start again."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from support.blobs import blobs_of
from support.mms_uploads import SIGNER_KEY, write_public_key
from support.waiting import wait_until

from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from mms_repository.config import ArtifactSettings
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings

START_TIMEOUT_S = 180.0  # on a machine with other work


class MmsProcess:
    """`python -m mms_repository` on a folder of its own.

    Args:
        folder: Holds configuration, artifacts and, for SQLite, the database.
        database_url: Where the tables are.
        kafka: The section of the settings; by default a broker that is not there.
        upload_keep_s: How long the bytes of an interrupted upload are kept.
        artifacts: Further settings of the section of that name.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        kafka: Mapping[str, Any] | None = None,
        upload_keep_s: float = 0,
        artifacts: Mapping[str, Any] | None = None,
    ) -> None:
        self.artifacts = folder / "artifacts"
        self.address = ""
        self.log = folder / "mms.log"
        self._ready = folder / "ready.json"
        self._config = folder / "mms.yaml"
        self._process: subprocess.Popen[bytes] | None = None
        settings = {
            "server": {
                "port": 0,
                "metrics_port": 0,
                "ready_file": str(self._ready),
                "drain_s": 1.0,
            },
            "database": {"url": database_url},
            "kafka": dict(kafka or {"bootstrap": "127.0.0.1:1"}),
            "artifacts": {
                "folder": str(self.artifacts),
                "orphan_grace_s": 0,
                "upload_keep_s": upload_keep_s,
                **(artifacts or {}),
            },
            "signing": {"trusted_keys": [str(write_public_key(folder / "key.pub", SIGNER_KEY))]},
            "log": {"format": "json"},
        }
        self._config.write_text(yaml.safe_dump(settings))
        self._blobs = blobs_of(ArtifactSettings.model_validate(settings["artifacts"]))

    def start(self) -> None:
        """Return when it serves."""
        process = self.spawn()

        def serving() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"it ended with {process.returncode}:\n{self.log.read_text()}")
            return self._ready.exists()

        wait_until(serving, timeout_s=START_TIMEOUT_S, what="the repository to serve")
        self.address = json.loads(self._ready.read_text())["address"]

    def spawn(self) -> "subprocess.Popen[bytes]":
        """The process, which may not serve yet."""
        self._ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            # No preexec_fn: it makes Popen fork, and gRPC in this process may abort the child.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mms_repository", "--config", str(self._config)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self._process

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can tell."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; its exit status."""
        return self._end(signal.SIGTERM)

    def incoming(self) -> list[Path]:
        """Files and folders of uploads in progress."""
        return sorted((self.artifacts / "incoming").rglob("*"))

    def blobs(self) -> set[str]:
        """Digests of stored artifacts."""
        return self._blobs.digests()

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[Any]:
        """A client that does not try again by itself."""
        settings = ClientSettings(attempts=1, deadline_s=20)
        async with open_channel(self.address, settings=settings) as channel:
            yield ModelRepositoryServiceStub(channel)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(timeout=20)
        self._process = None
        return status
