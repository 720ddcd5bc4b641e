"""The model repository beside copy-then-SHA-256 and MLflow's registry, as ratios in one run.

Both serve over the loopback from processes of their own, with SQLite and files in a folder. MLflow
is installed into an environment of its own under ``.cache`` at the first run. Ours is durable (each
artifact and the row are fsynced) and verified (signature, digest, format, NaN); the copy and MLflow
are neither. Prints a table, asserts nothing: ``python benchmarks/repository.py [--versions N]``.
"""

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from benchmarks.ratios import Ratio, at_least, at_most, compare, show
from mms_repository.adapters import tables
from mms_repository.adapters.sql_models import MIGRATIONS, SqlModels
from mms_repository.manifests import Artifact, ArtifactKind, Manifest, Signature
from mms_repository.models import AliasMove, Model
from mms_repository.ports import ModelWriter, NewVersion
from nf_runtime.artifact_files import artifact_of, digest_of, upload_requests
from nf_runtime.client import open_sync_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings
from nf_runtime.database import Database
from nf_runtime.heap import keep_freed_memory
from nf_runtime.signing import SignedManifest, Signer

PEER_VERSION = "mlflow>=3,<4"
NAME, SMALL_NAME = "gan-gdm", "small"
FILE_NAME = "weights.safetensors"
SIZE_BYTES = 100_000_000
PAGE = 1000
LOOKUPS = 20
DEADLINE_S = 120.0
_STOP_TIMEOUT_S = 10.0
ENVIRONMENT = Path(".cache/benchmarks/mlflow")


def weights(path: Path) -> Path:
    """A safetensors file of about `SIZE_BYTES` with finite random weights."""
    count = SIZE_BYTES // 4
    tensor = {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}
    header = json.dumps({"w": tensor}).encode()
    values = np.random.default_rng(1).standard_normal(count, dtype=np.float32)
    path.write_bytes(struct.pack("<Q", len(header)) + header + values.tobytes())
    return path


class Ours:
    """The repository through its gRPC API.

    Args:
        address: Of its process.
        file: What is published.
        signer: Whom it trusts.
        scratch: For what is fetched.
    """

    def __init__(self, address: str, file: Path, signer: Signer, scratch: Path) -> None:
        self._channel = open_sync_channel(address, settings=ClientSettings(deadline_s=DEADLINE_S))
        self._stub = ModelRepositoryServiceStub(self._channel)
        self._file = file
        self._signer = signer
        self._scratch = scratch
        self._published, self._sha256 = 0, ""
        model = model_pb2.Model(model_name="published", aiml_inference_name="x")
        self._stub.CreateModel(pb.CreateModelRequest(model=model))

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def publish(self) -> None:
        """Hash, sign, send; the version is committed when it returns."""
        artifact = artifact_of(self._file)
        key_id, value = self._signer.sign(SignedManifest("published", 0, [digest_of(artifact)]))
        header = pb.UploadHeader(
            request_id=uuid.uuid4().hex,
            manifest=model_pb2.Manifest(model_name="published", artifacts=[artifact]),
            signature=model_pb2.Signature(key_id=key_id, value=value),
            actor="benchmark",
            reason="measured",
        )
        response = self._stub.UploadModelVersion(self._messages(header))
        self._published, self._sha256 = response.model_version.version, artifact.sha256

    def fetch(self) -> None:
        """To a file, and its digest compared."""
        request = pb.DownloadArtifactRequest(
            model_name="published", version=self._published, file_name=FILE_NAME
        )
        digest = hashlib.sha256()
        with self._scratch.open("wb") as file, ThreadPoolExecutor(1) as hashing:
            for message in self._stub.DownloadArtifact(request, timeout=DEADLINE_S):
                data = message.data
                hashing.submit(digest.update, data)
                file.write(data)
        if digest.hexdigest() != self._sha256:
            raise RuntimeError("the repository gave other bytes than it was given")

    def resolve(self) -> None:
        """The champion, `LOOKUPS` times."""
        for _ in range(LOOKUPS):
            self._stub.GetModelVersion(pb.GetModelVersionRequest(model_name=NAME, alias="champion"))

    def list(self, name: str = NAME) -> None:
        """The first thousand versions."""
        request = pb.ListModelVersionsRequest(model_name=name, page_size=PAGE)
        found = self._stub.ListModelVersions(request).model_versions
        if len(found) != PAGE:
            raise RuntimeError(f"the repository found {len(found)} versions instead of {PAGE}")

    def _messages(self, header: pb.UploadHeader) -> Iterator[pb.UploadModelVersionRequest]:
        yield pb.UploadModelVersionRequest(header=header)
        yield from upload_requests(self._file)


