"""How far a training is, for whoever waits for it and for the record of its losses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ml_models.gan_gdm.config import TrainingConfig

LABELLING, DIFFUSION, SECRECY, CALIBRATING = "labelling", "diffusion", "secrecy", "calibrating"
# Phases weigh as long as they take in the shipped training.
_WEIGHTS = {LABELLING: 0.2, DIFFUSION: 0.3, SECRECY: 0.48, CALIBRATING: 0.02}


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        fraction: 0 to 1 of the whole run.
        phase: "labelling", "diffusion", "secrecy" or "calibrating".
        metrics: figures of the phase by name, unit in the name where there is one.
    """

    fraction: float
    phase: str
    metrics: Mapping[str, float]


ProgressListener = Callable[[TrainingProgress], None]


class ProgressTeller:
    """Turns the fraction of a phase into that of the run, tells it and remembers it.

    Attributes:
        history: all that was told.
    """

    def __init__(self, config: TrainingConfig, listener: ProgressListener | None) -> None:
        self.history: list[TrainingProgress] = []
        self._listener = listener
        present = {
            LABELLING: config.data.labelled > 0,
            DIFFUSION: config.diffusion_steps > 0,
            SECRECY: config.secrecy_steps > 0,
            CALIBRATING: True,
        }
        self._weights = {name: value * present[name] for name, value in _WEIGHTS.items()}

    def tell(self, phase: str, fraction: float, metrics: Mapping[str, float]) -> None:
        """Reports a fraction, 0 to 1, of a phase."""
        names = list(_WEIGHTS)
        before = sum(self._weights[name] for name in names[: names.index(phase)])
        whole = sum(self._weights.values())
        told = TrainingProgress((before + fraction * _WEIGHTS[phase]) / whole, phase, metrics)
        self.history.append(told)
        if self._listener is not None:
            self._listener(told)
