"""Set transformers over ESIMs: the generator that denoises, the discriminator that judges.

Tokens are ESIMs; what pairs of ESIMs do to each other enters as attention bias, so both networks
are equivariant to the order of ESIMs. They are written with plain matrix products to export to
ONNX without surprises.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.config import DIFFUSION_STEPS, NetworkConfig
from ml_models.gan_gdm.features import ESIM_FEATURES, PAIR_FEATURES
from radio_math.context import CARRIERS, GRID_POINTS

VARIABLE = CARRIERS + 2
_TIME_FREQUENCIES = 8
_STATE_PAIR_FEATURES = 2


@dataclass(frozen=True)
class Proposal:
    """What one evaluation of the generator says of x_0.

    Attributes:
        logits: [N, U, M] carrier logits.
        log_share: [N, U] log of the share of the power budget; shares sum to 1.
        index: [N, U] beamformer index, 0 to S - 1.
    """

    logits: Tensor
    log_share: Tensor
    index: Tensor


@dataclass(frozen=True)
class Conditioning:
    """A context as the layers use it: tokens [N, U, width] and bias [N, layers * heads, U, U]."""

    tokens: Tensor
    bias: Tensor

    def repeated(self, times: int) -> "Conditioning":
        """Every context `times` over, in order: N becomes N * times."""
        return Conditioning(
            self.tokens.repeat_interleave(times, dim=0), self.bias.repeat_interleave(times, dim=0)
        )


class AttentionLayer(nn.Module):
    """Pre-norm attention with a given bias, then a two-layer perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.projections = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.before_perceptron = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """Tokens [N, U, width] after attention with bias [N, heads, U, U] and perceptron."""
        users, width = tokens.shape[1], tokens.shape[2]
        depth = width // self._heads
        mixed = self.projections(self.before_attention(tokens))
        mixed = mixed.reshape(-1, users, 3, self._heads, depth).permute(2, 0, 3, 1, 4)
        query, key, value = mixed[0], mixed[1], mixed[2]  # [N, heads, U, depth]
        score = query @ key.transpose(2, 3) / math.sqrt(depth) + bias
        attended = (torch.softmax(score, dim=-1) @ value).transpose(1, 2)
        tokens = tokens + self.merge(attended.reshape(-1, users, width))
        widened = nn.functional.gelu(self.widen(self.before_perceptron(tokens)))
        update: Tensor = self.narrow(widened)
        return tokens + update


class SetTransformer(nn.Module):
    """Context, noisy variables and noise level in; tokens out."""

    def __init__(self, width: int, layers: int, heads: int, state: int) -> None:
        super().__init__()
        self._heads = heads
        self.embed_context = nn.Linear(ESIM_FEATURES, width)
        self.embed_pair = nn.Linear(PAIR_FEATURES, layers * heads)
        self.embed_state = nn.Linear(state, width)
        self.embed_likeness = nn.Linear(_STATE_PAIR_FEATURES, layers * heads, bias=False)
        self.embed_time = nn.Sequential(
            nn.Linear(2 * _TIME_FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.layers = nn.ModuleList(AttentionLayer(width, heads) for _ in range(layers))
        self.last_norm = nn.LayerNorm(width)

    def condition(self, esim: Tensor, pair: Tensor) -> Conditioning:
        """The part that depends on the context alone, computed once for all its samples."""
        bias = self.embed_pair(pair).permute(0, 3, 1, 2)
        return Conditioning(self.embed_context(esim), bias)

    def forward(
        self, conditioning: Conditioning, state: Tensor, noisy: Tensor, time: Tensor
    ) -> Tensor:
        """Tokens [N, U, width].

        Args:
            conditioning: from `condition`.
            state: [N, U, state] all per-ESIM variables.
            noisy: [N, U, M + 2] the noisy decision among them: ESIMs that lean to the same
                carrier attend to each other by it.
            time: [N] or [1] noise level t.
        """
        carriers = noisy[..., :CARRIERS]
        likeness = carriers @ carriers.transpose(1, 2) / CARRIERS
        squashed = torch.tanh(likeness)
        pair = torch.stack([likeness.clamp(-3.0, 3.0), squashed], dim=-1)
        bias = conditioning.bias + self.embed_likeness(pair).permute(0, 3, 1, 2)
        tokens = conditioning.tokens + self.embed_state(state)
        tokens = tokens + self.embed_time(_time_waves(time))[:, None, :]
        for number, layer in enumerate(self.layers):
            tokens = layer(tokens, bias[:, number * self._heads : (number + 1) * self._heads])
        result: Tensor = self.last_norm(tokens)
        return result


class Generator(nn.Module):
    """The amortised reverse process: x_t, latent and context in, a proposal of x_0 out."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.body = SetTransformer(
            config.width, config.layers, config.heads, VARIABLE + config.latent
        )
        self.head = nn.Linear(config.width, CARRIERS + 2)

    def forward(
        self, conditioning: Conditioning, noisy: Tensor, latent: Tensor, time: Tensor
    ) -> Proposal:
        """The proposal for x_t [N, U, M + 2] at time [N] or [1] with latent [N, U, Z]."""
        state = torch.cat([noisy, latent], dim=-1)
        out = self.head(self.body(conditioning, state, noisy, time))
        return Proposal(
            logits=out[..., :CARRIERS],
            log_share=torch.log_softmax(2.0 * out[..., CARRIERS], dim=-1),
            index=(GRID_POINTS - 1) * torch.sigmoid(1.5 * out[..., CARRIERS + 1]),
        )


class Discriminator(nn.Module):
    """Judges whether x_earlier came from the data, given x_t, the noise level and the context."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.body = SetTransformer(
            config.critic_width, config.critic_layers, config.heads, 2 * VARIABLE
        )
        self.head = nn.Linear(config.critic_width, 1)

    def forward(
        self, esim: Tensor, pair: Tensor, earlier: Tensor, noisy: Tensor, time: Tensor
    ) -> Tensor:
        """Logits [N] that the pair (x_earlier, x_t) is real."""
        conditioning = self.body.condition(esim, pair)
        tokens = self.body(conditioning, torch.cat([earlier, noisy], dim=-1), earlier, time)
        logits: Tensor = self.head(tokens.mean(dim=1))[:, 0]
        return logits


def _time_waves(time: Tensor) -> Tensor:
    phase = time.to(torch.float32)[:, None] / DIFFUSION_STEPS
    order = torch.arange(_TIME_FREQUENCIES, dtype=torch.float32, device=time.device)
    angle = phase * torch.exp2(order) * (math.pi / 2)
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1)
