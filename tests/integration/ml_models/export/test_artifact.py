"""The folder of a version."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from ml_models.__main__ import app
from ml_models.export.artifact import GOLDEN_FILE, WEIGHTS_FILE, config_of_card, write_card
from ml_models.export.tolerances import measured_tolerances
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.training import TrainedModel
from ml_models.gan_gdm.weights import load_weights
from ml_models.onnx_sampler import CARD_FILE, MODEL_FILE, OnnxSampler, read_card


def test_card_describes_the_files_beside_it(tiny_model: TrainedModel, tiny_folder: Path) -> None:
    """Digests are those of the files; the configuration comes back."""
    card = read_card(tiny_folder)
    for part in ("onnx", "weights", "golden"):
        content = (tiny_folder / card[part]["file"]).read_bytes()
        assert card[part]["sha256"] == hashlib.sha256(content).hexdigest()
    assert config_of_card(card) == tiny_model.config
    assert {"name", "task", "licence", "limits", "data", "metrics", "reliability"} <= card.keys()
    kinds = {entry["name"]: entry["kind"] for entry in card["signature"]["inputs"]}
    assert [name for name, kind in kinds.items() if kind == "standard_normal"] == [
        "noise",
        "latent",
    ]


def test_golden_samples_are_reproduced(tiny_folder: Path) -> None:
    """ONNX Runtime gives the stored outputs for the stored inputs."""
    stored = load_file(tiny_folder / GOLDEN_FILE)
    loaded = OnnxSampler(tiny_folder)
    tolerance = read_card(tiny_folder)["golden"]["tolerance"]
    got = loaded.run(
        {
            name.removeprefix("inputs."): value
            for name, value in stored.items()
            if name.startswith("inputs.")
        }
    )
    outputs = {n.removeprefix("outputs."): v for n, v in stored.items() if n.startswith("outputs.")}
    assert {"carrier", "power_w", "beamformer_index", "reliability"} <= outputs.keys()
    for name, value in outputs.items():
        np.testing.assert_allclose(
            got[name], value, rtol=tolerance["relative"], atol=tolerance["absolute"], err_msg=name
        )


def test_half_precision_has_a_measured_tolerance(tiny_folder: Path, tmp_path: Path) -> None:
    """Wider than that of single precision; none where halving would change a decision."""
    golden = read_card(tiny_folder)["golden"]
    half, whole = golden["tolerance_by_precision"]["fp16"], golden["tolerance"]
    assert whole["absolute"] <= half["absolute"] < 0.05
    stored = load_file(tiny_folder / GOLDEN_FILE)
    stored["outputs.carrier"] = (stored["outputs.carrier"] + 1) % 4
    save_file(stored, tmp_path / GOLDEN_FILE)
    assert measured_tolerances(tiny_folder / MODEL_FILE, tmp_path / GOLDEN_FILE, least=1e-3) == {}


def test_exported_again_it_is_the_same(tiny_folder: Path, tmp_path: Path) -> None:
    """Graph, samples and card come from the weights and the card alone."""
    again = shutil.copytree(tiny_folder, tmp_path / "again")
    (again / MODEL_FILE).unlink()
    done = CliRunner().invoke(app, ["reexport", "--artifact", str(again)])
    assert done.exit_code == 0, done.output
    for name in (MODEL_FILE, GOLDEN_FILE, WEIGHTS_FILE, CARD_FILE):
        assert (again / name).read_bytes() == (tiny_folder / name).read_bytes()


def test_weights_come_back(tiny_model: TrainedModel, tiny_folder: Path) -> None:
    """A sampler filled from the file is the sampler that was trained."""
    fresh = Sampler(tiny_model.config.network)
    load_weights(tiny_folder / WEIGHTS_FILE, fresh)
    for name, value in tiny_model.sampler.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name])


def test_card_holds_numbers_only(tiny_folder: Path, tmp_path: Path) -> None:
    """NaN is no JSON and is refused."""
    with pytest.raises(ValueError, match="JSON compliant"):
        write_card({"metrics": float("nan")}, tmp_path)
    write_card(read_card(tiny_folder), tmp_path)
    assert json.loads((tmp_path / CARD_FILE).read_text()) == read_card(tiny_folder)
