"""Two-stage training: diffusion on labels first, then the unrolled sampler on its own decisions."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ml_models.datasets.labelled import LabelledScenarios, digest, generate, take
from ml_models.datasets.scenarios import draw_scenarios
from ml_models.gan_gdm.averaging import MovingAverage
from ml_models.gan_gdm.batches import (
    Batch,
    join_pairs,
    labelled_batch,
    pair_to,
    renumber_pair,
    select_pairs,
    to_torch,
    torch_pair,
)
from ml_models.gan_gdm.checkpoint import Checkpoints, TrainingState
from ml_models.gan_gdm.config import DIFFUSION_STEPS, ConfigError, TrainingConfig
from ml_models.gan_gdm.devices import deterministic, device_name
from ml_models.gan_gdm.losses import (
    adversarial_losses,
    diffusion_loss,
    secrecy_loss,
    single_step_proposal,
)
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.validation import Validation
from radio_math.channel import ContextPair

_REPORTS_PER_STAGE = 20
_VALIDATION = 256
_WARM_UP = 0.05
_CLIP = 1.0
_FEWEST_STEPS = 20  # taken even if the data took all the time: no version is trained in name only
_CALIBRATION_SEED = 7_919  # joined to the data seed: held-out contexts of the same distribution
_UNLABELLED_SEED = 104_729
_PROCESSOR = torch.device("cpu")


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


@dataclass(frozen=True)
class TrainedModel:
    """What a training leaves.

    Attributes:
        config: what it was asked.
        sampler: the model, in evaluation mode.
        discriminator: its critic, kept to continue training.
        history: what was reported on the way.
        data: manifest of the data: counts, seed, digest of the labelled set.
        steps_taken: optimiser steps of each stage; fewer than asked when the time was up.
        validation: the sampler on held-out labelled contexts, empty without labels.
        device: what it was trained on.
    """

    config: TrainingConfig
    sampler: Sampler
    discriminator: Discriminator
    history: list[TrainingProgress]
    data: Mapping[str, Any]
    steps_taken: Mapping[str, int]
    validation: Mapping[str, float] = field(default_factory=dict)
    device: str = "cpu"


class TrainingStopped(Exception):  # noqa: N818 a request that was honoured, not an error
    """The caller asked the training to stop."""


ProgressListener = Callable[[TrainingProgress], None]


def train(
    config: TrainingConfig,
    on_progress: ProgressListener | None = None,
    *,
    parent: Path | None = None,
    labelled: LabelledScenarios | None = None,
    checkpoints: Checkpoints | None = None,
    device: torch.device = _PROCESSOR,
    should_stop: Callable[[], bool] = lambda: False,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> TrainedModel:
    """A trained model; deterministic in its configuration unless `wall_clock_s` ends it early.

    Both networks, all contexts and labels and the random generators live on the device; only
    reports bring numbers back. The model that is returned is on the processor, where its
    reliability is calibrated.

    Args:
        config: the run.
        on_progress: told of progress about twenty times a stage.
        parent: `weights.safetensors` of the version to start from; its feature scales are kept
            and its reliability is calibrated anew for the new data.
        labelled: labelled scenarios to use instead of generating `config.data`'s.
        checkpoints: where the training is kept on the way; with one of the same configuration
            there it goes on from it, to the same weights as without the interruption. Time spent
            before an interruption does not count as `wall_clock_s`.
        device: from `chosen_device`.
        should_stop: asked at every step.
        monotonic_s: a clock that only runs forward [s].

    Raises:
        ConfigError: the parent's weights or the checkpoints do not fit the configuration.
        TrainingStopped: `should_stop` returned true.
    """
    run = _Run(
        config,
        on_progress,
        parent=parent,
        checkpoints=checkpoints,
        device=device,
        should_stop=should_stop,
        monotonic_s=monotonic_s,
    )
    with deterministic(device):
        return run.finish(labelled)


def save_weights(model: TrainedModel, path: Path) -> None:
    """Writes sampler and discriminator as one safetensors file."""
    tensors = {f"sampler.{name}": value for name, value in model.sampler.state_dict().items()}
    critic = model.discriminator.state_dict()
    tensors |= {f"discriminator.{name}": value for name, value in critic.items()}
    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
    partial.replace(path)


def load_weights(path: Path, sampler: Sampler, discriminator: Discriminator | None = None) -> None:
    """Fills the modules from a file that `save_weights` wrote.

    Raises:
        ConfigError: names or shapes do not fit the modules.
    """
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    for prefix, module in (("sampler.", sampler), ("discriminator.", discriminator)):
        if module is None:
            continue
        own = {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise ConfigError(
                f"the weights in {path} do not fit this network; use the parent's network "
                f"configuration ({error})"
            ) from error


class _Run:
    """One training: its modules, its clock, its generator of random numbers."""

    def __init__(
        self,
        config: TrainingConfig,
        on_progress: ProgressListener | None,
        *,
        parent: Path | None,
        checkpoints: Checkpoints | None,
        device: torch.device,
        should_stop: Callable[[], bool],
        monotonic_s: Callable[[], float],
    ) -> None:
        self.config = config
        self.history: list[TrainingProgress] = []
        self.steps_taken = {"diffusion": 0, "secrecy": 0}
        self._on_progress = on_progress
        self._checkpoints = checkpoints
        self._should_stop = should_stop
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s()
        self._device = device
        self._generator = torch.Generator(device).manual_seed(config.seed)
        # For numbers that the host itself needs: it does not wait for a device to draw them.
        self._host_generator = torch.Generator().manual_seed(config.seed)
        self._generators = {"device": self._generator, "host": self._host_generator}
        torch.set_num_threads(config.threads)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.sampler = Sampler(config.network)
            self.discriminator = Discriminator(config.network)
        self._warm = parent is not None
        if parent is not None:
            load_weights(parent, self.sampler, self.discriminator)
        self.sampler.to(device)
        self.discriminator.to(device)
        self._modules: dict[str, nn.Module] = {
            "sampler": self.sampler,
            "discriminator": self.discriminator,
        }
        self._average = None
        if config.ema > 0:
            self._average = MovingAverage(self.sampler.generator, config.ema)
            self._modules["average"] = self._average.module
        self._resumed = None if checkpoints is None else checkpoints.read(config, device.type)

    def finish(self, labelled: LabelledScenarios | None) -> TrainedModel:
        config = self.config
        data = config.data
        if labelled is None and data.labelled > 0:
            labelled = self._labelled()
        batch = None if labelled is None else labelled_batch(labelled).to(self._device)
        held_out = 0 if batch is None else min(_VALIDATION, len(batch.carrier) // 20)
        learn = None if batch is None else batch.rows(slice(held_out, None))
        contexts = self._training_contexts(labelled, held_out)
        on_device = pair_to(contexts, self._device)
        calibration = draw_scenarios(
            data.profile,
            data.calibration,
            (data.seed, _CALIBRATION_SEED),
            processes=data.processes,
        )
        held = to_torch(calibration.estimated)
        if not self._warm:
            self.sampler.features.calibrate(on_device.estimated)
        self._restore()
        self.sampler.train()
        check = Validation(
            None if labelled is None else take(labelled, slice(0, held_out)),
            config.seed,
            self._device,
        )
        if learn is not None and config.diffusion_steps > 0:
            self._diffusion_stage(learn, check)
        if config.secrecy_steps > 0:
            self._secrecy_stage(on_device, learn, check)
        if self._average is not None:
            self.sampler.generator.load_state_dict(self._average.module.state_dict())
        self.sampler.eval()
        validation = check(self.sampler)
        self.sampler.cpu()
        self.discriminator.cpu()
        self._tell("calibrating", 0.0, {})
        self.sampler.reliability.fit(contexts.estimated, held)
        self._tell("calibrating", 1.0, {})
        return TrainedModel(
            config=config,
            sampler=self.sampler,
            discriminator=self.discriminator,
            history=self.history,
            data={
                "labelled": 0 if labelled is None else len(labelled),
                "unlabelled": data.unlabelled,
                "seed": data.seed,
                "digest": None if labelled is None else digest(labelled),
            },
            steps_taken=self.steps_taken,
            validation=validation,
            device=device_name(self._device),
        )

    def _labelled(self) -> LabelledScenarios:
        data = self.config.data
        kept = None if self._checkpoints is None else self._checkpoints.read_labelled(data)
        if kept is not None:
            return kept
        labelled = generate(
            data.profile,
            data.labelled,
            data.seed,
            processes=data.processes,
            on_progress=lambda fraction: self._tell("labelling", fraction, {}),
        )
        if self._checkpoints is not None:
            self._checkpoints.write_labelled(labelled, data)
        return labelled

    def _restore(self) -> None:
        """Takes up what a checkpoint left; its stage takes the rest when it begins."""
        state = self._resumed
        if state is None:
            return
        for name, module in self._modules.items():
            module.load_state_dict(state.modules[name])
        if self._average is not None:
            self._average.steps = sum(state.steps_taken.values())
        for name, generator in self._generators.items():
            generator.set_state(state.generators[name])
        self.steps_taken.update(state.steps_taken)
        self.history[:] = [TrainingProgress(*told) for told in state.history]

    def _training_contexts(self, labelled: LabelledScenarios | None, held_out: int) -> ContextPair:
        """All contexts that may be learned from, labelled or not."""
        data = self.config.data
        parts = []
        if labelled is not None:
            parts.append(select_pairs(torch_pair(labelled.contexts), slice(held_out, None)))
        if data.unlabelled > 0:
            drawn = draw_scenarios(
                data.profile,
                data.unlabelled,
                (data.seed, _UNLABELLED_SEED),
                processes=data.processes,
            )
            parts.append(torch_pair(drawn))
        return join_pairs(parts)

    def _diffusion_stage(self, learn: Batch, check: Validation) -> None:
        if self._resumed is not None and self._resumed.phase != "diffusion":
            return
        config = self.config
        optimiser = torch.optim.AdamW(
            self.sampler.generator.parameters(), lr=config.diffusion_rate, weight_decay=1e-4
        )
        for rows in self._steps(
            "diffusion",
            config.diffusion_steps,
            len(learn.carrier),
            config.diffusion_batch,
            [optimiser],
            config.diffusion_rate,
            check,
        ):
            batch = learn.rows(rows).renumbered(self._generator)
            level = torch.randint(
                1,
                DIFFUSION_STEPS + 1,
                (len(rows),),
                generator=self._generator,
                device=self._device,
            )
            proposal, *_ = single_step_proposal(
                self.sampler, batch, level, self.sampler.alpha_bar, self._generator
            )
            loss = diffusion_loss(proposal, batch)
            self._descend(optimiser, self.sampler.generator, loss)
            check.note(loss_diffusion=loss)

    def _secrecy_stage(self, contexts: ContextPair, learn: Batch | None, check: Validation) -> None:
        config = self.config
        optimiser = torch.optim.AdamW(
            self.sampler.generator.parameters(), lr=config.secrecy_rate, weight_decay=1e-4
        )
        critic_optimiser = torch.optim.AdamW(
            self.discriminator.parameters(), lr=config.secrecy_rate, betas=(0.5, 0.99)
        )
        for rows in self._steps(
            "secrecy",
            config.secrecy_steps,
            len(contexts.estimated.power_budget_w),
            config.secrecy_batch,
            [optimiser, critic_optimiser],
            config.secrecy_rate,
            check,
        ):
            pair = renumber_pair(select_pairs(contexts, rows), self._generator)
            outcome = pair.true if config.outcome == "true" else pair.estimated
            loss, rate = secrecy_loss(
                self.sampler, pair.estimated, outcome, config.samples, self._generator
            )
            check.note(loss_secrecy=loss, sample_rate_bps_hz=rate)
            loss = config.lambda_sec * loss
            critic_loss = None
            if learn is not None and (config.lambda_diff > 0 or config.lambda_gan > 0):
                draw = torch.randint(
                    len(learn.carrier),
                    (2 * config.secrecy_batch,),
                    generator=self._generator,
                    device=self._device,
                )
                batch = learn.rows(draw).renumbered(self._generator)
                steps = self.sampler.steps
                number = int(torch.randint(len(steps), (), generator=self._host_generator))
                diffusion, gan, critic_loss = adversarial_losses(
                    self.sampler, self.discriminator, steps[number], batch, self._generator
                )
                loss = loss + config.lambda_diff * diffusion + config.lambda_gan * gan
                check.note(loss_diffusion=diffusion, loss_gan=gan, loss_critic=critic_loss)
            self._descend(optimiser, self.sampler.generator, loss)
            if critic_loss is not None and config.lambda_gan > 0:
                self._descend(critic_optimiser, self.discriminator, critic_loss)

    def _steps(  # noqa: PLR0917 called twice, side by side
        self,
        phase: str,
        steps: int,
        examples: int,
        size: int,
        optimisers: list[torch.optim.Optimizer],
        peak_rate: float,
        check: Validation,
    ) -> Iterator[Tensor]:
        """Rows of one batch after another, with learning rate, reports, time and stop in hand.

        The learning rate of the first optimiser follows the stage's course, the others keep theirs.
        """
        started = self._monotonic_s()
        left = self._time_left_s()
        reported = -1
        rows = torch.empty(0, dtype=torch.int64, device=self._device)
        first = 0
        if self._resumed is not None and self._resumed.phase == phase:
            first, rows = self._resumed.step, self._resumed.rows.to(self._device)
            for optimiser, kept in zip(optimisers, self._resumed.optimisers, strict=True):
                optimiser.load_state_dict(kept)
            self._resumed = None
        for step in range(first, steps):
            if step > first:
                self._keep(phase, step, optimisers, rows)
            if self._should_stop():
                raise TrainingStopped(f"stopped in the {phase} stage after {step} steps")
            fraction = step / steps
            if left is not None:
                fraction = max(fraction, (self._monotonic_s() - started) / max(left, 1e-9))
                if fraction >= 1 and step >= _FEWEST_STEPS:
                    break
                fraction = min(fraction, 1.0)
            report = int(fraction * _REPORTS_PER_STAGE)
            if report > reported:
                reported = report
                self._report(phase, fraction, check)
            for group in optimisers[0].param_groups:
                group["lr"] = peak_rate * _rate_shape(fraction)
            while len(rows) < size:
                order = torch.randperm(examples, generator=self._generator, device=self._device)
                rows = torch.cat([rows, order])
            yield rows[:size]
            rows = rows[size:]
            self.steps_taken[phase] = step + 1
            if self._average is not None:
                self._average.update(self.sampler.generator)
        self._report(phase, 1.0, check)

    def _report(self, phase: str, fraction: float, check: Validation) -> None:
        with self._averaged():
            self._tell(phase, fraction, {**check.noted(), **check(self.sampler)})

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The sampler with the averaged generator for a while, if there is an average."""
        if self._average is None:
            yield
            return
        own = self.sampler.generator
        self.sampler.generator = self._average.module
        try:
            yield
        finally:
            self.sampler.generator = own

    def _keep(
        self, phase: str, step: int, optimisers: list[torch.optim.Optimizer], rows: Tensor
    ) -> None:
        if self._checkpoints is None or step % self._checkpoints.every_steps > 0:
            return
        state = TrainingState(
            phase=phase,
            step=step,
            modules={name: module.state_dict() for name, module in self._modules.items()},
            optimisers=[optimiser.state_dict() for optimiser in optimisers],
            generators={name: one.get_state() for name, one in self._generators.items()},
            device=self._device.type,
            rows=rows,
            steps_taken=self.steps_taken,
            history=[(told.fraction, told.phase, dict(told.metrics)) for told in self.history],
        )
        self._checkpoints.write(self.config, state)

    def _time_left_s(self) -> float | None:
        budget = self.config.wall_clock_s
        return None if budget is None else budget - (self._monotonic_s() - self._started_s)

    def _descend(self, optimiser: torch.optim.Optimizer, module: nn.Module, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), _CLIP)
        optimiser.step()

    def _tell(self, phase: str, fraction: float, metrics: Mapping[str, float]) -> None:
        """Reports progress; phases weigh as long as they take in the shipped training."""
        weights = {"labelling": 0.2, "diffusion": 0.3, "secrecy": 0.48, "calibrating": 0.02}
        config = self.config
        present = {
            "labelling": config.data.labelled > 0,
            "diffusion": config.diffusion_steps > 0,
            "secrecy": config.secrecy_steps > 0,
            "calibrating": True,
        }
        total = sum(weight for name, weight in weights.items() if present[name])
        names = list(weights)
        before = sum(weights[name] for name in names[: names.index(phase)] if present[name])
        progress = TrainingProgress((before + fraction * weights[phase]) / total, phase, metrics)
        self.history.append(progress)
        if self._on_progress is not None:
            self._on_progress(progress)


def _rate_shape(fraction: float) -> float:
    """Linear warm-up, then half a cosine down to a fiftieth."""
    if fraction < _WARM_UP:
        return max(fraction / _WARM_UP, 0.02)
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (fraction - _WARM_UP) / (1 - _WARM_UP)))
