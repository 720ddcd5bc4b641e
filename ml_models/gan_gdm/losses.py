"""The three losses of Algorithm 1: L = lambda1 L_GAN + lambda2 L_diff + lambda3 L_sec."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ml_models.gan_gdm.batches import Batch
from ml_models.gan_gdm.decoder import sample_within_quota
from ml_models.gan_gdm.diffusion import PosteriorStep, clean_variable, noised
from ml_models.gan_gdm.expectation import expectation_loss
from ml_models.gan_gdm.features import ContextFeatures
from ml_models.gan_gdm.network import VARIABLE, Discriminator, Proposal
from ml_models.gan_gdm.sampler import Sampler, with_candidate_axis
from radio_math.context import CARRIERS, Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate

# The optimiser takes no notice of it; it keeps the gradients of the rest from being clipped away.
_LAMBDA_EXPECTATION = 0.1


def diffusion_loss(proposal: Proposal, batch: Batch) -> Tensor:
    """L_diff: cross-entropy of carriers, squared error of power and beamformer on the label's.

    ESIMs count by their share of the power: where one is off its carrier means nothing.
    """
    share = torch.exp(batch.log_share) * batch.log_share.shape[1]
    weight = share.clamp(max=2.0)
    cross_entropy = functional.cross_entropy(
        proposal.logits.flatten(0, 1), batch.carrier.flatten(), reduction="none"
    ).reshape(weight.shape)
    one_hot = functional.one_hot(batch.carrier, CARRIERS).to(share.dtype)
    said, wanted = clean_variable(one_hot, *proposal.on(one_hot)), batch.clean()
    power_error = (said[..., CARRIERS] - wanted[..., CARRIERS]).square()
    index_error = (said[..., CARRIERS + 1] - wanted[..., CARRIERS + 1]).square()
    return (weight * (cross_entropy + 0.5 * index_error) + power_error).mean()


def secrecy_loss(
    sampler: Sampler,
    context: RadioContext,
    outcome: RadioContext,
    samples: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """L_sec of the unrolled sampler on its own decisions, and their mean rate [b/s/Hz].

    Powers and beamformers get the pathwise gradient of the sum secrecy rate; carriers the policy
    gradient (REINFORCE) whose baseline is the mean of the context's other samples. Rates are
    relative to the context's mean, so that every power budget counts alike. Decisions see
    `context`; their rates are those on `outcome`, the same contexts or the true ones. A sampler
    that corrects reports learns that from the outcome, too.
    Source: Kool et al. 2019 (leave-one-out baseline).
    """
    count, users = context.ici_factor.shape
    config = sampler.config
    features = sampler.features(context)
    device = context.ici_factor.device
    noise = torch.randn(count, samples, users, VARIABLE, generator=generator, device=device)
    latent = torch.randn(
        (count, samples, len(sampler.steps), users, sampler.latent_size),
        generator=generator,
        device=device,
    )
    proposal = sampler.propose(context, features, noise, latent)
    carrier, log_probability = sample_within_quota(
        proposal.logits.flatten(0, 1), config.quota, generator
    )
    carrier = carrier.unflatten(0, (count, samples))
    log_share, index = proposal.on(functional.one_hot(carrier, CARRIERS).to(noise.dtype))
    rate: Tensor = sum_secrecy_rate(
        with_candidate_axis(outcome),
        Allocation(
            carrier=carrier,
            power_w=torch.exp(log_share) * context.power_budget_w[:, None, None],
            beamformer_index=index,
        ),
    )
    reward = rate.detach()
    scale = reward.mean(dim=1, keepdim=True).clamp(min=0.1)
    others = (reward.sum(dim=1, keepdim=True) - reward) / (samples - 1)
    advantage = (reward - others) / scale
    policy = (advantage * log_probability.reshape(count, samples)).mean()
    loss = -(rate / scale).mean() - policy
    if sampler.expectation is not None:
        expected = sampler.expectation(features, context)
        loss = loss + _LAMBDA_EXPECTATION * expectation_loss(expected, outcome)
    return loss, reward.mean()


def single_step_proposal(
    sampler: Sampler, batch: Batch, time: Tensor, alpha_bar: Tensor, generator: torch.Generator
) -> tuple[Proposal, Tensor, ContextFeatures]:
    """The generator's proposal [N] for noised labels; with it x_t and the features."""
    clean = batch.clean()
    noisy = noised(clean, time, _normal(clean.shape, clean, generator), alpha_bar)
    features = sampler.features(batch.context)
    conditioning = sampler.denoiser.encoder(features)
    latent = _normal((*clean.shape[:2], sampler.config.latent), clean, generator)
    proposal: Proposal = sampler.denoiser(
        conditioning, noisy[:, None], latent[:, None], time.to(clean.dtype)
    )
    only = Proposal(proposal.logits[:, 0], proposal.power[:, 0], proposal.place[:, 0])
    return only, noisy, features


def adversarial_losses(
    sampler: Sampler,
    discriminator: Discriminator,
    step: PosteriorStep,
    batch: Batch,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """L_diff and L_GAN of the generator, and the discriminator's own loss.

    All contexts of the batch take the same strided step, which the caller draws: its number is the
    host's, and a draw on a device would have the host wait. The real pair is (x_earlier, x_t) of a
    label's noising; the fake one draws x_earlier from the posterior of the generator's proposal.
    Source: Xiao et al. 2022 (denoising diffusion GAN), non-saturating loss.
    """
    clean = batch.clean()
    time = torch.full((len(clean),), step.time, device=clean.device)
    alpha_bar = sampler.alpha_bar
    proposal, noisy, features = single_step_proposal(sampler, batch, time, alpha_bar, generator)
    said = proposal.clean()
    drift = step.from_noisy * noisy
    spread = step.deviation * _normal(clean.shape, clean, generator)
    fake = step.from_clean * said + drift + spread
    spread = step.deviation * _normal(clean.shape, clean, generator)
    real = step.from_clean * clean + drift + spread
    level = torch.full((1,), float(step.time), device=clean.device)
    fooled = discriminator(features, fake, noisy, level)
    gan = functional.softplus(-fooled).mean()
    on_fake = discriminator(features, fake.detach(), noisy, level)
    on_real = discriminator(features, real, noisy, level)
    critic = functional.softplus(on_fake).mean() + functional.softplus(-on_real).mean()
    return diffusion_loss(proposal, batch), gan, critic


def _normal(shape: Sequence[int], like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers where `like` and the generator are."""
    return torch.randn(tuple(shape), generator=generator, device=like.device)
