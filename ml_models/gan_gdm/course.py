"""The course of a training through its stages: batches, rates, reports, time, checkpoints, ends."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ml_models.gan_gdm.best import BestWeights
from ml_models.gan_gdm.checkpoint import Checkpoints, TrainingState
from ml_models.gan_gdm.config import TrainingConfig
from ml_models.gan_gdm.players import Players
from ml_models.gan_gdm.progress import ProgressTeller, TrainingProgress
from ml_models.gan_gdm.randomness import RandomStreams
from ml_models.gan_gdm.ranks import Ranks
from ml_models.gan_gdm.validation import Validation

_REPORTS_PER_STAGE = 20
_WARM_UP = 0.05
_FEWEST_STEPS = 20  # taken even if the data took all the time: no version is trained in name only


class TrainingStopped(Exception):  # noqa: N818 a request that was honoured, not an error
    """The caller asked the training to stop."""


@dataclass(frozen=True)
class Stage:
    """One stage, as its course depends on it.

    Attributes:
        phase: its name.
        steps: optimiser steps to take.
        examples: how many there are.
        batch: how many of them a step takes, in all processes together.
        optimisers: the first one's rate follows the course, the others keep theirs.
        peak_rate: of the first one.
        best: takes the reports, and ends the stage when they no longer get better.
    """

    phase: str
    steps: int
    examples: int
    batch: int
    optimisers: tuple[torch.optim.Optimizer, ...]
    peak_rate: float
    best: BestWeights


class StageClock:
    """The time of a training, which only runs forward, and how much of it is left."""

    def __init__(self, budget_s: float | None, monotonic_s: Callable[[], float]) -> None:
        self._budget_s = budget_s
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s()
        self._stage_s = self._started_s
        self._left_s: float | None = None

    def begin_stage(self) -> None:
        """From now on `passed` is that of the next stage, which gets all the time that is left."""
        self._stage_s = self._monotonic_s()
        if self._budget_s is not None:
            self._left_s = self._budget_s - (self._monotonic_s() - self._started_s)

    def passed(self) -> float | None:
        """The share of the stage's time that has passed; None if time does not matter."""
        if self._left_s is None:
            return None
        return (self._monotonic_s() - self._stage_s) / max(self._left_s, 1e-9)


class Course:
    """Where a training stands between its steps.

    Attributes:
        steps_taken: optimiser steps by stage.
    """

    def __init__(
        self,
        config: TrainingConfig,
        players: Players,
        *,
        streams: RandomStreams,
        ranks: Ranks,
        device: torch.device,
        clock: StageClock,
        teller: ProgressTeller,
        checkpoints: Checkpoints | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self.steps_taken = {"diffusion": 0, "secrecy": 0}
        self._config = config
        self._players = players
        self._streams = streams
        self._ranks = ranks
        self._device = device
        self._clock = clock
        self._teller = teller
        self._checkpoints = checkpoints
        self._should_stop = should_stop
        self._resumed: TrainingState | None = None

    def resume(self) -> bool:
        """Takes up what a checkpoint left, if there is one; its stage takes the rest as it begins.

        Returns:
            Whether there was one.

        Raises:
            ConfigError: the checkpoint is of another training.
        """
        if self._checkpoints is None:
            return False
        place = (self._device.type, self._ranks.count)
        read = self._checkpoints.read(self._config, *place) if self._ranks.first else None
        self._resumed = state = self._ranks.from_first(read)
        if state is None:
            return False
        self._players.restore(state.modules, sum(state.steps_taken.values()))
        self._streams.restore(state.streams[self._ranks.rank])
        self.steps_taken.update(state.steps_taken)
        self._teller.history[:] = [TrainingProgress(*told) for told in state.history]
        return True

    def is_past(self, phase: str) -> bool:
        """Whether the checkpoint that was taken up is of a later stage."""
        return self._resumed is not None and self._resumed.phase != phase

    def is_within(self, phase: str) -> bool:
        """Whether the checkpoint that was taken up is of this stage."""
        return self._resumed is not None and self._resumed.phase == phase

    def run(self, stage: Stage, check: Validation) -> Iterator[Tensor]:
        """The rows of this process for one step after another, to the end of the stage."""
        self._ranks.check_shares(stage.batch, f"the batch of the {stage.phase} stage")
        self._clock.begin_stage()
        rows = torch.empty(0, dtype=torch.int64, device=self._device)
        first, reported = 0, -1
        if self._resumed is not None:
            state, self._resumed = self._resumed, None
            first, reported, rows = state.step, state.reported, state.rows.to(self._device)
            for optimiser, kept in zip(stage.optimisers, state.optimisers, strict=True):
                optimiser.load_state_dict(kept)
            stage.best.restore(state.best)
        for step in range(first, stage.steps):
            if step > first:
                self._keep(stage, step, rows, reported)
            if self._should_stop():
                raise TrainingStopped(f"stopped in the {stage.phase} stage after {step} steps")
            fraction = self._fraction(step, stage.steps)
            if fraction >= 1 and step >= _FEWEST_STEPS:
                break
            report = int(min(fraction, 1.0) * _REPORTS_PER_STAGE)
            if report > reported:
                reported = report
                self._report(stage, min(fraction, 1.0), check)
                if stage.best.exhausted:
                    break
            for group in stage.optimisers[0].param_groups:
                group["lr"] = stage.peak_rate * _rate_shape(min(fraction, 1.0))
            while len(rows) < stage.batch:
                order = torch.randperm(
                    stage.examples, generator=self._streams.shared, device=self._device
                )
                rows = torch.cat([rows, order])
            yield self._ranks.part(rows[: stage.batch])
            rows = rows[stage.batch :]
            self._players.stepped()
            self.steps_taken[stage.phase] = step + 1
        self._report(stage, 1.0, check)

    def _fraction(self, step: int, steps: int) -> float:
        """How far the stage is: by its steps or by its time, whichever is nearer to its end."""
        passed = self._clock.passed()
        if passed is None:
            return step / steps
        # One clock decides for all processes: they must end at the same step.
        return self._ranks.from_first(max(step / steps, passed))

    def _report(self, stage: Stage, fraction: float, check: Validation) -> None:
        with self._players.as_kept() as sampler:
            figures = {**check.noted(), **check(sampler)} if self._ranks.first else None
            figures = self._ranks.from_first(figures)
            stage.best.note(figures.get(check.figure(self._config.outcome)), sampler.generator)
        self._teller.tell(stage.phase, fraction, figures)

    def _keep(self, stage: Stage, step: int, rows: Tensor, reported: int) -> None:
        if self._checkpoints is None or step % self._checkpoints.every_steps > 0:
            return
        streams = self._ranks.of_all(self._streams.state())
        if not self._ranks.first:
            return
        state = TrainingState(
            phase=stage.phase,
            step=step,
            reported=reported,
            modules=self._players.state(),
            optimisers=[optimiser.state_dict() for optimiser in stage.optimisers],
            streams=streams,
            device=self._device.type,
            rows=rows,
            best=stage.best.state(),
            steps_taken=self.steps_taken,
            history=[
                (told.fraction, told.phase, dict(told.metrics)) for told in self._teller.history
            ],
        )
        self._checkpoints.write(self._config, state)


def _rate_shape(fraction: float) -> float:
    """Linear warm-up, then half a cosine down to a fiftieth."""
    if fraction < _WARM_UP:
        return max(fraction / _WARM_UP, 0.02)
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (fraction - _WARM_UP) / (1 - _WARM_UP)))
