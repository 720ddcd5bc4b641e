"""Labelled scenarios: drawn, decided by exhaustive search, kept in one safetensors file.

The file's metadata is the manifest: the profile, count, seed and split it was made from, version
and digest of the code, and the digest of its tensors, so that a data set can be made again and told
from another. There is no date in it: the same set is the same bytes.

`make` can be killed at any point. Every finished block is a file of its own beside the data set
until the whole is written; the next `make` goes on with what is missing.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from ml_models.baselines import ascent, blocks, exhaustive
from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.datasets import scenarios as drawing
from ml_models.datasets import workers
from ml_models.datasets.scenarios import (
    ScenarioProfile,
    Split,
    concatenate,
    draw_scenarios,
    select,
)
from radio_math import (
    arrays,
    beamforming,
    beams,
    channel,
    context,
    doppler,
    ground_stations,
    link,
)
from radio_math.channel import ContextPair
from radio_math.context import Allocation, ContextError, RadioContext

BLOCK = 64
"""Scenarios in a block, the unit of work of one process; part of what a seed means."""

CODE = (
    arrays,
    beamforming,
    beams,
    channel,
    context,
    doppler,
    ground_stations,
    link,
    ascent,
    blocks,
    exhaustive,
    drawing,
    workers,
)
"""Modules that decide what scenarios and labels are; a change in them makes another data set."""


@dataclass(frozen=True)
class LabelledScenarios:
    """Contexts, batch axis first, with the decision of the exhaustive search on the estimates.

    Attributes:
        contexts: true and estimated contexts.
        label: the decision of the exhaustive search on the estimated contexts.
        label_rate_bps_hz: [N] its sum secrecy rate on the estimated contexts.
    """

    contexts: ContextPair
    label: Allocation
    label_rate_bps_hz: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.label_rate_bps_hz)


@dataclass(frozen=True)
class DatasetSpec:
    """What a data set is made from; the same one gives the same scenarios and labels.

    Attributes:
        profile: the distribution to draw from.
        count: how many scenarios.
        seed: names the draw; two seeds share no scenario.
        split: what the set is for; two splits of one seed share no scenario.
    """

    profile: ScenarioProfile
    count: int
    seed: int
    split: Split = Split.TRAIN

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ContextError(f"{self.count} scenarios asked for; generate at least one")

    def manifest(self) -> dict[str, Any]:
        """What can be said of the set before it is made: the specification and the code."""
        return {**asdict(self), "code_version": version("aimlnf"), "code_digest": code_digest()}


def generate(
    profile: ScenarioProfile,
    count: int,
    seed: int,
    *,
    split: Split = Split.TRAIN,
    processes: int = 1,
    on_progress: Callable[[float], None] | None = None,
) -> LabelledScenarios:
    """`count` labelled scenarios; the same for any number of processes.

    Args:
        profile: the distribution to draw from.
        count: how many.
        seed: names the draw; two seeds share no scenario.
        split: what the scenarios are for; two splits of one seed share no scenario.
        processes: worker processes; 1 works in this process.
        on_progress: told the finished fraction, 0 to 1, after each block.

    Raises:
        ContextError: count is below one.
    """
    spec = DatasetSpec(profile, count, seed, split)
    finished: dict[int, LabelledScenarios] = {}
    total = _block_count(spec)

    def done(number: int, block: LabelledScenarios) -> None:
        finished[number] = block
        if on_progress is not None:
            on_progress(len(finished) / total)

    _label_blocks(spec, list(range(total)), processes, done)
    return join([finished[number] for number in range(total)])


def make(
    path: Path,
    spec: DatasetSpec,
    *,
    processes: int = 1,
    on_progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Writes the data set at `path` and returns its manifest; goes on where a killed one stopped.

    However often it was interrupted and however many processes worked, the file has the same bytes.

    Args:
        path: safetensors file to write; blocks wait in a folder of this name and `.blocks`.
        spec: what to make.
        processes: worker processes; 1 works in this process.
        on_progress: told the finished fraction, 0 to 1, at once and after each block.

    Raises:
        ContextError: the waiting blocks belong to another specification or other code.
    """
    folder = path.with_name(path.name + ".blocks")
    folder.mkdir(parents=True, exist_ok=True)
    total = _block_count(spec)
    expected = json.loads(json.dumps(spec.manifest()))
    present = {number for number in range(total) if _block_path(folder, number).exists()}
    for number in present:
        found = read_manifest(_block_path(folder, number))
        if {name: found.get(name) for name in expected} != expected:
            raise ContextError(
                f"{folder} holds blocks of another data set or of other code; remove it, or "
                "write somewhere else"
            )

    def tell() -> None:
        if on_progress is not None:
            on_progress(len(present) / total)

    def done(number: int, block: LabelledScenarios) -> None:
        _write(block, _block_path(folder, number), spec)
        present.add(number)
        tell()

    tell()
    _label_blocks(spec, [n for n in range(total) if n not in present], processes, done)
    parts = [load(_block_path(folder, number))[0] for number in range(total)]
    manifest = _write(join(parts), path, spec)
    shutil.rmtree(folder)
    return manifest


def join(parts: list[LabelledScenarios]) -> LabelledScenarios:
    """Several sets as one, in order."""
    return LabelledScenarios(
        contexts=ContextPair(
            true=concatenate([part.contexts.true for part in parts]),
            estimated=concatenate([part.contexts.estimated for part in parts]),
        ),
        label=Allocation(
            carrier=np.concatenate([part.label.carrier for part in parts]),
            power_w=np.concatenate([part.label.power_w for part in parts]),
            beamformer_index=np.concatenate([part.label.beamformer_index for part in parts]),
        ),
        label_rate_bps_hz=np.concatenate([part.label_rate_bps_hz for part in parts]),
    )


