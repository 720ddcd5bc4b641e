"""A training from its configuration to a model: data, two stages, calibration."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ml_models.datasets.labelled import LabelledScenarios
from ml_models.gan_gdm.adversary import make_plain
from ml_models.gan_gdm.calibration import calibrate
from ml_models.gan_gdm.checkpoint import Checkpoints
from ml_models.gan_gdm.config import TrainingConfig
from ml_models.gan_gdm.course import Course, StageClock, TrainingStopped
from ml_models.gan_gdm.devices import deterministic, device_name
from ml_models.gan_gdm.learning_data import learning_data
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.players import Players
from ml_models.gan_gdm.progress import (
    CALIBRATING,
    LABELLING,
    ProgressListener,
    ProgressTeller,
    TrainingProgress,
)
from ml_models.gan_gdm.randomness import RandomStreams
from ml_models.gan_gdm.ranks import Ranks
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.stages import Stages

__all__ = ["TrainedModel", "TrainingProgress", "TrainingStopped", "train"]

_PROCESSOR = torch.device("cpu")
_ALONE = Ranks()


@dataclass(frozen=True)
class TrainedModel:
    """What a training leaves, on the processor.

    Attributes:
        config: what it was asked.
        sampler: the model, in evaluation mode.
        discriminator: its critic, kept to continue training.
        history: what was reported on the way.
        data: manifest of the data: counts, seed, digest of the labelled set.
        steps_taken: optimiser steps of each stage; fewer than asked when the time was up or
            validation no longer got better.
        validation: the sampler on held-out labelled contexts, empty without labels.
        device: what it was trained on.
        processes: how many trained it together.
    """

    config: TrainingConfig
    sampler: Sampler
    discriminator: Discriminator
    history: list[TrainingProgress]
    data: Mapping[str, Any]
    steps_taken: Mapping[str, int]
    validation: Mapping[str, float] = field(default_factory=dict)
    device: str = "cpu"
    processes: int = 1


def train(
    config: TrainingConfig,
    on_progress: ProgressListener | None = None,
    *,
    parent: Path | None = None,
    labelled: LabelledScenarios | None = None,
    checkpoints: Checkpoints | None = None,
    device: torch.device = _PROCESSOR,
    ranks: Ranks = _ALONE,
    should_stop: Callable[[], bool] = lambda: False,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> TrainedModel:
    """A trained model; deterministic in its configuration unless `wall_clock_s` ends it early.

    Both networks, all contexts and labels and the random generators live on the device; only
    reports bring numbers back. The model that is returned is on the processor, where its
    reliability is calibrated.

    Several processes may train together, each on its part of every batch. The first one draws the
    data, reports, whose losses are those of its own parts, and writes checkpoints. Another number
    of processes draws other random numbers, and so ends with other weights.

    Args:
        config: the run.
        on_progress: told of progress about twenty times a stage.
        parent: `weights.safetensors` of the version to start from; its feature scales are kept
            and its reliability is calibrated anew for the new data.
        labelled: labelled scenarios to use instead of generating `config.data`'s.
        checkpoints: where the training is kept on the way; with one of the same configuration
            there it goes on from it, to the same weights as without the interruption. Time spent
            before an interruption does not count as `wall_clock_s`.
        device: from `chosen_device` or `joined`.
        ranks: the processes that train together, from `joined`.
        should_stop: asked at every step; must say the same in all processes.
        monotonic_s: a clock that only runs forward [s].

    Raises:
        ConfigError: the parent's weights or the checkpoints do not fit the configuration, or
            batches cannot be shared out among the processes.
        TrainingStopped: `should_stop` returned true.
        RanksDivergedError: the processes ended with different weights.
    """
    torch.set_num_threads(config.threads)
    clock = StageClock(config.wall_clock_s, monotonic_s)
    teller = ProgressTeller(config, on_progress)
    streams = RandomStreams(config.seed, ranks.rank, device)
    players = Players(config, parent, device)
    sampler = players.sampler
    course = Course(
        config,
        players,
        streams=streams,
        ranks=ranks,
        device=device,
        clock=clock,
        teller=teller,
        checkpoints=checkpoints,
        should_stop=should_stop,
    )
    with deterministic(device):
        resumed = course.resume()
        data = learning_data(
            config,
            labelled,
            checkpoints=checkpoints,
            ranks=ranks,
            device=device,
            on_labelling=lambda fraction: teller.tell(LABELLING, fraction, {}),
        )
        if parent is None and not resumed:
            sampler.features.calibrate(data.contexts.estimated)
        sampler.train()
        stages = Stages(config, players, data, course=course, streams=streams, ranks=ranks)
        stages.diffusion()
        stages.secrecy()
        players.keep(None)
        sampler.eval()
        validation = data.validation(sampler)
    ranks.check_same(sampler)
    make_plain(players.critic)
    players.critic.cpu()
    sampler.cpu()
    teller.tell(CALIBRATING, 0.0, {})
    calibrate(sampler, data.known, data.calibration, config.seed)
    teller.tell(CALIBRATING, 1.0, {})
    return TrainedModel(
        config=config,
        sampler=sampler,
        discriminator=players.critic,
        history=teller.history,
        data=data.manifest,
        steps_taken=course.steps_taken,
        validation=validation,
        device=device_name(device),
        processes=ranks.count,
    )
