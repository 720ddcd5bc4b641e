"""Smaller artifacts from an artifact, made by the command that users type."""

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from ml_models.__main__ import app
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.evaluate import obeys
from ml_models.export.artifact import WEIGHTS_FILE
from ml_models.export.precision import Precision, PrecisionError
from ml_models.export.pruning import PruningError
from ml_models.export.variants import write_variant
from ml_models.onnx_sampler import MODEL_FILE, OnnxSampler, read_card

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 32, 171).estimated
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


def exported(parent: Path, out: Path, *words: str) -> Path:
    """What the export command left."""
    arguments = ["export", "--artifact", str(parent), "--out", str(out), *words]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    card = read_card(out)
    assert json.loads(done.stdout)["golden"] == card["golden"]
    assert card["command"] == f"python -m ml_models {' '.join(arguments)}"
    return out


@pytest.fixture(scope="module")
def half(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network in half precision."""
    return exported(tiny_folder, tmp_path_factory.mktemp("half"), "--precision", "fp16")


@pytest.fixture(scope="module")
def integers(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network in eight-bit integers."""
    return exported(tiny_folder, tmp_path_factory.mktemp("int8"), "--precision", "int8")


@pytest.fixture(scope="module")
def pruned(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network with three quarters of its weights at zero, in half precision."""
    words = ("--precision", "fp16", "--prune", "0.75")
    return exported(tiny_folder, tmp_path_factory.mktemp("pruned"), *words)


def rates(folder: Path) -> npt.NDArray[np.float32]:
    """Rates of all candidates for the same contexts and noise."""
    decision = OnnxSampler(folder).decide(CONTEXT, np.random.default_rng(3))
    assert obeys(decision.allocation, CONTEXT).all()
    return decision.candidate_rates_bps_hz


@pytest.mark.parametrize("kind", ["half", "integers", "pruned"])
def test_a_variant_is_a_whole_artifact(
    kind: str, tiny_folder: Path, request: pytest.FixtureRequest
) -> None:
    """The card describes the files beside it, names its parent and claims none of its figures."""
    folder: Path = request.getfixturevalue(kind)
    card, parent = read_card(folder), read_card(tiny_folder)
    for part in ("onnx", "weights", "golden"):
        content = (folder / card[part]["file"]).read_bytes()
        assert card[part]["sha256"] == hashlib.sha256(content).hexdigest()
    assert card["parent"] == {
        "command": parent["command"],
        "onnx_sha256": parent["onnx"]["sha256"],
    }
    assert card["metrics"] == {}
    assert card["signature"] == parent["signature"]
    assert card["config"] == parent["config"]


@pytest.mark.parametrize("kind", ["half", "integers", "pruned"])
def test_a_variant_reproduces_its_own_golden_samples(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Within a tolerance that another engine's rounding needs."""
    folder: Path = request.getfixturevalue(kind)
    card = read_card(folder)
    stored = load_file(folder / card["golden"]["file"])
    inputs = {n.removeprefix("inputs."): v for n, v in stored.items() if n.startswith("inputs.")}
    got = OnnxSampler(folder).run(inputs)
    outputs = {n.removeprefix("outputs."): v for n, v in stored.items() if n.startswith("outputs.")}
    assert {"carrier", "power_w", "reliability"} <= outputs.keys()
    for name, value in outputs.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-3, atol=1e-3)
    assert 1e-3 < card["golden"]["tolerance"]["relative"] < 0.1


def test_half_precision_is_inside_only(half: Path, tiny_folder: Path) -> None:
    """Layers and their weights are halves; inputs and outputs, and so all physics, are not."""
    graph = onnx.load(half / MODEL_FILE).graph
    assert all(value.type.tensor_type.elem_type == FLOAT for value in graph.input)
    halves = [tensor for tensor in graph.initializer if tensor.data_type == HALF]
    inner = {
        tuple(sorted(value.shape))
        for name, value in load_file(half / WEIGHTS_FILE).items()
        if name.startswith("sampler.generator.")
        and value.ndim == 2
        and not any(side % 8 for side in value.shape)
    }
    # What depends on the noise level alone was worked out at export and is no layer any more.
    assert {tuple(sorted(tensor.dims)) for tensor in halves} <= inner
    assert read_card(half)["precision"]["layers_changed"] >= len(halves) > 0
    # Two carriers that an ESIM wants alike may change places; that is another candidate.
    assert np.isclose(rates(half), rates(tiny_folder), rtol=0.02, atol=0.02).mean() > 0.95


def test_integers_cost_little(integers: Path, tiny_folder: Path) -> None:
    """Weights are eight-bit integers; the mean of the candidates' rates stays."""
    graph = onnx.load(integers / MODEL_FILE).graph
    kinds = {tensor.data_type for tensor in graph.initializer if len(tensor.dims) == 2}
    assert onnx.TensorProto.INT8 in kinds
    assert rates(integers).mean() == pytest.approx(rates(tiny_folder).mean(), rel=0.03)


def test_pruned_weights_are_zero(pruned: Path, tiny_folder: Path) -> None:
    """The stated share of the generator's weights, the smallest, and nothing of the critic."""
    before, after = load_file(tiny_folder / WEIGHTS_FILE), load_file(pruned / WEIGHTS_FILE)
    changed = {name for name, value in after.items() if not np.array_equal(value, before[name])}
    assert changed
    assert all(".generator." in name and name.endswith(".weight") for name in changed)
    gone = np.concatenate([before[name][after[name] == 0] for name in changed])
    left = np.concatenate([after[name][after[name] != 0] for name in changed])
    assert np.abs(gone).max() <= np.abs(left).min()
    assert len(gone) / (len(gone) + len(left)) == pytest.approx(0.75, abs=0.01)


def test_what_makes_no_variant_is_refused(half: Path, tiny_folder: Path, tmp_path: Path) -> None:
    """A copy, a reduced parent, and shares that are none."""
    with pytest.raises(PrecisionError, match="would copy"):
        write_variant(tiny_folder, tmp_path, command="")
    with pytest.raises(PrecisionError, match="reduced already"):
        write_variant(half, tmp_path, precision=Precision.INT8, command="")
    with pytest.raises(PruningError, match="less than 1"):
        write_variant(tiny_folder, tmp_path, pruned_share=1.5, command="")
