"""The short warm start."""

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.gan_gdm.config import NetworkConfig, TrainingConfig
from ml_models.retraining import retraining_config


def test_keeps_the_network_and_needs_no_labels() -> None:
    """The child has the parent's shape, the new profile, and learns from its own rate alone."""
    parent = TrainingConfig(network=NetworkConfig(denoising_steps=2))
    profile = ScenarioProfile(geometry="pass")
    child = retraining_config(parent, profile, wall_clock_s=30.0, seed=5, threads=2)
    assert child.network == parent.network
    assert child.data.profile == profile
    assert child.data.labelled == 0
    assert child.data.unlabelled > 0
    assert (child.diffusion_steps, child.lambda_diff, child.lambda_gan) == (0, 0.0, 0.0)
    assert (child.wall_clock_s, child.threads, child.seed) == (30.0, 2, 5)
