"""A hundred steps in one graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.evaluate import obeys
from ml_models.export.artifact import write_artifact
from ml_models.export.graph import TensorSampler, input_signature, output_signature
from ml_models.export.long_chain import export_long_chain
from ml_models.gan_gdm.config import (
    DIFFUSION_STEPS,
    UNFOLDED,
    ConfigError,
    NetworkConfig,
    TrainingConfig,
)
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.training import TrainedModel
from ml_models.onnx_sampler import MODEL_FILE, OnnxSampler

TOLERANCE = 1e-4
NETWORK = NetworkConfig(
    width=16,
    layers=1,
    heads=2,
    denoising_steps=DIFFUSION_STEPS,
    candidates=2,
    critic_width=16,
    critic_layers=1,
)
CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 7, Split.TEST.seed(113)).estimated


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """Random weights, which the loop must compute with as well as with any others."""
    torch.manual_seed(3)
    sampler = Sampler(NETWORK).eval()
    return TrainedModel(
        TrainingConfig(network=NETWORK), sampler, Discriminator(NETWORK), [], {}, {}
    )


@pytest.fixture(scope="module")
def folder(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its artifact."""
    out = tmp_path_factory.mktemp("long") / "gdm"
    write_artifact(model, out, name="gdm", command="none")
    return out


@pytest.mark.parametrize("batch", [1, 7])
def test_torch_and_the_loop_agree_on_the_same_noise(
    model: TrainedModel, folder: Path, batch: int
) -> None:
    """Every output of the graph is torch's within 1e-4, for any batch size."""
    loaded = OnnxSampler(folder)
    feeds = loaded.feeds(CONTEXT, np.random.default_rng(1), slice(0, batch))
    got = loaded.run(feeds)
    with torch.no_grad():
        wanted = TensorSampler(model.sampler)(
            *(torch.as_tensor(feeds[entry["name"]]) for entry in input_signature(NETWORK))
        )
    for entry, tensor in zip(output_signature(NETWORK), wanted, strict=True):
        name = entry["name"]
        np.testing.assert_allclose(
            got[name], tensor.numpy(), rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


def test_the_graph_is_small_and_its_signature_the_usual_one(folder: Path) -> None:
    """The step stands there once; nothing of the chain shows at the graph's edges."""
    graph = onnx.load(folder / MODEL_FILE).graph
    (loop,) = (node for node in graph.node if node.op_type == "Scan")
    assert len(graph.node) + len(loop.attribute[0].g.node) < 2000
    assert [value.name for value in graph.input] == [e["name"] for e in input_signature(NETWORK)]
    assert [value.name for value in graph.output] == [e["name"] for e in output_signature(NETWORK)]


def test_it_decides_like_any_other_artifact(folder: Path) -> None:
    """Contexts in, feasible decisions out."""
    decision = OnnxSampler(folder).decide(CONTEXT, np.random.default_rng(2))
    assert obeys(decision.allocation, CONTEXT).all()


def test_a_sampler_without_a_chain_is_refused(tmp_path: Path) -> None:
    """The unfolded optimiser has no steps of denoising."""
    sampler = Sampler(NetworkConfig(architecture=UNFOLDED, width=16, layers=1))
    with pytest.raises(ConfigError, match="does not denoise"):
        export_long_chain(sampler, tmp_path / "model.onnx")
