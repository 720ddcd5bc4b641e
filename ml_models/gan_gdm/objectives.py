"""What each optimiser descends, as modules: gradients of a module's forward can be averaged."""

from torch import Generator as RandomGenerator
from torch import Tensor, nn, randint

from ml_models.gan_gdm.adversary import Exhibits, critic_loss, denoising, fooling_loss
from ml_models.gan_gdm.batches import Batch
from ml_models.gan_gdm.config import DIFFUSION_STEPS, GRADIENT_PENALTY, TrainingConfig
from ml_models.gan_gdm.diffusion import PosteriorStep
from ml_models.gan_gdm.losses import diffusion_loss, secrecy_loss, single_step_proposal
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler
from radio_math.channel import ContextPair


class DiffusionObjective(nn.Module):
    """The first stage: L_diff of labels noised to random levels."""

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.sampler = sampler

    def forward(self, batch: Batch, random: RandomGenerator) -> Tensor:
        """The loss of a batch."""
        count, device = len(batch.carrier), batch.carrier.device
        level = randint(1, DIFFUSION_STEPS + 1, (count,), generator=random, device=device)
        proposal, *_ = single_step_proposal(
            self.sampler, batch, level, self.sampler.alpha_bar, random
        )
        return diffusion_loss(proposal, batch)


class SecrecyObjective(nn.Module):
    """The second stage: the weighted sum of L_sec, and with labels of L_diff and L_GAN."""

    def __init__(self, sampler: Sampler, critic: Discriminator, config: TrainingConfig) -> None:
        super().__init__()
        self.sampler = sampler
        self._config = config
        self._critic = (critic,)  # in a tuple: its parameters are not this objective's

    def forward(
        self,
        pair: ContextPair,
        labels: Batch | None,
        step: PosteriorStep | None,
        random: RandomGenerator,
    ) -> tuple[Tensor, dict[str, Tensor], Exhibits | None]:
        """The loss, figures to report, and what the critic is to judge, if it has a weight.

        Args:
            pair: contexts to decide.
            labels: labelled contexts, None to leave out what learns from labels.
            step: the strided step that those are taken back by.
            random: stream of the noise.
        """
        config = self._config
        secrecy, rate = secrecy_loss(self.sampler, pair, config.outcome, config.samples, random)
        figures = {"loss_secrecy": secrecy, "sample_rate_bps_hz": rate}
        loss = config.lambda_sec * secrecy
        if labels is None or step is None:
            return loss, figures, None
        diffusion, exhibits = denoising(self.sampler, step, labels, random)
        figures["loss_diffusion"] = diffusion
        loss = loss + config.lambda_diff * diffusion
        if config.lambda_gan == 0:
            return loss, figures, None
        fooling = fooling_loss(self._critic[0], exhibits)
        figures["loss_gan"] = fooling
        return loss + config.lambda_gan * fooling, figures, exhibits


class CriticObjective(nn.Module):
    """The critic's side of the second stage."""

    def __init__(self, critic: Discriminator, config: TrainingConfig) -> None:
        super().__init__()
        self.critic = critic
        penalised = config.critic_regularisation == GRADIENT_PENALTY
        self._penalty_weight = config.gradient_penalty_weight if penalised else 0.0

    def forward(self, exhibits: Exhibits) -> Tensor:
        """The loss on what the generator's step left."""
        return critic_loss(self.critic, exhibits, self._penalty_weight)
