"""The two stages: diffusion on labels first, then the unrolled sampler on its own decisions."""

import torch

from ml_models.gan_gdm.batches import renumber_pair, select_pairs
from ml_models.gan_gdm.best import BestWeights
from ml_models.gan_gdm.config import TrainingConfig
from ml_models.gan_gdm.course import Course, Stage
from ml_models.gan_gdm.learning_data import LearningData
from ml_models.gan_gdm.objectives import CriticObjective, DiffusionObjective, SecrecyObjective
from ml_models.gan_gdm.players import Players
from ml_models.gan_gdm.progress import DIFFUSION, SECRECY
from ml_models.gan_gdm.randomness import RandomStreams
from ml_models.gan_gdm.ranks import Ranks

_WEIGHT_DECAY = 1e-4
_CRITIC_BETAS = (0.5, 0.99)


class Stages:
    """Both stages of one training."""

    def __init__(
        self,
        config: TrainingConfig,
        players: Players,
        data: LearningData,
        *,
        course: Course,
        streams: RandomStreams,
        ranks: Ranks,
    ) -> None:
        self._config = config
        self._players = players
        self._data = data
        self._course = course
        self._streams = streams
        self._ranks = ranks

    def diffusion(self) -> None:
        """Moves the generator towards the labels, if there are labels and steps to take."""
        config, labels = self._config, self._data.labels
        if labels is None or config.diffusion_steps == 0 or self._course.is_past(DIFFUSION):
            return
        optimiser = self._generator_optimiser(config.diffusion_rate)
        objective = self._ranks.averaging(DiffusionObjective(self._players.sampler))
        stage = Stage(
            phase=DIFFUSION,
            steps=config.diffusion_steps,
            examples=len(labels.carrier),
            batch=config.diffusion_batch,
            optimisers=(optimiser,),
            peak_rate=config.diffusion_rate,
            best=BestWeights(patience=None, keep=False),
        )
        for rows in self._course.run(stage, self._data.validation):
            batch = labels.rows(rows).renumbered(self._streams.own)
            loss = objective(batch, self._streams.own)
            self._players.descend(optimiser, loss)
            self._data.validation.note(loss_diffusion=loss)

    def secrecy(self) -> None:
        """Moves the generator towards higher rates, against the critic if it has a weight."""
        config, players, random = self._config, self._players, self._streams.own
        if config.secrecy_steps == 0:
            return
        if not self._course.is_within(SECRECY):
            # The shared stream: all processes must come to the same weights by themselves.
            players.learn_expectation(self._data.contexts, self._streams.shared)
        optimiser = self._generator_optimiser(config.secrecy_rate)
        critic_optimiser = torch.optim.AdamW(
            players.critic.parameters(), lr=config.secrecy_rate, betas=_CRITIC_BETAS
        )
        objective = self._ranks.averaging(SecrecyObjective(players.sampler, players.critic, config))
        critic_objective = self._ranks.averaging(CriticObjective(players.critic, config))
        contexts, labels = self._data.contexts, self._data.labels
        if config.lambda_diff == 0 and config.lambda_gan == 0:
            labels = None
        steps = players.sampler.steps
        best = BestWeights(patience=config.patience, keep=config.keep_best)
        stage = Stage(
            phase=SECRECY,
            steps=config.secrecy_steps,
            examples=len(contexts.estimated.power_budget_w),
            batch=config.secrecy_batch,
            optimisers=(optimiser, critic_optimiser),
            peak_rate=config.secrecy_rate,
            best=best,
        )
        for rows in self._course.run(stage, self._data.validation):
            pair = renumber_pair(select_pairs(contexts, rows), random)
            batch, step = None, None
            if labels is not None:
                draw = torch.randint(
                    len(labels.carrier), (2 * len(rows),), generator=random, device=rows.device
                )
                batch = labels.rows(draw).renumbered(random)
                number = int(torch.randint(len(steps), (), generator=self._streams.host))
                step = steps[number]
            loss, figures, exhibits = objective(pair, batch, step, random)
            players.descend(optimiser, loss)
            if exhibits is not None:
                critic_loss = critic_objective(exhibits)
                players.descend(critic_optimiser, critic_loss)
                figures["loss_critic"] = critic_loss
            self._data.validation.note(**figures)
        players.keep(best.weights)

    def _generator_optimiser(self, rate: float) -> torch.optim.Optimizer:
        parameters = self._players.sampler.generator.parameters()
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=_WEIGHT_DECAY)
