"""How far a training is."""

import pytest

from ml_models.gan_gdm.config import DataConfig, TrainingConfig
from ml_models.gan_gdm.progress import ProgressTeller, TrainingProgress


def test_phases_follow_each_other_without_a_gap() -> None:
    """The end of a phase is the beginning of the next one; what was told is remembered."""
    told: list[TrainingProgress] = []
    teller = ProgressTeller(TrainingConfig(), told.append)
    phases = ("labelling", "diffusion", "secrecy", "calibrating")
    for phase in phases:
        teller.tell(phase, 0.0, {})
        teller.tell(phase, 1.0, {"loss": 2.0})
    fractions = [progress.fraction for progress in told]
    assert (fractions[0], fractions[-1]) == (0.0, pytest.approx(1.0))
    assert fractions[1:-1:2] == pytest.approx(fractions[2::2])
    assert fractions == sorted(fractions)
    assert teller.history == told


def test_phases_that_a_training_has_not_take_no_share() -> None:
    """Without labels it begins with the second stage."""
    config = TrainingConfig(
        data=DataConfig(labelled=0, unlabelled=8),
        diffusion_steps=0,
        lambda_gan=0.0,
        lambda_diff=0.0,
    )
    teller = ProgressTeller(config, None)
    teller.tell("secrecy", 0.0, {})
    teller.tell("secrecy", 1.0, {})
    assert [told.fraction for told in teller.history] == pytest.approx([0.0, 0.96])
