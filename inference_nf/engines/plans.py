"""Compiled plans on this machine's disk, each under everything that it depends on.

A plan is only good for the graph, the library version, the GPU, the precision and the shapes that
it was compiled for. All of them are in the name and in the header of its file: a plan that belongs
to something else, or whose bytes were damaged, is never handed out. Several processes may share a
folder: a file appears whole or not at all, and of those that need the same plan one compiles it
while the others wait. A process that is killed meanwhile gives the lock up with its life.

Not modelled: removal of plans that no version uses any more.
"""

import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from nf_runtime.errors import FailedPrecondition

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PlanKey:
    """What a plan depends on.

    Attributes:
        artifact_sha256: Of the ONNX graph.
        library: Flavour and version, e.g. ``tensorrt_rtx 1.7.1``.
        gpu: Name and compute capability.
        precision: Of the linear layers, ``fp32`` or ``fp16``.
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

    def loaded(
        self, key: PlanKey, *, load: Callable[[bytes], T | None], compile_plan: Callable[[], bytes]
    ) -> T:
        """What `load` makes of the plan of `key`: the one that is kept, or else a new one.

        Args:
            key: What the plan depends on.
            load: None for a plan that the library does not take; it is then compiled anew.
            compile_plan: Blocks for as long as compiling takes.

        Raises:
            FailedPrecondition: ARTIFACT_REFUSED when the library does not take its own plan either.
        """
        with self._locked(key):
            plan = self.read(key)
            engine = None if plan is None else load(plan)
            if engine is not None:
                return engine
            log.info("compiling plan", artifact_sha256=key.artifact_sha256, library=key.library)
            plan = compile_plan()
            engine = load(plan)
            if engine is None:
                raise FailedPrecondition(
                    f"{key.library} cannot load the plan that it has just compiled",
                    reason="ARTIFACT_REFUSED",
                )
            self.write(key, plan)
            return engine

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

    @contextmanager
    def _locked(self, key: PlanKey) -> Iterator[None]:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for left_over in path.parent.glob(f"{path.name}.*.partial"):
                left_over.unlink(missing_ok=True)
            yield

    def _path(self, key: PlanKey) -> Path:
        return self._folder / f"{hashlib.sha256(key.canonical_bytes()).hexdigest()}.plan"


def _header(key: PlanKey, plan: bytes) -> bytes:
    described = key.canonical_bytes()
    return len(described).to_bytes(4, "big") + described + hashlib.sha256(plan).digest()
