"""The networks that a training moves: the sampler, its critic, and the average of the former."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.adversary import normalise_spectrally
from ml_models.gan_gdm.averaging import MovingAverage
from ml_models.gan_gdm.config import SPECTRAL_NORM, TrainingConfig
from ml_models.gan_gdm.network import Discriminator, Generator
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.unfolded import UnfoldedOptimiser
from ml_models.gan_gdm.weights import CALIBRATED, LEARNED_BESIDE, load_weights
from radio_math.channel import ContextPair

_CLIP = 1.0


class Players:
    """Sampler and critic on the device, with the weights that the seed or a parent gives them.

    Attributes:
        sampler: what the training is for.
        critic: judges the sampler's generator.
    """

    def __init__(self, config: TrainingConfig, parent: Path | None, device: torch.device) -> None:
        """Raises `ConfigError` if the parent's weights do not fit."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.sampler = Sampler(config.network)
            self.critic = Discriminator(config.network)
            if parent is not None:
                anew = (*CALIBRATED, *LEARNED_BESIDE)
                load_weights(parent, self.sampler, self.critic, optional=anew)
            if config.critic_regularisation == SPECTRAL_NORM:
                normalise_spectrally(self.critic)
        self.sampler.to(device)
        self.critic.to(device)
        self._modules: dict[str, nn.Module] = {"sampler": self.sampler, "critic": self.critic}
        self._average: MovingAverage[Generator | UnfoldedOptimiser] | None = None
        if config.ema > 0:
            self._average = MovingAverage(self.sampler.generator, config.ema)
            self._modules["average"] = self._average.module

    def learn_expectation(self, contexts: ContextPair, random: torch.Generator) -> None:
        """Has the sampler learn what reports mean, if it is one that expects errors."""
        expectation = self.sampler.expectation
        if expectation is None:
            return
        with torch.no_grad():
            features = self.sampler.features(contexts.estimated)
        expectation.learn(features.esim, contexts, random)
        if self._average is not None:
            self._average.module.load_state_dict(self.sampler.generator.state_dict())

    def descend(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        """One step of an optimiser down its loss, cut to unit length of the gradient."""
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in optimiser.param_groups:
            nn.utils.clip_grad_norm_(group["params"], _CLIP)
        optimiser.step()

    def stepped(self) -> None:
        """To be told after every step of the generator."""
        if self._average is not None:
            self._average.update(self.sampler.generator)

    @contextmanager
    def as_kept(self) -> Iterator[Sampler]:
        """The sampler for a while as it would be kept now: with the average, if there is one."""
        own = self.sampler.generator
        if self._average is not None:
            self.sampler.generator = self._average.module
        try:
            yield self.sampler
        finally:
            self.sampler.generator = own

    def keep(self, weights: Mapping[str, Tensor] | None) -> None:
        """Ends the moves of the generator with these weights, None for those it would keep now."""
        with self.as_kept() as sampler:
            kept = sampler.generator.state_dict() if weights is None else weights
        self.sampler.generator.load_state_dict(kept)
        if self._average is not None:
            self._average.module.load_state_dict(kept)

    def state(self) -> dict[str, dict[str, Tensor]]:
        """All weights, for a checkpoint."""
        return {name: module.state_dict() for name, module in self._modules.items()}

    def restore(self, state: Mapping[str, Mapping[str, Tensor]], generator_steps: int) -> None:
        """Goes on where `state` was taken, after so many steps of the generator."""
        for name, module in self._modules.items():
            module.load_state_dict(state[name])
        if self._average is not None:
            self._average.steps = generator_steps
