"""The adversarial game: what the critic judges, both players' losses, and what holds it back.

Source: Xiao et al. 2022 (denoising diffusion GAN), non-saturating loss; Miyato et al. 2018
(spectral normalisation); Mescheder et al. 2018 (R1 gradient penalty).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from ml_models.gan_gdm.batches import Batch
from ml_models.gan_gdm.diffusion import PosteriorStep
from ml_models.gan_gdm.features import ContextFeatures
from ml_models.gan_gdm.losses import diffusion_loss, single_step_proposal, standard_normal
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler


@dataclass(frozen=True)
class Exhibits:
    """What the critic judges of N contexts: a real and a fake x_earlier, both from one x_t.

    Attributes:
        features: of the contexts [N].
        noisy: [N, U, M + 2] x_t.
        level: [1] its time.
        fake: [N, U, M + 2] x_earlier from the posterior of the generator's proposal.
        real: [N, U, M + 2] x_earlier of the label's own noising.
    """

    features: ContextFeatures
    noisy: Tensor
    level: Tensor
    fake: Tensor
    real: Tensor


def denoising(
    sampler: Sampler, step: PosteriorStep, batch: Batch, generator: torch.Generator
) -> tuple[Tensor, Exhibits]:
    """L_diff of one strided step back from noised labels, and what the critic is to judge of it.

    All contexts of the batch take the same step, which the caller draws: its number is the host's,
    and a draw on a device would have the host wait.
    """
    clean = batch.clean()
    time = torch.full((len(clean),), step.time, device=clean.device)
    proposal, noisy, features = single_step_proposal(
        sampler, batch, time, sampler.alpha_bar, generator
    )
    drift = step.from_noisy * noisy

    def earlier(of: Tensor) -> Tensor:
        spread = standard_normal(clean.shape, generator, clean.device)
        return step.from_clean * of + drift + step.deviation * spread

    exhibits = Exhibits(
        features=features,
        noisy=noisy,
        level=torch.full((1,), float(step.time), device=clean.device),
        fake=earlier(proposal.clean()[..., 0]),
        real=earlier(clean),
    )
    return diffusion_loss(proposal, batch), exhibits


def fooling_loss(critic: Discriminator, exhibits: Exhibits) -> Tensor:
    """L_GAN of the generator; it moves the generator alone, the critic's weights are constants."""
    constants = {name: value.detach() for name, value in critic.named_parameters()}
    shown = (exhibits.features, exhibits.fake, exhibits.noisy, exhibits.level)
    return softplus(-functional_call(critic, constants, shown)).mean()


def critic_loss(critic: Discriminator, exhibits: Exhibits, penalty_weight: float) -> Tensor:
    """The critic's loss; it moves the critic alone.

    Args:
        critic: judges.
        exhibits: of real and fake steps; gradients do not go back to the generator.
        penalty_weight: gamma of R1 = gamma / 2 E|grad D(real)|^2; 0 leaves it out.
    """

    def judged(earlier: Tensor) -> Tensor:
        logits: Tensor = critic(exhibits.features, earlier, exhibits.noisy, exhibits.level)
        return logits

    real = exhibits.real.detach().requires_grad_(penalty_weight > 0)
    on_real = judged(real)
    loss = softplus(judged(exhibits.fake.detach())).mean() + softplus(-on_real).mean()
    if penalty_weight > 0:
        (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
        loss = loss + penalty_weight / 2 * slope.square().sum(dim=(1, 2)).mean()
    return loss


def normalise_spectrally(critic: Discriminator) -> None:
    """Divides every matrix of the critic by its greatest singular value from now on."""
    for module in list(critic.modules()):
        if isinstance(module, nn.Linear):
            spectral_norm(module)


def make_plain(critic: Discriminator) -> None:
    """Makes the critic's matrices plain weights as they act, for a file or another training."""
    for module in list(critic.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
