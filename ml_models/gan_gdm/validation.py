"""How a sampler does on held-out labels while it is trained."""

import torch
from torch import Tensor

from ml_models.datasets.labelled import LabelledScenarios
from ml_models.gan_gdm.batches import labelled_batch, pair_to, torch_pair
from ml_models.gan_gdm.config import ESTIMATED, EXPECTED, TRUE
from ml_models.gan_gdm.network import VARIABLE
from ml_models.gan_gdm.sampler import Sampler
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate

_TRUE_CHANNEL = "ratio_to_exhaustive_true_channel_one_candidate"
_FIGURES = {
    ESTIMATED: "ratio_to_exhaustive_one_candidate",
    TRUE: _TRUE_CHANNEL,
    EXPECTED: _TRUE_CHANNEL,
}


class Validation:
    """Validation on held-out labels, and the latest losses for the next report."""

    def __init__(self, held_out: LabelledScenarios | None, seed: int, device: torch.device) -> None:
        self._pair = None
        if held_out is not None and len(held_out) > 0:
            self._pair = pair_to(torch_pair(held_out.contexts), device)
            label = labelled_batch(held_out).to(device)
            power_w = torch.as_tensor(held_out.label.power_w).float().to(device)
            self._label = Allocation(label.carrier, power_w, label.index)
        self._seed = seed
        self._device = device
        self._losses: dict[str, Tensor] = {}

    def __call__(self, sampler: Sampler) -> dict[str, float]:
        """Mean rate of one sampled decision over that of the exhaustive search, on each channel."""
        if self._pair is None:
            return {}
        # Drawn on the processor: the same decisions are judged wherever the training runs.
        generator = torch.Generator().manual_seed(self._seed)
        count, users = self._label.carrier.shape
        noise = torch.randn(count, 1, users, VARIABLE, generator=generator)
        latent = torch.randn(
            count, 1, len(sampler.steps), users, sampler.latent_size, generator=generator
        )
        with torch.no_grad():
            decision = sampler(
                self._pair.estimated, noise.to(self._device), latent.to(self._device)
            ).allocation

        def ratio(channel: RadioContext) -> float:
            achieved = sum_secrecy_rate(channel, decision).mean()
            return float(achieved / sum_secrecy_rate(channel, self._label).mean())

        return {
            self.figure(ESTIMATED): ratio(self._pair.estimated),
            self.figure(TRUE): ratio(self._pair.true),
        }

    @staticmethod
    def figure(outcome: str) -> str:
        """Name of the figure that an outcome of `TrainingConfig` is judged by."""
        return _FIGURES[outcome]

    def note(self, **losses: Tensor) -> None:
        """Keeps the latest losses."""
        self._losses.update({name: value.detach() for name, value in losses.items()})

    def noted(self) -> dict[str, float]:
        """The losses that were kept last."""
        return {name: float(value) for name, value in self._losses.items()}