def take(scenarios: LabelledScenarios, rows: slice | npt.NDArray[Any]) -> LabelledScenarios:
    """The chosen rows."""
    label = scenarios.label
    return LabelledScenarios(
        contexts=ContextPair(
            true=select(scenarios.contexts.true, rows),
            estimated=select(scenarios.contexts.estimated, rows),
        ),
        label=Allocation(
            carrier=label.carrier[rows],
            power_w=label.power_w[rows],
            beamformer_index=label.beamformer_index[rows],
        ),
        label_rate_bps_hz=scenarios.label_rate_bps_hz[rows],
    )


def digest(scenarios: LabelledScenarios) -> str:
    """SHA-256 of names, shapes and single-precision values of all tensors."""
    sha = hashlib.sha256()
    for name, tensor in sorted(_tensors(scenarios).items()):
        sha.update(f"{name}{tensor.dtype}{tensor.shape}".encode())
        sha.update(np.ascontiguousarray(tensor).tobytes())
    return sha.hexdigest()


@cache
def code_digest() -> str:
    """SHA-256 of the sources that decide what scenarios and labels are."""
    sha = hashlib.sha256()
    for module in CODE:
        sha.update(module.__name__.encode())
        sha.update(Path(str(module.__file__)).read_bytes())
    return sha.hexdigest()


def save(
    scenarios: LabelledScenarios,
    path: Path,
    *,
    profile: ScenarioProfile,
    seed: int,
    split: Split = Split.TRAIN,
) -> dict[str, Any]:
    """Writes the set in single precision; returns the manifest that went into its metadata."""
    return _write(scenarios, path, DatasetSpec(profile, len(scenarios), seed, split))


def _write(scenarios: LabelledScenarios, path: Path, spec: DatasetSpec) -> dict[str, Any]:
    manifest = {**spec.manifest(), "digest": digest(scenarios)}
    partial = path.with_name(path.name + ".partial")
    save_file(_tensors(scenarios), partial, metadata={"manifest": json.dumps(manifest)})
    partial.replace(path)
    return manifest


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a stored set, without reading its tensors.

    Raises:
        ContextError: the file has none.
    """
    with safe_open(path, framework="numpy") as stored:
        metadata = stored.metadata() or {}
    if "manifest" not in metadata:
        raise ContextError(f"{path} has no manifest; generate the data set again")
    manifest: dict[str, Any] = json.loads(metadata["manifest"])
    return manifest


def load(path: Path) -> tuple[LabelledScenarios, dict[str, Any]]:
    """A stored set and its manifest.

    Raises:
        ContextError: the file has no manifest, or its tensors do not have the digest in it.
    """
    manifest = read_manifest(path)
    tensors = load_file(path)

    def stored(kind: str) -> RadioContext:
        return RadioContext(
            **{item.name: tensors[f"{kind}.{item.name}"] for item in fields(RadioContext)}
        )

    scenarios = LabelledScenarios(
        contexts=ContextPair(true=stored("true"), estimated=stored("estimated")),
        label=Allocation(
            **{item.name: tensors[f"label.{item.name}"] for item in fields(Allocation)}
        ),
        label_rate_bps_hz=tensors["label_rate_bps_hz"],
    )
    if digest(scenarios) != manifest["digest"]:
        raise ContextError(f"{path} does not have the digest of its manifest; generate it again")
    return scenarios, manifest


def _tensors(scenarios: LabelledScenarios) -> dict[str, npt.NDArray[Any]]:
    tensors: dict[str, npt.NDArray[Any]] = {}
    for kind in ("true", "estimated"):
        known = getattr(scenarios.contexts, kind)
        for item in fields(RadioContext):
            tensors[f"{kind}.{item.name}"] = np.asarray(getattr(known, item.name), np.float32)
    tensors["label.carrier"] = np.asarray(scenarios.label.carrier, np.int64)
    tensors["label.power_w"] = np.asarray(scenarios.label.power_w, np.float32)
    tensors["label.beamformer_index"] = np.asarray(scenarios.label.beamformer_index, np.float32)
    tensors["label_rate_bps_hz"] = np.asarray(scenarios.label_rate_bps_hz, np.float32)
    return tensors


def _block_count(spec: DatasetSpec) -> int:
    return -(-spec.count // BLOCK)


def _block_path(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.safetensors"


def _label_blocks(
    spec: DatasetSpec,
    numbers: list[int],
    processes: int,
    done: Callable[[int, LabelledScenarios], None],
) -> None:
    """Labels the blocks of these numbers, telling each as it is finished, in any order."""
    for place, block in workers.results(partial(_label_block, spec), numbers, processes):
        done(numbers[place], block)


def _label_block(spec: DatasetSpec, number: int) -> LabelledScenarios:
    count = min(BLOCK, spec.count - number * BLOCK)
    contexts = draw_scenarios(spec.profile, count, spec.split.seed(spec.seed, number))
    label, rate = _search().decide(contexts.estimated)
    return LabelledScenarios(contexts=contexts, label=label, label_rate_bps_hz=rate)


@cache
def _search() -> ExhaustiveSearch:
    """Enumerated once in each process, which takes half a second."""
    return ExhaustiveSearch()
