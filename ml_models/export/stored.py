"""A model version from its artifact folder, as a training would have left it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ml_models.datasets.scenarios import draw_scenarios
from ml_models.export.artifact import WEIGHTS_FILE, config_of_card
from ml_models.gan_gdm.batches import to_torch
from ml_models.gan_gdm.calibration import calibrate
from ml_models.gan_gdm.learning_data import calibration_contexts
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.progress import TrainingProgress
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.training import TrainedModel
from ml_models.gan_gdm.weights import CALIBRATED, load_weights
from ml_models.onnx_sampler import read_card

_KNOWN = 8192
_KNOWN_SEED = 86_028_121  # joined to the data seed


def stored_model(folder: Path) -> TrainedModel:
    """The model in an artifact folder.

    Raises:
        ConfigError: its weights do not fit the network of its card.
    """
    return _stored(folder, optional=(), says_confidence=None)


def recalibrated_model(
    folder: Path, *, says_confidence: bool | None = None, processes: int = 1
) -> TrainedModel:
    """The model in an artifact folder with reliability and confidence fitted anew.

    The contexts that tell what is usual are drawn from the distribution of the training, and are
    none of its own.

    Args:
        folder: of the artifact; may hold a calibration of another make.
        says_confidence: whether its decisions are to come with a confidence; None: as it was.
        processes: worker processes that draw contexts.

    Raises:
        ConfigError: its weights do not fit the network of its card.
    """
    model = _stored(folder, optional=CALIBRATED, says_confidence=says_confidence)
    data = model.config.data
    known = draw_scenarios(data.profile, _KNOWN, (data.seed, _KNOWN_SEED), processes=processes)
    held_out = calibration_contexts(data).estimated
    calibrate(model.sampler, to_torch(known.estimated), held_out, model.config.seed)
    return model


def _stored(
    folder: Path, *, optional: tuple[str, ...], says_confidence: bool | None
) -> TrainedModel:
    card = read_card(folder)
    config = config_of_card(card)
    if says_confidence is not None:
        network = replace(config.network, says_confidence=says_confidence)
        config = replace(config, network=network)
    sampler, discriminator = Sampler(config.network), Discriminator(config.network)
    load_weights(folder / WEIGHTS_FILE, sampler, discriminator, optional=optional)
    training = card["training"]
    return TrainedModel(
        config=config,
        sampler=sampler.eval(),
        discriminator=discriminator,
        history=[
            TrainingProgress(told["fraction"], told["phase"], _figures(told["metrics"]))
            for told in training.get("history", [])
        ],
        data=card["data"],
        steps_taken=training["steps"],
        validation=training["validation"],
        device=training.get("device", "cpu"),
        processes=training.get("processes", 1),
    )


def _figures(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in metrics.items()}
