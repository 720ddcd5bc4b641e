"""From a job's spec to what the model library is asked for."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.gan_gdm.config import NetworkConfig, TrainingConfig, config_to_json
from nwdaf.mtlf.jobs import Phase, Profile, TrainingSpec, TrainingType
from nwdaf.mtlf.worker import Progress, scenario_profile, training_config


def task(*, time_budget_s: float = 60.0, threads: int = 2, **more: Any) -> dict[str, Any]:
    """A task as the parent writes it."""
    spec = TrainingSpec(
        "m", TrainingType.INITIAL_TRAINING, 0, Profile("reference"), time_budget_s, 7
    )
    written = {"kind": "train", "threads": threads, "spec": asdict(spec), **more}
    read: dict[str, Any] = json.loads(json.dumps(written))
    return read


def test_a_bare_profile_is_the_named_one() -> None:
    """Nothing that is unset changes it."""
    assert scenario_profile(asdict(Profile("pass"))) == ScenarioProfile(geometry="pass")


def test_what_is_set_specialises_the_profile() -> None:
    """Rain, shadowing, the nearest eavesdropper in metres, and the range of powers."""
    profile = scenario_profile(asdict(Profile("reference", 0.8, 6.0, 3.0, 0.5, (20.0, 5.0, 10.0))))
    assert profile.geometry == "reference"
    assert (profile.min_power_dbw, profile.max_power_dbw) == (5.0, 20.0)
    assert profile.channel.rain_probability == 0.8
    assert profile.channel.rain_mean_db == 6.0
    assert profile.channel.shadowing_sigma_db == 3.0
    assert profile.channel.eavesdropper_min_m == 500.0


@pytest.mark.parametrize(("time_budget_s", "labelled"), [(1.0, 128), (60.0, 480), (3600.0, 10_240)])
def test_a_training_from_nothing_labels_what_it_can_afford(
    time_budget_s: float, labelled: int
) -> None:
    """Two fifths of the time of two threads, within bounds."""
    config, weights = training_config(task(time_budget_s=time_budget_s))
    assert weights is None
    assert config.data.labelled == labelled
    assert (config.wall_clock_s, config.threads, config.seed) == (time_budget_s, 2, 7)
    assert config.data.seed == 7


def test_a_training_from_a_version_keeps_its_network(tmp_path: Path) -> None:
    """The parent's card tells the network; its weights are the start."""
    parent = TrainingConfig(network=NetworkConfig(width=16, layers=1, heads=2))
    card = {"config": config_to_json(parent)}
    (tmp_path / "model_card.json").write_text(json.dumps(card))
    config, weights = training_config(task(time_budget_s=20.0, parent=str(tmp_path)))
    assert weights == tmp_path / "weights.safetensors"
    assert config.network == parent.network
    assert (config.wall_clock_s, config.seed, config.data.seed) == (20.0, 7, 7)
    assert config.data.profile == ScenarioProfile(geometry="reference")


def test_progress_is_a_line_of_json() -> None:
    """One object a line, at once."""
    out = io.StringIO()
    progress = Progress(out)
    progress.tell(0.5, Phase.TRAINING)
    progress.tell(1.0, Phase.EXPORTING)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"fraction": 0.5, "phase": "TRAINING"},
        {"fraction": 1.0, "phase": "EXPORTING"},
    ]