async def fill(url: str, counts: dict[str, int]) -> None:
    """Models with so many versions each, the alias `champion` on the middle one."""
    now = SystemClock().now()
    database = Database(url, tables.metadata, MIGRATIONS)
    await database.open()
    store = SqlModels(database)

    def add(writer: ModelWriter) -> None:
        for name, count in counts.items():
            writer.add_model(Model(name, "x", "", now))
            for number in range(count):
                artifacts = tuple(
                    Artifact(f"f{part}.json", ArtifactKind.JSON, f"{part:064x}", 1)
                    for part in range(3)
                )
                writer.add_version(
                    NewVersion(
                        request_id=f"{name}-{number}",
                        manifest=Manifest(name, 0, artifacts),
                        signature=Signature("k", b"s"),
                        kpis={"ratio": 0.9},
                        training_job_id="",
                        create_time=now,
                    )
                )
            writer.move_alias(name, AliasMove("champion", count // 2, None))

    await store.write(add)
    await database.close()


@contextmanager
def ours(folder: Path, file: Path, version_count: int) -> Iterator[Ours]:
    """A repository that serves from a process of its own."""
    key = folder / "keys" / "signer.key"
    signer = Signer.from_file(key)
    url = f"sqlite:///{folder / 'models.db'}"
    asyncio.run(fill(url, {NAME: version_count, SMALL_NAME: PAGE}))
    ready, config = folder / "ready.json", folder / "mms.yaml"
    settings = {
        "server": {"port": 0, "metrics_port": 0, "ready_file": str(ready)},
        "database": {"url": url},
        "kafka": {"bootstrap": "127.0.0.1:1"},
        "artifacts": {"folder": str(folder / "artifacts")},
        "signing": {"trusted_keys": [str(key.with_suffix(".pub"))]},
        "log": {"format": "json"},
    }
    config.write_text(yaml.safe_dump(settings))
    with serving([sys.executable, "-m", "mms_repository", "--config", str(config)], folder):
        wait_for(ready.exists)
        address = json.loads(ready.read_text())["address"]
        client = Ours(address, file, signer, folder / "fetched")
        try:
            yield client
        finally:
            client.close()


class MlflowPeer:
    """MLflow's client in its own environment, by orders over a pipe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, *order: Any) -> None:
        """Returns when the order is done."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the peer has no pipes")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        if json.loads(self._process.stdout.readline() or '""') != "done":
            raise RuntimeError(f"MLflow did not do {order}")


@contextmanager
def mlflow(folder: Path, file: Path, version_count: int) -> Iterator[MlflowPeer]:
    """MLflow's server and client, each a process of its environment."""
    programs = mlflow_environment() / "bin"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    uri, database = f"http://127.0.0.1:{port}", folder / "mlflow.db"
    server = [
        *(str(programs / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{database}", "--workers", "1"),
        *("--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"),
    ]
    with serving(server, folder):
        wait_for(lambda: answers(f"{uri}/health"))
        client = subprocess.Popen(
            [
                str(programs / "python"),
                str(Path(__file__).with_name("mlflow_peer.py")),
                *(uri, str(database), str(file)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            peer = MlflowPeer(client)
            peer("prepare", NAME, version_count)
            yield peer
        finally:
            client.kill()
            client.wait()


def mlflow_environment() -> Path:
    """The environment with MLflow; made if absent."""
    if not (ENVIRONMENT / "bin" / "mlflow").exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = str(ENVIRONMENT / "bin" / "pip")
        subprocess.run([pip, "install", "--quiet", PEER_VERSION], check=True)
    return ENVIRONMENT.absolute()


@contextmanager
def serving(command: list[str], folder: Path) -> Iterator[None]:
    """A server process that is stopped at the end, with whatever it started."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # MLflow's waits for its workers, at times for ever
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(condition: Any, *, timeout_s: float = 180.0) -> None:
    """Return when the condition holds."""
    clock = SystemClock()
    end_s = clock.monotonic_s() + timeout_s
    while not condition():
        if clock.monotonic_s() > end_s:
            raise TimeoutError("a server did not start; see its log")
        asyncio.run(clock.sleep(0.1))


def answers(url: str) -> bool:
    """Whether something serves there."""
    try:
        urllib.request.urlopen(url).close()  # noqa: S310 - an http URL of this file
    except OSError:
        return False
    return True


def copy_then_hash(file: Path, target: Path) -> None:
    """What any repository does at least: the bytes once more, and their digest."""
    shutil.copyfile(file, target)
    with target.open("rb") as copied:
        hashlib.file_digest(copied, "sha256")


def rows_of(repository: Ours, peer: MlflowPeer, file: Path, scratch: Path) -> list[Ratio]:
    """All ratios, in turns with their peers."""
    size = f"{SIZE_BYTES // 1_000_000} MB"

    def copying() -> None:
        copy_then_hash(file, scratch)

    return [
        compare(
            f"publish {size}",
            "beside copy-then-SHA-256",
            repository.publish,
            copying,
            target=at_least(0.6),
        ),
        compare(
            f"publish {size}",
            "beside MLflow",
            repository.publish,
            lambda: peer("publish", 1),
            target=at_least(15.0),
            repeats=3,
        ),
        compare(
            f"fetch {size}, verified",
            "beside copy-then-SHA-256",
            repository.fetch,
            copying,
            target=at_least(0.65),
        ),
        compare(
            f"fetch {size}, verified",
            "beside MLflow (not verified)",
            repository.fetch,
            lambda: peer("fetch", 1),
            target=at_least(2.0),
            repeats=5,
        ),
        compare(
            "resolve an alias",
            "beside MLflow",
            repository.resolve,
            lambda: peer("resolve", LOOKUPS),
            target=at_least(15.0),
            ours_count=LOOKUPS,
            peer_count=LOOKUPS,
        ),
        compare(
            "list 1,000 versions",
            "beside MLflow",
            repository.list,
            lambda: peer("list", 1),
            target=at_least(40.0),
        ),
        compare(
            "one page of 1,000 versions",
            "of all beside a model that has no more",
            repository.list,
            lambda: repository.list(SMALL_NAME),
            target=at_most(1.1),
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The model repository beside its peers.")
    parser.add_argument("--versions", type=int, default=10_000)
    version_count = parser.parse_args().versions
    keep_freed_memory()  # as the commands that send and fetch files do
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aimlnf-bench-")))
        for name in ("ours", "mlflow"):
            (folder / name).mkdir()
        file = weights(folder / FILE_NAME)
        repository = stack.enter_context(ours(folder / "ours", file, version_count))
        peer = stack.enter_context(mlflow(folder / "mlflow", file, version_count))
        load = [os.getloadavg()[0]]
        rows = rows_of(repository, peer, file, folder / "copied")
        load.append(os.getloadavg()[0])
        show(f"Model repository, {version_count:,} versions", rows)
        print("load: " + ", ".join(f"{value:.1f}" for value in load))


if __name__ == "__main__":
    main()
