"""The artifact in `models/gan_gdm`: whole, reproducible by its command, and good."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import ml_models
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.evaluate import EvaluationConfig, evaluate
from ml_models.export.artifact import config_of_card
from ml_models.gan_gdm.config import load_config
from ml_models.methods import LEARNED, OWN_MODEL, artifacts_in
from ml_models.onnx_sampler import OnnxSampler, read_card
from ml_models.reliability_figures import reliability_document
from radio_math.channel import ChannelModel

REPOSITORY = Path(ml_models.__file__).parents[1]
FOLDER = REPOSITORY / "models" / "gan_gdm"
MOST_BYTES = 3_000_000


def test_files_are_those_of_the_card() -> None:
    """Digests agree, nothing else lies in the folder, and all of it is small."""
    card = read_card(FOLDER)
    names = {card[part]["file"] for part in ("onnx", "weights", "golden")}
    assert {path.name for path in FOLDER.iterdir()} == names | {"model_card.json"}
    for part in ("onnx", "weights", "golden"):
        content = (FOLDER / card[part]["file"]).read_bytes()
        assert card[part]["sha256"] == hashlib.sha256(content).hexdigest()
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST_BYTES


def test_command_names_the_configuration_it_was_made_with() -> None:
    """The card's command trains with a configuration in this repository, the card's own."""
    card = read_card(FOLDER)
    words = card["command"].split()
    assert words[:4] == ["python", "-m", "ml_models", "train"]
    path = REPOSITORY / words[words.index("--config") + 1]
    assert load_config(path) == config_of_card(card)


def test_golden_samples_are_reproduced() -> None:
    """This machine's ONNX Runtime computes what was stored."""
    card = read_card(FOLDER)
    stored = load_file(FOLDER / card["golden"]["file"])
    inputs = {n.removeprefix("inputs."): v for n, v in stored.items() if n.startswith("inputs.")}
    got = OnnxSampler(FOLDER).run(inputs)
    tolerance = card["golden"]["tolerance"]
    for name, value in stored.items():
        if name.startswith("outputs."):
            np.testing.assert_allclose(
                got[name.removeprefix("outputs.")],
                value,
                rtol=tolerance["relative"],
                atol=tolerance["absolute"],
            )


@pytest.mark.parametrize("geometry", ["reference", "pass"])
def test_above_exhaustive_search(geometry: str) -> None:
    """On a few held-out scenarios at three powers: no violation, and far above exhaustive search.

    It knows what errors of reports cost, so it is the true channel that it is good on; on the
    estimated one it pays for that.
    """
    report = evaluate(
        FOLDER,
        EvaluationConfig(
            profile=ScenarioProfile(geometry=geometry),
            samples=12,
            seed=141,
            powers_dbw=(0.0, 10.0, 25.0),
        ),
    )
    assert report.worst_ratio_estimated > 0.9
    assert report.mean_ratio_true > 1.1
    assert report.violations == 0


def test_reliability_tells_usual_from_unusual() -> None:
    """It is about uniform on its own profile and low for rain fronts and near eavesdroppers."""
    model = OnnxSampler(FOLDER)
    usual = config_of_card(model.card).data.profile
    front = replace(usual, geometry="pass", front_probability=1.0, front_mean_db=10.0)
    near = ChannelModel(eavesdropper_min_m=300.0, eavesdropper_max_m=2000.0)
    mean = [
        model.decide(
            draw_scenarios(profile, 128, 142).estimated, np.random.default_rng(1)
        ).reliability.mean()
        for profile in (usual, front, replace(usual, channel=near))
    ]
    assert 0.4 < mean[0] < 0.6
    assert mean[1] < 0.25
    assert mean[2] < 0.1


def test_reliability_tells_shifts_that_it_never_saw() -> None:
    """Stations next to the ESIMs nearly always, the mean shift mostly, and in windows surely."""
    model = OnnxSampler(FOLDER)
    usual = config_of_card(model.card).data.profile
    told = reliability_document({OWN_MODEL: model}, OWN_MODEL, usual, samples=48, seed=181)
    assert told["auroc"]["near_eavesdroppers"] > 0.95
    assert told["mean_auroc"] > 0.85
    assert told["mean_auroc_window"] > 0.95


def test_card_tells_the_figures() -> None:
    """Both profiles were evaluated at all six powers, above exhaustive on the true channel."""
    metrics = read_card(FOLDER)["metrics"]
    assert metrics.keys() == {"reference", "pass"}
    for figures in metrics.values():
        assert list(figures["powers"]) == ["0", "5", "10", "15", "20", "25"]
        assert figures["mean_ratio_true"] > 1.0
        assert figures["violations"] == 0


def test_every_learned_rival_is_there() -> None:
    """What the comparison names stands in `models/`, each file as its card says."""
    artifacts = artifacts_in(FOLDER.parent)
    assert set(artifacts) == set(LEARNED)
    for folder in artifacts.values():
        card = read_card(folder)
        content = (folder / card["onnx"]["file"]).read_bytes()
        assert card["onnx"]["sha256"] == hashlib.sha256(content).hexdigest()
