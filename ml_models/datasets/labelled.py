"""Labelled scenarios: drawn, decided by exhaustive search, kept in one safetensors file.

The file's metadata is the manifest: the profile, count and seed it was made from and the digest of
its tensors, so that a data set can be made again and told from another.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.datasets.scenarios import ScenarioProfile, concatenate, draw_scenarios, select
from radio_math.channel import ContextPair
from radio_math.context import Allocation, ContextError, RadioContext

BLOCK = 64
"""Scenarios in a block, the unit of work of one process; part of what a seed means."""


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


def generate(
    profile: ScenarioProfile,
    count: int,
    seed: int,
    *,
    processes: int = 1,
    on_progress: Callable[[float], None] | None = None,
) -> LabelledScenarios:
    """`count` labelled scenarios; the same for any number of processes.

    Args:
        profile: the distribution to draw from.
        count: how many.
        seed: names the draw; two seeds share no scenario.
        processes: worker processes; 1 works in this process.
        on_progress: told the finished fraction, 0 to 1, after each block.

    Raises:
        ContextError: count is below one.
    """
    if count < 1:
        raise ContextError(f"{count} scenarios asked for; generate at least one")
    jobs = [
        (profile, min(BLOCK, count - start), (seed, block))
        for block, start in enumerate(range(0, count, BLOCK))
    ]
    blocks: dict[int, LabelledScenarios] = {}

    def done(number: int, block: LabelledScenarios) -> None:
        blocks[number] = block
        if on_progress is not None:
            on_progress(len(blocks) / len(jobs))

    if processes == 1:
        search = ExhaustiveSearch()
        for number, job in enumerate(jobs):
            done(number, _label_block(search, *job))
    else:
        # Spawned, not forked: the caller may hold threads of torch or gRPC.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            shares = [list(range(len(jobs)))[worker::processes] for worker in range(processes)]
            # Each worker builds its search once per submitted job list of a few blocks.
            pending = {
                pool.submit(_label_blocks, [jobs[number] for number in part]): part
                for share in shares
                for part in _parts(share)
            }
            for future in as_completed(pending):
                for number, block in zip(pending[future], future.result(), strict=True):
                    done(number, block)
    return join([blocks[number] for number in range(len(jobs))])


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


def save(
    scenarios: LabelledScenarios, path: Path, *, profile: ScenarioProfile, seed: int
) -> dict[str, Any]:
    """Writes the set in single precision; returns the manifest that went into its metadata."""
    manifest = {
        "profile": asdict(profile),
        "count": len(scenarios),
        "seed": seed,
        "digest": digest(scenarios),
    }
    partial = path.with_suffix(".partial")
    save_file(_tensors(scenarios), partial, metadata={"manifest": json.dumps(manifest)})
    partial.replace(path)
    return manifest


def load(path: Path) -> tuple[LabelledScenarios, dict[str, Any]]:
    """A stored set and its manifest.

    Raises:
        ContextError: the file has no manifest, or its tensors do not have the digest in it.
    """
    with safe_open(path, framework="numpy") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        metadata = stored.metadata() or {}
    if "manifest" not in metadata:
        raise ContextError(f"{path} has no manifest; generate the data set again")
    manifest: dict[str, Any] = json.loads(metadata["manifest"])

    def context(kind: str) -> RadioContext:
        return RadioContext(
            **{item.name: tensors[f"{kind}.{item.name}"] for item in fields(RadioContext)}
        )

    scenarios = LabelledScenarios(
        contexts=ContextPair(true=context("true"), estimated=context("estimated")),
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
        context = getattr(scenarios.contexts, kind)
        for item in fields(RadioContext):
            tensors[f"{kind}.{item.name}"] = np.asarray(getattr(context, item.name), np.float32)
    tensors["label.carrier"] = np.asarray(scenarios.label.carrier, np.int64)
    tensors["label.power_w"] = np.asarray(scenarios.label.power_w, np.float32)
    tensors["label.beamformer_index"] = np.asarray(scenarios.label.beamformer_index, np.float32)
    tensors["label_rate_bps_hz"] = np.asarray(scenarios.label_rate_bps_hz, np.float32)
    return tensors


_Job = tuple[ScenarioProfile, int, tuple[int, int]]


def _label_block(
    search: ExhaustiveSearch, profile: ScenarioProfile, count: int, seed: tuple[int, int]
) -> LabelledScenarios:
    contexts = draw_scenarios(profile, count, seed)
    label, rate = search.decide(contexts.estimated)
    return LabelledScenarios(contexts=contexts, label=label, label_rate_bps_hz=rate)


def _label_blocks(jobs: list[_Job]) -> list[LabelledScenarios]:
    search = ExhaustiveSearch()
    return [_label_block(search, *job) for job in jobs]


def _parts(share: list[int], size: int = 8) -> list[list[int]]:
    return [share[start : start + size] for start in range(0, len(share), size)]
