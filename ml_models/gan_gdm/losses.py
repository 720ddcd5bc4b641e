"""Two of the losses of Algorithm 1: L = lambda1 L_GAN + lambda2 L_diff + lambda3 L_sec.

L_GAN is in `adversary`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ml_models.gan_gdm.batches import Batch
from ml_models.gan_gdm.config import ESTIMATED, EXPECTED, TRUE
from ml_models.gan_gdm.decoder import sample_within_quota
from ml_models.gan_gdm.diffusion import clean_variable, noised
from ml_models.gan_gdm.expectation import Expected
from ml_models.gan_gdm.features import ContextFeatures
from ml_models.gan_gdm.network import VARIABLE, Proposal
from ml_models.gan_gdm.sampler import Sampler
from radio_math.channel import ContextPair
from radio_math.context import CARRIERS, Allocation
from radio_math.secrecy import sum_secrecy_rate


def diffusion_loss(proposal: Proposal, batch: Batch) -> Tensor:
    """L_diff of single samples: carriers' cross-entropy, squared errors on the label's carriers.

    ESIMs count by their share of the power: where one is off its carrier means nothing.
    """
    share = torch.exp(batch.log_share) * batch.log_share.shape[1]
    weight = share.clamp(max=2.0)
    cross_entropy = functional.cross_entropy(
        proposal.logits[..., 0].flatten(0, 1), batch.carrier.flatten(), reduction="none"
    ).reshape(weight.shape)
    one_hot = functional.one_hot(batch.carrier, CARRIERS).to(share.dtype)
    log_share, index = proposal.on(one_hot[..., None])
    said, wanted = clean_variable(one_hot, log_share[..., 0], index[..., 0]), batch.clean()
    power_error = (said[..., CARRIERS] - wanted[..., CARRIERS]).square()
    index_error = (said[..., CARRIERS + 1] - wanted[..., CARRIERS + 1]).square()
    return (weight * (cross_entropy + 0.5 * index_error) + power_error).mean()


def secrecy_loss(
    sampler: Sampler,
    pair: ContextPair,
    outcome: str,
    samples: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """L_sec of the unrolled sampler on its own decisions, and their mean rate [b/s/Hz].

    Powers and beamformers get the pathwise gradient of the sum secrecy rate; carriers the policy
    gradient (REINFORCE) whose baseline is the mean of the context's other samples. Rates are
    relative to the context's mean, so that every power budget counts alike.

    Args:
        sampler: that decides.
        pair: contexts [N]; decisions see the estimated ones.
        outcome: what the rates are taken on, as of `TrainingConfig`.
        samples: decisions of each context.
        generator: on the contexts' device.

    Source: Kool et al. 2019 (leave-one-out baseline).
    """
    context = pair.estimated
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
        proposal.logits.movedim(-1, 1).flatten(0, 1), config.quota, generator
    )
    carrier = carrier.reshape(count, samples, users)
    one_hot = functional.one_hot(carrier, CARRIERS).to(noise.dtype)
    log_share, index = proposal.on(one_hot.movedim(1, -1))
    drawn = Allocation(
        carrier=carrier,
        power_w=torch.exp(log_share.movedim(-1, 1)) * context.power_budget_w[:, None, None],
        beamformer_index=index.movedim(-1, 1),
    )
    expected = sampler.expected(context, features).with_candidate_axis()
    with torch.no_grad():  # which point is best has no gradient
        drawn = sampler.placed(expected, drawn)
    judged = {
        ESTIMATED: Expected(context).with_candidate_axis(),
        TRUE: Expected(pair.true).with_candidate_axis(),
        EXPECTED: expected,
    }[outcome]
    rate: Tensor = sum_secrecy_rate(judged.context, drawn, leakage_spread=judged.leakage_spread)
    reward = rate.detach()
    scale = reward.mean(dim=1, keepdim=True).clamp(min=0.1)
    others = (reward.sum(dim=1, keepdim=True) - reward) / (samples - 1)
    advantage = (reward - others) / scale
    policy = (advantage * log_probability.reshape(count, samples)).mean()
    loss = -(rate / scale).mean() - policy
    return loss, reward.mean()


def single_step_proposal(
    sampler: Sampler, batch: Batch, time: Tensor, alpha_bar: Tensor, generator: torch.Generator
) -> tuple[Proposal, Tensor, ContextFeatures]:
    """The generator's single samples for noised labels [N]; with them x_t and the features."""
    clean = batch.clean()
    noisy = noised(clean, time, standard_normal(clean.shape, generator, clean.device), alpha_bar)
    features = sampler.features(batch.context)
    conditioning = sampler.denoiser.encoder(features)
    latent = standard_normal((*clean.shape[:2], sampler.config.latent), generator, clean.device)
    proposal: Proposal = sampler.denoiser(
        conditioning, noisy[..., None], latent[..., None], time.to(clean.dtype)
    )
    return proposal, noisy, features


def standard_normal(
    shape: Sequence[int], generator: torch.Generator, device: torch.device
) -> Tensor:
    """Standard normal numbers on a device, which is the generator's."""
    return torch.randn(tuple(shape), generator=generator, device=device)
