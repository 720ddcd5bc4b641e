"""How a version in service is trained further: a short warm start on what was observed."""

from dataclasses import replace

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.gan_gdm.config import DataConfig, TrainingConfig

RETRAINING_RATE = 3e-5
"""Peak learning rate: the parent is near its best, larger steps lose a tenth of a point first."""

_CONTEXTS_PER_S = 24  # of the time; a core draws some 180 a second
_FEWEST_CONTEXTS, _MOST_CONTEXTS = 256, 4096
_CALIBRATION = 512
_BATCH = 48
_MOST_STEPS = 100_000  # the clock ends it


def retraining_config(
    parent: TrainingConfig,
    profile: ScenarioProfile,
    *,
    wall_clock_s: float,
    seed: int,
    threads: int = 1,
) -> TrainingConfig:
    """A training that fits a parent version to another distribution within a time.

    It learns from the secrecy rate of the sampler's own decisions alone: in half a minute labels
    would take the time that steps need. The reliability is calibrated to the new profile, so give
    a profile that still holds the usual conditions beside the new ones.

    Args:
        parent: configuration of the parent, from its card; gives the network.
        profile: what was observed.
        wall_clock_s: time for data and optimiser steps together; drawing the contexts takes about
            3 s of it and a seventh of the rest on one core. Export comes on top.
        seed: of scenarios and of the training; another one for each retraining.
        threads: threads of torch.
    """
    contexts = min(max(round(_CONTEXTS_PER_S * wall_clock_s), _FEWEST_CONTEXTS), _MOST_CONTEXTS)
    return replace(
        parent,
        data=DataConfig(
            profile=profile,
            labelled=0,
            unlabelled=contexts,
            seed=seed,
            calibration=_CALIBRATION,
        ),
        seed=seed,
        diffusion_steps=0,
        secrecy_steps=_MOST_STEPS,
        secrecy_batch=_BATCH,
        secrecy_rate=RETRAINING_RATE,
        lambda_gan=0.0,
        lambda_diff=0.0,
        wall_clock_s=wall_clock_s,
        threads=threads,
    )
