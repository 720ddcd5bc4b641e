"""Training configurations as JSON."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import ml_models
from ml_models.gan_gdm.config import (
    ConfigError,
    DataConfig,
    NetworkConfig,
    TrainingConfig,
    config_from_json,
    config_to_json,
    load_config,
    quick,
)


def test_round_trip_through_json() -> None:
    """A configuration survives its JSON document."""
    config = TrainingConfig(seed=9, wall_clock_s=3.5, network=NetworkConfig(denoising_steps=2))
    assert config_from_json(json.loads(json.dumps(config_to_json(config)))) == config


def test_missing_keys_keep_defaults_and_integers_become_floats() -> None:
    """An empty object is the default training; 2 is as good as 2.0."""
    assert config_from_json({}) == TrainingConfig()
    nested = config_from_json({"data": {"profile": {"channel": {"rain_mean_db": 2}}}})
    assert isinstance(nested.data.profile.channel.rain_mean_db, float)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"sede": 1}, "sede is unknown"),
        ({"network": {"widht": 1}}, "network.widht is unknown"),
        ({"network": 3}, "must be an object"),
        ({"seed": "one"}, "seed is 'one'"),
        ({"seed": True}, "seed is True"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"wall_clock_s": "soon"}, "wall_clock_s"),
        ({"network": {"denoising_steps": 3}}, "choose one of"),
        ({"network": {"heads": 7}}, "multiple of heads"),
        ({"network": {"leakage_margin": 0}}, "above zero"),
        ({"network": {"stochasticity": 1.5}}, "between 0 and 1"),
        ({"network": {"architecture": "magic"}}, "choose gan_gdm or unfolded"),
        ({"network": {"architecture": "unfolded"}}, "secrecy rate alone"),
        ({"outcome": "hoped for"}, "choose one of"),
        ({"samples": 1}, "at least 2"),
        ({"data": {"labelled": 0}}, "learn from labels"),
    ],
)
def test_wrong_documents_are_refused(document: dict[str, object], reason: str) -> None:
    """The message names the key and what it must be."""
    with pytest.raises(ConfigError, match=reason):
        config_from_json(document)


def test_quick_cuts_down_and_never_adds() -> None:
    """Fewer labels and steps within minutes; what is less already stays."""
    shortened = quick(TrainingConfig())
    assert shortened.data.labelled < TrainingConfig().data.labelled
    assert shortened.wall_clock_s is not None
    small = TrainingConfig(data=DataConfig(labelled=40, calibration=70), diffusion_steps=2)
    assert quick(small) == replace(small, wall_clock_s=shortened.wall_clock_s)


def test_nothing_to_learn_from_is_refused() -> None:
    """Without labels there must be unlabelled contexts."""
    with pytest.raises(ConfigError, match="nothing to learn from"):
        TrainingConfig(
            data=DataConfig(labelled=0), diffusion_steps=0, lambda_gan=0.0, lambda_diff=0.0
        )


def test_shipped_configurations_load() -> None:
    """Every configuration in the package is one that trains."""
    folder = Path(ml_models.__file__).parent / "configs"
    found = sorted(folder.glob("*.json"))
    assert found
    for path in found:
        assert isinstance(load_config(path), TrainingConfig)


def test_a_configuration_may_change_another(tmp_path: Path) -> None:
    """What it leaves out stays as in its base, also inside objects; a circle is refused."""
    (tmp_path / "base.json").write_text('{"seed": 4, "network": {"width": 64, "heads": 8}}')
    (tmp_path / "rival.json").write_text('{"base": "base.json", "network": {"width": 32}}')
    config = load_config(tmp_path / "rival.json")
    assert (config.seed, config.network.width, config.network.heads) == (4, 32, 8)
    (tmp_path / "base.json").write_text('{"base": "rival.json"}')
    with pytest.raises(ConfigError, match="name another file"):
        load_config(tmp_path / "rival.json")


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A missing file and a list are told apart from a configuration."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "missing.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ConfigError, match="one JSON object"):
        load_config(tmp_path / "list.json")
