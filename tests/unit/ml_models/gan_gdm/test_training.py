"""Training runs, at a size that takes a second."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ml_models.datasets.labelled import LabelledScenarios, generate
from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.gan_gdm.checkpoint import Checkpoints
from ml_models.gan_gdm.config import ConfigError, DataConfig, NetworkConfig, TrainingConfig
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.training import (
    TrainedModel,
    TrainingProgress,
    TrainingStopped,
    load_weights,
    save_weights,
    train,
)

TINY = TrainingConfig(
    network=NetworkConfig(
        width=16,
        layers=1,
        heads=2,
        denoising_steps=2,
        candidates=3,
        critic_width=16,
        critic_layers=1,
    ),
    data=DataConfig(profile=ScenarioProfile(), labelled=60, calibration=80, seed=91),
    diffusion_steps=6,
    secrecy_steps=3,
    diffusion_batch=32,
    secrecy_batch=4,
)


@pytest.fixture(scope="module")
def labelled() -> LabelledScenarios:
    """The data set that TINY would generate."""
    return generate(TINY.data.profile, TINY.data.labelled, TINY.data.seed)


@pytest.fixture(scope="module")
def trained(labelled: LabelledScenarios) -> TrainedModel:
    """One run of TINY."""
    return train(TINY, labelled=labelled)


def weights_of(model: TrainedModel) -> dict[str, torch.Tensor]:
    """All tensors of the sampler."""
    return model.sampler.state_dict()


def test_training_is_deterministic(trained: TrainedModel, labelled: LabelledScenarios) -> None:
    """The same configuration gives the same weights; another seed gives others."""
    again = train(TINY, labelled=labelled)
    assert all(torch.equal(value, weights_of(again)[n]) for n, value in weights_of(trained).items())
    other = train(replace(TINY, seed=2), labelled=labelled)
    assert not torch.equal(
        trained.sampler.generator.head.weight, other.sampler.generator.head.weight
    )


def test_training_leaves_the_global_generator_alone(labelled: LabelledScenarios) -> None:
    """Seeding is the run's own."""
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    train(replace(TINY, diffusion_steps=1, secrecy_steps=0), labelled=labelled)
    assert torch.equal(before, torch.random.get_rng_state())


def test_progress_runs_from_start_to_end(labelled: LabelledScenarios) -> None:
    """Fractions never fall, end at one and name their phases and losses."""
    told: list[TrainingProgress] = []
    model = train(TINY, told.append, labelled=labelled)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert list(dict.fromkeys(item.phase for item in told)) == [
        "diffusion",
        "secrecy",
        "calibrating",
    ]
    last = [item for item in told if item.phase == "secrecy"][-1].metrics
    assert {"loss_secrecy", "loss_diffusion", "loss_gan", "loss_critic"} <= last.keys()
    assert model.history == told
    assert model.steps_taken == {"diffusion": 6, "secrecy": 3}
    assert 0 < model.validation["ratio_to_exhaustive_one_candidate"] < 1


def test_warm_start_continues_from_the_parent(trained: TrainedModel, tmp_path: Path) -> None:
    """Without labels a child begins at the parent's weights and scales and moves on."""
    save_weights(trained, tmp_path / "weights.safetensors")
    config = replace(
        TINY,
        data=replace(TINY.data, labelled=0, unlabelled=20, seed=92),
        diffusion_steps=0,
        secrecy_steps=0,
        lambda_gan=0.0,
        lambda_diff=0.0,
    )
    same = train(config, parent=tmp_path / "weights.safetensors")
    head = trained.sampler.generator.head.weight
    assert torch.equal(same.sampler.generator.head.weight, head)
    assert torch.equal(same.sampler.features.esim_mean, trained.sampler.features.esim_mean)
    moved = train(replace(config, secrecy_steps=2), parent=tmp_path / "weights.safetensors")
    assert not torch.equal(moved.sampler.generator.head.weight, head)
    assert moved.validation == {}


