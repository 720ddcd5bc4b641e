"""The graph as a file: its signature, and nothing else."""

from pathlib import Path

import onnx

from ml_models.export.graph import OPSET
from ml_models.onnx_sampler import MODEL_FILE, read_card


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
