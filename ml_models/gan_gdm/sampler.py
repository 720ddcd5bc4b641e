"""The whole decision as one module: features, few-step denoising, decoder, best of K."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.confidence import Confidence, decision_statistics
from ml_models.gan_gdm.config import GAN_GDM, ConfigError, NetworkConfig
from ml_models.gan_gdm.decoder import assign_within_quota
from ml_models.gan_gdm.diffusion import signal_power, strided_steps, variable_scales
from ml_models.gan_gdm.expectation import Expectation, Expected
from ml_models.gan_gdm.features import ContextFeatures, FeatureExtractor
from ml_models.gan_gdm.network import VARIABLE, Conditioning, Generator, Proposal
from ml_models.gan_gdm.reliability import Reliability
from ml_models.gan_gdm.unfolded import UnfoldedOptimiser
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import (
    CarrierPlaces,
    own_best_points,
    sinr_without_ici,
    sum_secrecy_rate,
)


@dataclass(frozen=True)
class SampledDecision:
    """What the sampler answers for N contexts with K candidates each.

    Attributes:
        allocation: [N, U] the best candidate.
        predicted_rate_bps_hz: [N] its sum secrecy rate on the context given, with the margin.
        candidate_rates_bps_hz: [N, K] of all candidates.
        embedding: [N, D] of the context, see `embedding`.
        reliability: [N] in [0, 1]: how usual the context is.
        confidence: [N] in [0, 1]: how likely the decision is a good one; None where not asked for.
    """

    allocation: Allocation
    predicted_rate_bps_hz: Tensor
    candidate_rates_bps_hz: Tensor
    embedding: Tensor
    reliability: Tensor
    confidence: Tensor | None


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
        self.confidence = Confidence() if config.says_confidence else None
        self.steps = strided_steps(config.denoising_steps, config.stochasticity)
        self.register_buffer("alpha_bar", signal_power(), persistent=False)

    @property
    def expectation(self) -> Expectation | None:
        """What corrects the tables that candidates are compared on, if anything does."""
        return self.generator.expectation if isinstance(self.generator, Generator) else None

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
        """One proposal for every context, of all its samples.

        Args:
            context: the contexts [N].
            features: theirs.
            noise: [N, K, U, M + 2] standard normal.
            latent: [N, K, T', U, Z] standard normal.

        Returns:
            The proposals [N] with their samples last, see `Proposal`.
        """
        if isinstance(self.generator, UnfoldedOptimiser):
            proposal: Proposal = self.generator(context, noise)
            return proposal
        return self.denoise(self.denoiser.encoder(features), noise, latent)

    def denoise(self, conditioning: Conditioning, noise: Tensor, latent: Tensor) -> Proposal:
        """The last proposal of the T'-step chain.

        Args:
            conditioning: of N contexts.
            noise: [N, K, U, M + 2] x_T.
            latent: [N, K, T', U, Z] standard normal; the first part of Z feeds the generator, the
                rest is the noise of the posterior.
        """
        noisy = noise.permute(0, 2, 3, 1)  # [N, U, M + 2, K], samples last from here on
        scale, offset = variable_scales(noisy[:, :, :-2])
        latents, drifts = self._drawn(latent, offset)
        for step, own, drift in zip(self.steps, latents, drifts, strict=True):
            time = torch.full((1,), float(step.time), device=noise.device)
            proposal: Proposal = self.denoiser(conditioning, noisy, own, time)
            if step.earlier > 0:
                moved = (step.from_clean * scale) * proposal.unscaled()
                noisy = moved + (step.from_noisy * noisy + drift)
        return proposal

    def _drawn(self, latent: Tensor, offset: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Of every step, the generator's latent [N, U, Z, K] and what the step adds to x_t.

        All steps are scaled at once: every operation of an exported graph takes time.

        Args:
            latent: as of `denoise`.
            offset: of `variable_scales`.
        """
        own = self.config.latent
        factors, shifts = [], []
        for step in self.steps:
            factors += [offset.new_ones(own, 1), step.deviation * torch.ones_like(offset)]
            shifts += [offset.new_zeros(own, 1), step.from_clean * offset]
        drawn = latent.permute(0, 3, 2, 4, 1).flatten(2, 3)  # [N, U, T' Z, K]
        drawn = drawn * torch.cat(factors) + torch.cat(shifts)
        parts = torch.split(drawn, [own, VARIABLE] * len(self.steps), dim=2)
        return parts[::2], parts[1::2]

    def forward(self, context: RadioContext, noise: Tensor, latent: Tensor) -> SampledDecision:
        """Decisions for contexts with one batch axis [N].

        Args:
            context: the contexts.
            noise: [N, K, U, M + 2] standard normal x_T.
            latent: [N, K, T', U, Z] standard normal.
        """
        features = self.features(context)
        candidates, rates = self.candidates(context, features, noise, latent)
        best = torch.argmax(rates, dim=1, keepdim=True)
        embedding, reliability = self.reliability(context)
        confidence = None
        if self.confidence is not None:
            expected = self.expected(context, features).context
            said = decision_statistics(expected, rates, candidates.carrier, best)
            confidence = self.confidence(said)
        return SampledDecision(
            allocation=chosen_candidate(candidates, best),
            predicted_rate_bps_hz=rates.gather(1, best)[:, 0],
            candidate_rates_bps_hz=rates,
            embedding=embedding,
            reliability=reliability,
            confidence=confidence,
        )

    def candidates(
        self, context: RadioContext, features: ContextFeatures, noise: Tensor, latent: Tensor
    ) -> tuple[Allocation, Tensor]:
        """All decisions [N, K] that are drawn, within the quota, and what each is worth [b/s/Hz].

        Arguments as of `propose`.
        """
        proposal = self.propose(context, features, noise, latent)
        assigned = assign_within_quota(proposal.logits, self.config.quota)
        log_share, index = proposal.on(assigned.one_hot)
        log_share, index = log_share.movedim(-1, 1), index.movedim(-1, 1)
        drawn = Allocation(
            carrier=assigned.carrier.movedim(-1, 1),
            power_w=torch.exp(log_share) * context.power_budget_w[:, None, None],
            beamformer_index=index,
        )
        seat = assigned.seat.permute(0, 4, 2, 3, 1).flatten(2, 3)  # [N, K, M L, U]
        places = CarrierPlaces(seat, self.config.quota)
        expected = self.expected(context, features).with_candidate_axis()
        drawn = self.placed(expected, drawn, places)
        rates: Tensor = sum_secrecy_rate(
            expected.context, drawn, places=places, leakage_spread=expected.leakage_spread
        )
        return drawn, rates

    def placed(
        self, expected: Expected, drawn: Allocation, places: CarrierPlaces | None = None
    ) -> Allocation:
        """Candidates [N, K] with each ESIM on its best point of the path, where that is asked for.

        Args:
            expected: what candidates are compared on, with an axis for them.
            drawn: as proposed.
            places: on the carriers, if they are known.
        """
        if not self.config.best_points:
            return drawn
        ratio = sinr_without_ici(expected.context, drawn, places=places)
        index = own_best_points(expected.context, drawn, ratio, expected.leakage_spread)
        return replace(drawn, beamformer_index=index)

    def expected(self, context: RadioContext, features: ContextFeatures) -> Expected:
        """What candidates are compared on: the report, or what it means; with the margin."""
        expected = Expected(context)
        if self.expectation is not None:
            expected = self.expectation(features, context)
        margin = self.config.leakage_margin
        return expected if margin == 1.0 else expected.with_margin(margin)


def chosen_candidate(candidates: Allocation, best: Tensor) -> Allocation:
    """The best [N, 1] of allocations [N, K], taken in one product: few operations to export."""
    power_w: Tensor = candidates.power_w
    samples = power_w.shape[1]
    chosen = (best == torch.arange(samples, device=best.device)).to(power_w.dtype)[:, None]
    parts = (candidates.carrier.to(power_w.dtype), power_w, candidates.beamformer_index)
    taken = torch.split((chosen @ torch.cat(parts, dim=-1))[:, 0], power_w.shape[2], dim=-1)
    return Allocation(taken[0].to(torch.int64), taken[1], taken[2])
