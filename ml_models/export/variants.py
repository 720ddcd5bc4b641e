"""A smaller artifact from an artifact: pruned, in half precision or in eight-bit integers."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from safetensors.numpy import load_file, save_file

from ml_models.datasets.scenarios import draw_scenarios
from ml_models.export.artifact import (
    GOLDEN_FILE,
    WEIGHTS_FILE,
    config_of_card,
    sha256,
    write_artifact,
    write_card,
)
from ml_models.export.precision import (
    Precision,
    PrecisionError,
    to_half,
    to_int8,
    with_plain_layers,
)
from ml_models.export.pruning import prune_smallest
from ml_models.export.stored import stored_model
from ml_models.onnx_sampler import MODEL_FILE, OnnxSampler, read_card

# Engines that round in other places must still reproduce the golden samples.
TOLERANCES: Mapping[Precision, float] = {Precision.FP16: 1e-2, Precision.INT8: 5e-2}

_CALIBRATION_CONTEXTS, _CALIBRATION_BATCH = 128, 16
_GOLDEN_DRAWN, _GOLDEN_KEPT = 64, 4
_CALIBRATION_SEED, _GOLDEN_SEED = 32_452_843, 49_979_687  # joined to the data seed


def write_variant(
    parent: Path,
    out: Path,
    *,
    precision: Precision = Precision.FP32,
    pruned_share: float = 0.0,
    command: str,
) -> dict[str, Any]:
    """Writes a whole artifact folder; returns its card.

    The weights file holds what a training goes on from, in single precision always. Metrics are
    left out: they are the parent's, and a variant has its own.

    Args:
        parent: artifact folder in single precision.
        out: made if it is not there; files in it are replaced.
        precision: of the network's layers, see `ml_models.export.precision`.
        pruned_share: share of weights that become zero first.
        command: what makes this artifact again.

    Raises:
        PrecisionError: nothing would change, or the parent was reduced already.
        PruningError: the share is none.
    """
    if precision is Precision.FP32 and not pruned_share:
        raise PrecisionError("this would copy the artifact; ask for fp16, int8 or a pruned share")
    origin = read_card(parent)
    with TemporaryDirectory() as scratch:
        source = parent
        if pruned_share:
            source = out if precision is Precision.FP32 else Path(scratch)
            _write_pruned(parent, source, pruned_share)
        if precision is not Precision.FP32:
            _write_reduced(source, out, precision)
    card = read_card(out) | {
        "command": command,
        "metrics": {},
        "parent": {"command": origin["command"], "onnx_sha256": origin["onnx"]["sha256"]},
    }
    if pruned_share:
        card["pruned_share"] = pruned_share
    write_card(card, out)
    return card


def _write_pruned(parent: Path, out: Path, share: float) -> None:
    model = stored_model(parent)
    prune_smallest(model.sampler, share)
    card = read_card(parent)
    write_artifact(model, out, name=card["name"], command=card["command"])


def _write_reduced(source: Path, out: Path, precision: Precision) -> None:
    out.mkdir(parents=True, exist_ok=True)
    whole = onnx.load(source / MODEL_FILE)
    weights = load_file(source / WEIGHTS_FILE)
    if precision is Precision.FP16:
        graph = to_half(whole, weights)
    else:
        graph = to_int8(whole, weights, _calibration(OnnxSampler(source)))
    partial = (out / MODEL_FILE).with_suffix(".partial")
    partial.write_bytes(graph.SerializeToString(deterministic=True))
    partial.replace(out / MODEL_FILE)
    shutil.copyfile(source / WEIGHTS_FILE, out / WEIGHTS_FILE)
    tolerance = TOLERANCES[precision]
    card = read_card(source) | {
        "precision": {
            "layers": precision.value,
            "layers_changed": len(with_plain_layers(whole, weights)[1]),
            "all_else": Precision.FP32.value,
        }
    }
    card["onnx"] = card["onnx"] | {"sha256": sha256(out / MODEL_FILE)}
    write_card(card, out)  # the sampler below reads its signature
    save_file(_golden_samples(OnnxSampler(out), OnnxSampler(source)), out / GOLDEN_FILE)
    card["golden"] = {
        "file": GOLDEN_FILE,
        "sha256": sha256(out / GOLDEN_FILE),
        "tolerance": {"absolute": tolerance, "relative": tolerance},
    }
    write_card(card, out)


def _calibration(model: OnnxSampler) -> list[dict[str, npt.NDArray[Any]]]:
    data = config_of_card(model.card).data
    seed = (data.seed, _CALIBRATION_SEED)
    context = draw_scenarios(data.profile, _CALIBRATION_CONTEXTS, seed).estimated
    rng = np.random.default_rng(seed)
    return [
        model.feeds(context, rng, slice(start, start + _CALIBRATION_BATCH))
        for start in range(0, _CALIBRATION_CONTEXTS, _CALIBRATION_BATCH)
    ]


def _golden_samples(reduced: OnnxSampler, whole: OnnxSampler) -> dict[str, npt.NDArray[Any]]:
    """Inputs, and outputs of the reduced graph through ONNX Runtime.

    Kept are contexts where both graphs choose the same carriers and the best candidate leads
    clearly, so that no rounding of another engine turns the decision.
    """
    data = config_of_card(whole.card).data
    seed = (data.seed, _GOLDEN_SEED)
    context = draw_scenarios(data.profile, _GOLDEN_DRAWN, seed).estimated
    feeds = whole.feeds(context, np.random.default_rng(seed), slice(None))
    outputs, wanted = reduced.run(feeds), whole.run(feeds)
    rates = np.sort(outputs.pop("candidate_rates_bps_hz"), axis=1)
    lead = rates[:, -1] - rates[:, -2] if rates.shape[1] > 1 else rates[:, -1]
    same = (outputs["carrier"] == wanted["carrier"]).all(axis=1)
    kept = np.sort(np.lexsort((-lead, ~same))[:_GOLDEN_KEPT])
    samples = {f"inputs.{name}": value[kept] for name, value in feeds.items()}
    samples |= {f"outputs.{name}": value[kept] for name, value in outputs.items()}
    return {name: np.ascontiguousarray(value) for name, value in samples.items()}
