"""The folder of a model version: graph, weights, card and golden samples."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

from ml_models.datasets.scenarios import draw_scenarios
from ml_models.export.graph import (
    CONTEXT_INPUTS,
    OPSET,
    TensorSampler,
    export_onnx,
    input_signature,
    output_signature,
)
from ml_models.export.long_chain import export_long_chain
from ml_models.export.tolerances import measured_tolerances
from ml_models.gan_gdm.config import (
    FEW_STEP_COUNTS,
    TrainingConfig,
    config_from_json,
    config_to_json,
)
from ml_models.gan_gdm.training import TrainedModel
from ml_models.gan_gdm.weights import save_weights
from ml_models.onnx_sampler import CARD_FILE, MODEL_FILE

WEIGHTS_FILE = "weights.safetensors"
GOLDEN_FILE = "golden.safetensors"
GOLDEN_TOLERANCE = 1e-3
_GOLDEN_DRAWN = 64
_GOLDEN_KEPT = 4
_GOLDEN_SEED = 15_485_863  # joined to the data seed
_TASK = (
    "Joint secure beamforming, carrier and power allocation of ESIMs on an NTN uplink: one radio "
    "context in, one decision out"
)
_LIMITS = (
    "10 ESIMs, 8 beams, 4 carriers with at most 4 ESIMs each; other sizes are refused by shape.",
    "Trained on simulated scenarios of config.data.profile; total power from 0 to 25 dBW.",
    "Reliability says how usual a context is among those, not how good the decision is.",
)
_TRUSTS = "Decides on the reported channel and trusts it; errors of reports are not anticipated."
_EXPECTS = (
    "Expects errors of reports as large as those of config.data.profile.channel, and no others; "
    "its predicted rate is an expectation."
)
_UNSTORED = {"candidate_rates_bps_hz"}  # losing candidates may tie between engines


def write_artifact(
    model: TrainedModel,
    folder: Path,
    *,
    name: str = "gan_gdm",
    command: str,
    metrics: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes the four files of a version into `folder`; returns the card.

    Args:
        model: what a training left.
        folder: made if it is not there; files in it are replaced.
        name: of the model.
        command: what makes this artifact again.
        metrics: figures of an evaluation, for the card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(model.sampler, model.discriminator, folder / WEIGHTS_FILE)
    few = model.config.network.denoising_steps in FEW_STEP_COUNTS
    export = export_onnx if few else export_long_chain
    export(model.sampler, folder / MODEL_FILE)
    save_file(golden_samples(model), folder / GOLDEN_FILE)
    card = model_card(model, folder, name=name, command=command, metrics=metrics or {})
    write_card(card, folder)
    return card


def write_card(card: Mapping[str, Any], folder: Path) -> None:
    """Writes the card as readable JSON."""
    partial = folder / f"{CARD_FILE}.partial"
    partial.write_text(json.dumps(card, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(folder / CARD_FILE)


def model_card(
    model: TrainedModel,
    folder: Path,
    *,
    name: str,
    command: str,
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """The card of a version whose other files stand in `folder`; see docs of `write_artifact`."""
    network = model.config.network
    return {
        "name": name,
        "task": _TASK,
        "licence": "Apache-2.0",
        "command": command,
        "config": config_to_json(model.config),
        "data": dict(model.data),
        "training": {
            "steps": dict(model.steps_taken),
            "validation": dict(model.validation),
            "device": model.device,
            "processes": model.processes,
            "threads": model.config.threads,
            "history": _reports(model),
        },
        "metrics": dict(metrics),
        "limits": [*_LIMITS, _EXPECTS if network.expects_errors else _TRUSTS],
        "onnx": {"opset": OPSET, "file": MODEL_FILE, "sha256": sha256(folder / MODEL_FILE)},
        "weights": {"file": WEIGHTS_FILE, "sha256": sha256(folder / WEIGHTS_FILE)},
        "signature": {
            "inputs": input_signature(network),
            "outputs": output_signature(network),
        },
        "reliability": {
            "method": "likelihood of what is peculiar in a context once its geometry is explained, "
            "read as the share of held-out training-like contexts that are as unlikely",
            "range": [0, 1],
            "in_distribution_mean": 0.5,
            "calibration_scenarios": model.config.data.calibration,
        },
        "golden": {
            "file": GOLDEN_FILE,
            "sha256": sha256(folder / GOLDEN_FILE),
            "tolerance": {"absolute": GOLDEN_TOLERANCE, "relative": GOLDEN_TOLERANCE},
            "tolerance_by_precision": measured_tolerances(
                folder / MODEL_FILE, folder / GOLDEN_FILE, least=GOLDEN_TOLERANCE
            ),
        },
    }


def _reports(model: TrainedModel) -> list[dict[str, Any]]:
    """What was reported with figures; one that is no number is null, as JSON has it."""
    return [
        {
            "fraction": round(told.fraction, 4),
            "phase": told.phase,
            "metrics": {
                name: float(f"{value:.5g}") if math.isfinite(value) else None
                for name, value in told.metrics.items()
            },
        }
        for told in model.history
        if told.metrics
    ]


def config_of_card(card: Mapping[str, Any]) -> TrainingConfig:
    """The training configuration of a version, from its card.

    Raises:
        ConfigError: the card holds none that this version of the library knows.
    """
    return config_from_json(card["config"])


def golden_samples(model: TrainedModel) -> dict[str, npt.NDArray[Any]]:
    """A few inputs and outputs, named `inputs.NAME` and `outputs.NAME`, from torch.

    Contexts are kept where the best candidate leads clearly: an engine that rounds differently
    must still find the same winner.
    """
    data, network = model.config.data, model.config.network
    context = draw_scenarios(data.profile, _GOLDEN_DRAWN, (data.seed, _GOLDEN_SEED)).estimated
    rng = np.random.default_rng((data.seed, _GOLDEN_SEED))
    inputs = {}
    for entry in input_signature(network):
        shape = (_GOLDEN_DRAWN, *entry["shape"][1:])
        drawn = (
            np.asarray(getattr(context, entry["name"]))
            if entry["name"] in CONTEXT_INPUTS
            else rng.standard_normal(shape)
        )
        inputs[entry["name"]] = drawn.astype(np.float32)
    with torch.no_grad():
        results = TensorSampler(model.sampler)(*map(torch.as_tensor, inputs.values()))
    names = [entry["name"] for entry in output_signature(network)]
    outputs = {name: value.numpy() for name, value in zip(names, results, strict=True)}
    rates = np.sort(outputs["candidate_rates_bps_hz"], axis=1)
    lead = rates[:, -1] - rates[:, -2] if rates.shape[1] > 1 else rates[:, -1]
    kept = np.sort(np.argsort(-lead)[:_GOLDEN_KEPT])
    samples = {f"inputs.{name}": value[kept] for name, value in inputs.items()}
    samples |= {
        f"outputs.{name}": value[kept] for name, value in outputs.items() if name not in _UNSTORED
    }
    return {name: np.ascontiguousarray(value) for name, value in samples.items()}


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
