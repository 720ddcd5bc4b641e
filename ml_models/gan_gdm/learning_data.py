"""What a training learns from and is validated on, drawn once for all its processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ml_models.datasets.labelled import LabelledScenarios, digest, generate, take
from ml_models.datasets.scenarios import draw_scenarios
from ml_models.gan_gdm.batches import (
    Batch,
    join_pairs,
    labelled_batch,
    pair_to,
    select_pairs,
    torch_pair,
)
from ml_models.gan_gdm.checkpoint import Checkpoints
from ml_models.gan_gdm.config import DataConfig, TrainingConfig
from ml_models.gan_gdm.ranks import Ranks
from ml_models.gan_gdm.validation import Validation
from radio_math.channel import ContextPair
from radio_math.context import RadioContext

_VALIDATION = 256
_CALIBRATION_SEED = 7_919  # joined to the data seed: held-out contexts of the same distribution
_UNLABELLED_SEED = 104_729


@dataclass(frozen=True)
class LearningData:
    """The data of a training, on its device but where it says otherwise.

    Attributes:
        labels: labelled contexts to learn from, None without labels.
        contexts: all contexts that may be learned from, labelled or not.
        known: the same as they are estimated, on the processor.
        calibration: contexts kept for the reliability, as they are estimated, on the processor.
        validation: on labels held out.
        manifest: counts, seed, digest of the labelled set.
    """

    labels: Batch | None
    contexts: ContextPair
    known: RadioContext
    calibration: RadioContext
    validation: Validation
    manifest: Mapping[str, Any]


def learning_data(
    config: TrainingConfig,
    labelled: LabelledScenarios | None,
    *,
    checkpoints: Checkpoints | None,
    ranks: Ranks,
    device: torch.device,
    on_labelling: Callable[[float], None],
) -> LearningData:
    """The data of a training; the first process draws them, the others wait and take them over.

    Args:
        config: of the training.
        labelled: labelled scenarios to use instead of generating any.
        checkpoints: where labelled scenarios are kept on the way.
        ranks: the processes of the training.
        device: where the data are to be.
        on_labelling: told the fraction of the labels that are there.
    """
    drawn = _draw(config.data, labelled, checkpoints, on_labelling) if ranks.first else None
    labelled, unlabelled, calibration = ranks.from_first(drawn)
    batch = None if labelled is None else labelled_batch(labelled)
    held_out = 0 if batch is None else min(_VALIDATION, len(batch.carrier) // 20)
    parts = [] if unlabelled is None else [unlabelled]
    if labelled is not None:
        parts = [select_pairs(torch_pair(labelled.contexts), slice(held_out, None)), *parts]
    contexts = join_pairs(parts)
    return LearningData(
        labels=None if batch is None else batch.rows(slice(held_out, None)).to(device),
        contexts=pair_to(contexts, device),
        known=contexts.estimated,
        calibration=calibration.estimated,
        validation=Validation(
            None if labelled is None else take(labelled, slice(0, held_out)), config.seed, device
        ),
        manifest={
            "labelled": 0 if labelled is None else len(labelled),
            "unlabelled": config.data.unlabelled,
            "seed": config.data.seed,
            "digest": None if labelled is None else digest(labelled),
        },
    )


def calibration_contexts(data: DataConfig) -> ContextPair:
    """The contexts that tell what a trained sampler is to say of itself."""
    return _drawn(data, data.calibration, _CALIBRATION_SEED)


def _draw(
    data: DataConfig,
    labelled: LabelledScenarios | None,
    checkpoints: Checkpoints | None,
    on_labelling: Callable[[float], None],
) -> tuple[LabelledScenarios | None, ContextPair | None, ContextPair]:
    if labelled is None and data.labelled > 0:
        labelled = _labelled(data, checkpoints, on_labelling)
    unlabelled = _drawn(data, data.unlabelled, _UNLABELLED_SEED) if data.unlabelled > 0 else None
    return labelled, unlabelled, calibration_contexts(data)


def _labelled(
    data: DataConfig, checkpoints: Checkpoints | None, on_labelling: Callable[[float], None]
) -> LabelledScenarios:
    kept = None if checkpoints is None else checkpoints.read_labelled(data)
    if kept is not None:
        return kept
    labelled = generate(
        data.profile,
        data.labelled,
        data.seed,
        processes=data.processes,
        on_progress=on_labelling,
    )
    if checkpoints is not None:
        checkpoints.write_labelled(labelled, data)
    return labelled


def _drawn(data: DataConfig, count: int, purpose: int) -> ContextPair:
    drawn = draw_scenarios(data.profile, count, (data.seed, purpose), processes=data.processes)
    return torch_pair(drawn)
