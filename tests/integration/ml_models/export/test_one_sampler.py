"""The graph in ONNX Runtime and the sampler in torch are one, whatever the network.

Candidates are compared by their rates, relative to them, powers as shares of the budget. Where the
best of a context tie within the tolerance, the engines may choose differently: then the rates of
what they chose must agree, and the rest of that decision is not compared.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

import ml_models
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.export.artifact import WEIGHTS_FILE, config_of_card
from ml_models.export.graph import TensorSampler, export_onnx, input_signature, output_signature
from ml_models.gan_gdm.config import NetworkConfig
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.training import TrainedModel
from ml_models.gan_gdm.weights import load_weights
from ml_models.onnx_sampler import CARD_FILE, MODEL_FILE, OnnxSampler, read_card

TOLERANCE = 1e-4
MOST_WAVERING = 0.003  # of all candidates
DECISION = ("carrier", "power_w", "beamformer_index")
SHIPPED = Path(ml_models.__file__).parents[1] / "models" / "gan_gdm"
BASE = NetworkConfig()
SMALL = {
    "two deterministic steps, tight quota": replace(
        BASE,
        width=24,
        layers=2,
        heads=3,
        denoising_steps=2,
        stochasticity=0.0,
        candidates=5,
        quota=3,
    ),
    "unfolded, one candidate, with a margin": replace(
        BASE, architecture="unfolded", width=16, layers=1, candidates=1, leakage_margin=2.0
    ),
}

Outputs = dict[str, npt.NDArray[np.float32]]


def both(sampler: Sampler, loaded: OnnxSampler, batch: int) -> tuple[Outputs, Outputs]:
    """Outputs of ONNX Runtime and of torch for the same contexts and noise."""
    context = draw_scenarios(ScenarioProfile(geometry="mixed"), batch, (111, batch)).estimated
    feeds = loaded.feeds(context, np.random.default_rng(1), slice(None))
    inputs = [torch.as_tensor(feeds[entry["name"]]) for entry in input_signature(sampler.config)]
    with torch.no_grad():
        results = TensorSampler(sampler)(*inputs)
    names = [entry["name"] for entry in output_signature(sampler.config)]
    wanted = {name: value.numpy() for name, value in zip(names, results, strict=True)}
    got = loaded.run(feeds)
    for outputs in (got, wanted):
        outputs["power_w"] = outputs["power_w"] / feeds["power_budget_w"][:, None]
    return got, wanted


def assert_one_sampler(got: Outputs, wanted: Outputs) -> None:
    """Asserts that the outputs are within the tolerance, decisions but for tied candidates."""
    assert got.keys() == wanted.keys()
    differs = np.zeros(len(wanted["carrier"]), dtype=bool)
    for name, value in wanted.items():
        if name == "beamformer_index":
            # An ESIM that wavers between two points of its path may take either, likewise.
            close = np.isclose(got[name], value, rtol=TOLERANCE, atol=TOLERANCE)
            assert close[~differs].mean() >= 1 - MOST_WAVERING
        elif name in DECISION:
            close = np.isclose(got[name], value, rtol=TOLERANCE, atol=TOLERANCE)
            differs |= ~close.all(axis=1)
        elif name == "candidate_rates_bps_hz":
            # A candidate that wavers between two carriers may take either: one in hundreds does.
            close = np.isclose(got[name], value, rtol=TOLERANCE, atol=TOLERANCE)
            assert close.mean() >= 1 - MOST_WAVERING, name
        elif name == "confidence":
            steady = np.isclose(got["candidate_rates_bps_hz"], wanted["candidate_rates_bps_hz"])
            np.testing.assert_allclose(
                got[name][steady.all(axis=1)], value[steady.all(axis=1)], atol=TOLERANCE
            )
        else:
            np.testing.assert_allclose(
                got[name], value, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
            )
    best = np.sort(wanted["candidate_rates_bps_hz"], axis=1)[:, -2:]
    tied = best[:, -1] - best[:, 0] <= 2 * TOLERANCE * np.maximum(1.0, best[:, -1])
    alone = best.shape[1] == 1
    assert not differs.any() if alone else not (differs & ~tied).any()


@pytest.mark.parametrize("batch", [1, 64])
def test_shipped_artifact(batch: int) -> None:
    """The weights in the shipped folder are those of the graph beside them."""
    sampler = Sampler(config_of_card(read_card(SHIPPED)).network).eval()
    load_weights(SHIPPED / WEIGHTS_FILE, sampler)
    assert_one_sampler(*both(sampler, OnnxSampler(SHIPPED), batch))


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_small_trained_network(tiny_model: TrainedModel, tiny_folder: Path, batch: int) -> None:
    """With scales and reliability taken from data; any batch size will do."""
    assert_one_sampler(*both(tiny_model.sampler, OnnxSampler(tiny_folder), batch))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SMALL)
def test_small_random_networks(shape: str, tmp_path: Path) -> None:
    """Whatever the architecture, steps, candidates, quota and margin."""
    torch.manual_seed(17)
    sampler = Sampler(SMALL[shape]).eval()
    export_onnx(sampler, tmp_path / MODEL_FILE)
    signature = {
        "inputs": input_signature(sampler.config),
        "outputs": output_signature(sampler.config),
    }
    (tmp_path / CARD_FILE).write_text(json.dumps({"signature": signature}))
    for batch in (1, 64):
        assert_one_sampler(*both(sampler, OnnxSampler(tmp_path), batch))
