"""Where a training stands, on disk, so that one that was killed ends with the same weights.

A checkpoint holds everything that the next step depends on: weights of both networks, state of
their optimisers, the random generators, and the examples drawn but not yet used. It is written
beside the old one and then put in its place, so that a kill at any moment leaves a whole one.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ml_models.datasets.labelled import LabelledScenarios, load, save
from ml_models.gan_gdm.config import ConfigError, DataConfig, TrainingConfig, config_to_json

_STATE_FILE = "training.pt"
_DATA_FILE = "labelled.safetensors"


@dataclass(frozen=True)
class TrainingState:
    """A training between two steps.

    Attributes:
        phase: the stage it is in.
        step: steps of that stage already taken.
        modules: state of the networks by name.
        optimisers: state of the stage's optimisers, in their order.
        generators: states of the random generators by name.
        device: kind of the device it runs on, which the generators are of.
        rows: examples drawn for the next steps.
        steps_taken: optimiser steps by stage.
        history: what was reported so far, as (fraction, phase, metrics).
    """

    phase: str
    step: int
    modules: Mapping[str, Mapping[str, Tensor]]
    optimisers: list[dict[str, Any]]
    generators: Mapping[str, Tensor]
    device: str
    rows: Tensor
    steps_taken: dict[str, int]
    history: list[tuple[float, str, dict[str, float]]] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoints:
    """The folder of one training's checkpoints; made when the first is written.

    Attributes:
        folder: of this training alone.
        every_steps: optimiser steps from one checkpoint to the next.
    """

    folder: Path
    every_steps: int = 50

    def write(self, config: TrainingConfig, state: TrainingState) -> None:
        """Puts a checkpoint in the place of the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{_STATE_FILE}.partial"
        torch.save({"config": config_to_json(config), **vars(state)}, partial)
        partial.replace(self.folder / _STATE_FILE)

    def read(self, config: TrainingConfig, device: str) -> TrainingState | None:
        """The checkpoint, None if there is none; its tensors are on the processor.

        Raises:
            ConfigError: it belongs to a training with another configuration or on another kind of
                device.
        """
        path = self.folder / _STATE_FILE
        if not path.is_file():
            return None
        # weights_only reads tensors and plain containers: a checkpoint cannot run code.
        stored = torch.load(path, weights_only=True, map_location="cpu")
        if stored.pop("config") != config_to_json(config):
            raise ConfigError(
                f"{path} is of a training with another configuration; go on with that one, or "
                "give another folder"
            )
        if stored["device"] != device:
            raise ConfigError(
                f"{path} is of a training on {stored['device']}, whose random numbers {device} "
                f"does not draw; go on with --device {stored['device']}, or give another folder"
            )
        return TrainingState(**stored)

    def remove(self) -> None:
        """Removes the folder; what it was for is done."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)

    def write_labelled(self, scenarios: LabelledScenarios, data: DataConfig) -> None:
        """Keeps the labelled scenarios, which take minutes to make."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save(scenarios, self.folder / _DATA_FILE, profile=data.profile, seed=data.seed)

    def read_labelled(self, data: DataConfig) -> LabelledScenarios | None:
        """The labelled scenarios, None if there are none.

        Raises:
            ConfigError: they are of another count or seed.
        """
        path = self.folder / _DATA_FILE
        if not path.is_file():
            return None
        scenarios, manifest = load(path)
        if (manifest["count"], manifest["seed"]) != (data.labelled, data.seed):
            raise ConfigError(f"{path} holds other scenarios; give another folder")
        return scenarios
