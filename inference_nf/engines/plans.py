"""Compiled plans on this machine's disk, each under everything that it depends on.

A plan is only good for the graph, the library version, the GPU, the precision and the shapes that
it was compiled for. All of them are in the name and in the header of its file: a plan that belongs
to something else, or whose bytes were damaged, is never handed out. Several processes may share a
folder: a file appears whole or not at all.
"""

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PlanKey:
    """What a plan depends on.

    Attributes:
        artifact_sha256: Of the ONNX graph.
        library: Flavour and version, e.g. ``tensorrt_rtx 1.7.1``.
        gpu: Name and compute capability.
        precision: Where it is set; ``graph`` for strongly typed networks.
        profile: Least, usual and greatest batch.
    """

    artifact_sha256: str
    library: str
    gpu: str
    precision: str
    profile: tuple[int, int, int]

    def canonical_bytes(self) -> bytes:
        """The same for equal keys."""
        return json.dumps(asdict(self), sort_keys=True).encode()


class PlanCache:
    """Plans under one folder, which is made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: PlanKey) -> bytes | None:
        """The plan of `key`; None where there is none that is whole and its own."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        header = _header(key, b"")[: -hashlib.sha256().digest_size]
        digest_end = len(header) + hashlib.sha256().digest_size
        plan = content[digest_end:]
        if content[:digest_end] != _header(key, plan):
            log.warning("plan is damaged or foreign; compiling anew", path=str(path))
            path.unlink(missing_ok=True)
            return None
        return plan

    def write(self, key: PlanKey, plan: bytes) -> None:
        """Keep the plan of `key`."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
        with partial.open("wb") as file:
            file.write(_header(key, plan) + plan)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def _path(self, key: PlanKey) -> Path:
        return self._folder / f"{hashlib.sha256(key.canonical_bytes()).hexdigest()}.plan"


def _header(key: PlanKey, plan: bytes) -> bytes:
    described = key.canonical_bytes()
    return len(described).to_bytes(4, "big") + described + hashlib.sha256(plan).digest()
