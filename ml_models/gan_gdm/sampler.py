"""The whole decision as one module: features, few-step denoising, decoder, best of K."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.config import GAN_GDM, ConfigError, NetworkConfig
from ml_models.gan_gdm.decoder import assign_within_quota
from ml_models.gan_gdm.diffusion import clean_variable, signal_power, strided_steps
from ml_models.gan_gdm.features import ContextFeatures, FeatureExtractor
from ml_models.gan_gdm.network import VARIABLE, Conditioning, Generator, Proposal
from ml_models.gan_gdm.reliability import Reliability
from ml_models.gan_gdm.unfolded import UnfoldedOptimiser
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate


@dataclass(frozen=True)
class SampledDecision:
    """What the sampler answers for N contexts with K candidates each.

    Attributes:
        allocation: [N, U] the best candidate.
        predicted_rate_bps_hz: [N] its sum secrecy rate on the context given, with the margin.
        candidate_rates_bps_hz: [N, K] of all candidates.
        embedding: [N, D] of the context, see `embedding`.
        reliability: [N] in [0, 1].
    """

    allocation: Allocation
    predicted_rate_bps_hz: Tensor
    candidate_rates_bps_hz: Tensor
    embedding: Tensor
    reliability: Tensor


class Sampler(nn.Module):
    """GAN-GDM with everything a decision needs inside."""

    alpha_bar: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.features = FeatureExtractor()
        self.generator: Generator | UnfoldedOptimiser = (
            Generator(config) if config.architecture == GAN_GDM else UnfoldedOptimiser(config)
        )
        self.reliability = Reliability()
        self.steps = strided_steps(config.denoising_steps, config.stochasticity)
        self.register_buffer("alpha_bar", signal_power(), persistent=False)

    @property
    def latent_size(self) -> int:
        """Z of the latent input: the generator's latent and the posterior's noise."""
        return self.config.latent + VARIABLE

    @property
    def denoiser(self) -> Generator:
        """The generator, which the losses on noised labels are about.

        Raises:
            ConfigError: this sampler does not denoise.
        """
        if not isinstance(self.generator, Generator):
            raise ConfigError(f"{self.config.architecture} does not denoise; give {GAN_GDM}")
        return self.generator

    def propose(
        self, context: RadioContext, features: ContextFeatures, noise: Tensor, latent: Tensor
    ) -> Proposal:
        """One proposal for every sample of every context.

        Args:
            context: the contexts [N].
            features: theirs.
            noise: [N, K, U, M + 2] standard normal.
            latent: [N, K, T', U, Z] standard normal.

        Returns:
            The proposals of all samples, [N * K], in order.
        """
        samples = noise.shape[1]
        if isinstance(self.generator, UnfoldedOptimiser):
            proposal: Proposal = self.generator(_repeated(context, samples), noise.flatten(0, 1))
            return proposal
        conditioning = self.denoiser.body.condition(features.esim, features.pair)
        return self.denoise(
            conditioning.repeated(samples), noise.flatten(0, 1), latent.flatten(0, 1)
        )

    def denoise(self, conditioning: Conditioning, noise: Tensor, latent: Tensor) -> Proposal:
        """The last proposal of the T'-step chain.

        Args:
            conditioning: of N contexts.
            noise: [N, U, M + 2] x_T.
            latent: [N, T', U, Z] standard normal; the first part of Z feeds the generator, the
                rest is the noise of the posterior.
        """
        noisy = noise
        own = self.config.latent
        for number, step in enumerate(self.steps):
            time = torch.full((1,), float(step.time), device=noise.device)
            proposal: Proposal = self.denoiser(
                conditioning, noisy, latent[:, number, :, :own], time
            )
            if step.earlier > 0:
                clean = clean_variable(
                    torch.softmax(proposal.logits, dim=-1), proposal.log_share, proposal.index
                )
                noisy = (
                    step.from_clean * clean
                    + step.from_noisy * noisy
                    + step.deviation * latent[:, number, :, own:]
                )
        return proposal

    def forward(self, context: RadioContext, noise: Tensor, latent: Tensor) -> SampledDecision:
        """Decisions for contexts with one batch axis [N].

        Args:
            context: the contexts.
            noise: [N, K, U, M + 2] standard normal x_T.
            latent: [N, K, T', U, Z] standard normal.
        """
        count, users = noise.shape[1], noise.shape[2]
        features = self.features(context)
        proposal = self.propose(context, features, noise, latent)
        carrier = assign_within_quota(proposal.logits, self.config.quota)
        share = torch.exp(proposal.log_share).reshape(-1, count, users)
        candidates = Allocation(
            carrier=carrier.reshape(-1, count, users),
            power_w=share * context.power_budget_w[:, None, None],
            beamformer_index=proposal.index.reshape(-1, count, users),
        )
        cautious = replace(
            context, leakage_per_w=self.config.leakage_margin * context.leakage_per_w
        )
        rates = sum_secrecy_rate(with_candidate_axis(cautious), candidates)  # [N, K]
        best = torch.argmax(rates, dim=1, keepdim=True)
        embedding, reliability = self.reliability(context)
        return SampledDecision(
            allocation=Allocation(
                carrier=_chosen(candidates.carrier, best),
                power_w=_chosen(candidates.power_w, best),
                beamformer_index=_chosen(candidates.beamformer_index, best),
            ),
            predicted_rate_bps_hz=rates.gather(1, best)[:, 0],
            candidate_rates_bps_hz=rates,
            embedding=embedding,
            reliability=reliability,
        )


def with_candidate_axis(context: RadioContext) -> RadioContext:
    """The contexts [N] as [N, 1], to be broadcast against candidates [N, K]."""
    return RadioContext(
        beam_amplitude=context.beam_amplitude[:, None],
        gain_per_w=context.gain_per_w[:, None],
        leakage_per_w=context.leakage_per_w[:, None],
        ici_factor=context.ici_factor[:, None],
        carrier_noise=context.carrier_noise[:, None],
        power_budget_w=context.power_budget_w[:, None],
    )


def _repeated(context: RadioContext, times: int) -> RadioContext:
    """Every context `times` over, in order."""
    return RadioContext(
        **{name: value.repeat_interleave(times, dim=0) for name, value in vars(context).items()}
    )


def _chosen(candidates: Any, best: Tensor) -> Tensor:
    rows = best[:, :, None].expand(-1, -1, candidates.shape[2])
    picked: Tensor = candidates.gather(1, rows)[:, 0]
    return picked