def test_time_ends_a_training(labelled: LabelledScenarios) -> None:
    """Steps that the wall clock does not allow are left out; the model is whole all the same."""
    now = iter(range(10_000))
    config = replace(TINY, diffusion_steps=5000, secrecy_steps=5000, wall_clock_s=40.0)
    model = train(config, labelled=labelled, monotonic_s=lambda: float(next(now)))
    assert 5 < model.steps_taken["diffusion"] + model.steps_taken["secrecy"] < 60
    assert model.history[-1].fraction == pytest.approx(1.0)


def test_training_stops_when_asked(labelled: LabelledScenarios) -> None:
    """The request is honoured at the next step."""
    asked = iter([False, False, True])
    with pytest.raises(TrainingStopped, match="after 2 steps"):
        train(TINY, labelled=labelled, should_stop=lambda: next(asked))


def test_averaged_weights_are_validated_and_kept(
    trained: TrainedModel, labelled: LabelledScenarios, tmp_path: Path
) -> None:
    """The average lags behind the last weights, and an interruption does not change it."""
    config = replace(TINY, ema=0.9)
    whole = train(config, labelled=labelled)
    head = whole.sampler.generator.head.weight
    assert not torch.equal(head, trained.sampler.generator.head.weight)
    assert whole.history[-3].metrics["ratio_to_exhaustive_one_candidate"] == pytest.approx(
        whole.validation["ratio_to_exhaustive_one_candidate"]
    )
    kept = Checkpoints(tmp_path, every_steps=2)
    asked = iter([False] * 8 + [True])
    with pytest.raises(TrainingStopped):
        train(config, labelled=labelled, checkpoints=kept, should_stop=lambda: next(asked))
    again = train(config, labelled=labelled, checkpoints=kept)
    assert all(torch.equal(value, weights_of(again)[n]) for n, value in weights_of(whole).items())


@pytest.mark.parametrize("steps_before_the_end", [4, 8])
def test_an_interrupted_training_ends_with_the_same_weights(
    trained: TrainedModel, labelled: LabelledScenarios, tmp_path: Path, steps_before_the_end: int
) -> None:
    """Stopped in either stage, it goes on from the checkpoint as if nothing had happened."""
    kept = Checkpoints(tmp_path, every_steps=2)
    asked = iter([False] * steps_before_the_end + [True])
    with pytest.raises(TrainingStopped):
        train(TINY, labelled=labelled, checkpoints=kept, should_stop=lambda: next(asked))
    resumed = kept.read(TINY, "cpu")
    assert resumed is not None
    assert resumed.phase == ("diffusion" if steps_before_the_end == 4 else "secrecy")
    again = train(TINY, labelled=labelled, checkpoints=kept)
    assert all(torch.equal(value, weights_of(again)[n]) for n, value in weights_of(trained).items())
    assert again.steps_taken == trained.steps_taken


def test_checkpoints_keep_the_labels_and_know_their_training(tmp_path: Path) -> None:
    """Labels are made once; another configuration may not go on from these checkpoints."""
    kept = Checkpoints(tmp_path, every_steps=2)
    first = train(TINY, checkpoints=kept)
    told: list[TrainingProgress] = []
    again = train(TINY, told.append, checkpoints=kept)
    assert "labelling" not in {progress.phase for progress in told}
    assert all(torch.equal(value, weights_of(again)[n]) for n, value in weights_of(first).items())
    with pytest.raises(ConfigError, match="another configuration"):
        train(replace(TINY, seed=3), checkpoints=kept)
    with pytest.raises(ConfigError, match="go on with --device cpu"):
        kept.read(TINY, "cuda")


def test_weights_of_another_network_are_refused(trained: TrainedModel, tmp_path: Path) -> None:
    """A parent of another shape does not load half-way."""
    save_weights(trained, tmp_path / "weights.safetensors")
    wider = Sampler(NetworkConfig(width=32, layers=1, heads=2))
    with pytest.raises(ConfigError, match="do not fit this network"):
        load_weights(tmp_path / "weights.safetensors", wider)
