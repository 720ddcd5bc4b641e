"""torch and ONNX Runtime compute one sampler."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.export.graph import (
    OPSET,
    TensorSampler,
    input_signature,
    output_signature,
)
from ml_models.gan_gdm.training import TrainedModel
from ml_models.onnx_sampler import MODEL_FILE, OnnxSampler, read_card

TOLERANCE = 1e-4


@pytest.mark.parametrize("batch", [1, 7])
def test_both_runtimes_agree_on_the_same_noise(
    tiny_model: TrainedModel, tiny_folder: Path, batch: int
) -> None:
    """Every output of the graph is torch's within 1e-4, for any batch size."""
    loaded = OnnxSampler(tiny_folder)
    context = draw_scenarios(ScenarioProfile(geometry="mixed"), batch, 111).estimated
    feeds = loaded.feeds(context, np.random.default_rng(1), slice(None))
    got = loaded.run(feeds)
    with torch.no_grad():
        wanted = TensorSampler(tiny_model.sampler)(
            *(
                torch.as_tensor(feeds[entry["name"]])
                for entry in input_signature(tiny_model.config.network)
            )
        )
    for entry, tensor in zip(output_signature(tiny_model.config.network), wanted, strict=True):
        name = entry["name"]
        np.testing.assert_allclose(
            got[name], tensor.numpy(), rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


def test_graph_has_the_signature_of_the_card(tiny_folder: Path) -> None:
    """Names, order and axes of inputs and outputs are the card's, the batch axis free."""
    graph = onnx.load(tiny_folder / MODEL_FILE)
    assert [(item.domain, item.version) for item in graph.opset_import] == [("", OPSET)]
    for values, entries in (
        (graph.graph.input, read_card(tiny_folder)["signature"]["inputs"]),
        (graph.graph.output, read_card(tiny_folder)["signature"]["outputs"]),
    ):
        assert [value.name for value in values] == [entry["name"] for entry in entries]
        for value, entry in zip(values, entries, strict=True):
            axes = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
            assert axes == entry["shape"]


def test_graph_tells_nothing_of_the_machine_that_made_it(tiny_folder: Path) -> None:
    """No traces, no file names, no weights outside."""
    content = (tiny_folder / MODEL_FILE).read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content
    graph = onnx.load(tiny_folder / MODEL_FILE, load_external_data=False).graph
    assert not any(tensor.external_data for tensor in graph.initializer)
