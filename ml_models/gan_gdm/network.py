"""The networks: a generator that denoises, a discriminator that judges.

A context is encoded once, by a small set transformer over the ESIMs. What is denoised lives on the
cells of a table with one row an ESIM and one column a carrier. A cell hears the other ESIMs of its
column through weights that the encoder made of the pairs (how much they disturb each other), and
the other carriers of its row through their mean; every cell is worked on by the same weights. So
both networks are equivariant to the order of the ESIMs and to that of the carriers, and take any
number of either. Source: Hartford et al. 2018 (exchangeable tables).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.config import DIFFUSION_STEPS, NetworkConfig
from ml_models.gan_gdm.diffusion import cut_log_share, variable_scales
from ml_models.gan_gdm.expectation import Expectation
from ml_models.gan_gdm.features import (
    CARRIER_FEATURES,
    ESIM_FEATURES,
    PAIR_FEATURES,
    ContextFeatures,
)
from radio_math.context import CARRIERS, REPORT_POINTS

VARIABLE = CARRIERS + 2
_OWN = 2  # of the variable: power and place, one each an ESIM
_TIME_FREQUENCIES = 8
_PAIR_HIDDEN = 16


@dataclass(frozen=True)
class Proposal:
    """What one evaluation of the generator says of x_0; power and place depend on the carrier.

    Attributes:
        said: [3, ..., U, M, K] for each ESIM on each carrier: carrier logits, logits of the share
            of the power budget, and logits of the place on the beamformer grid, were the ESIM on
            that carrier.
    """

    said: Tensor

    @property
    def logits(self) -> Tensor:
        """[..., U, M, K] carrier logits."""
        return self.said[0]

    def on(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Log shares and beamformer indices [..., U, K] of ESIMs on their carriers.

        Args:
            weight: [..., U, M, K] one-hot carriers, or probabilities.

        Returns:
            Log of the shares of the power budget, which sum to 1 over the ESIMs, and indices from
            0 to the end of the frontier.
        """
        log_share, place = self._own(self.said[1:], weight)
        return log_share[0, ..., 0, :], (REPORT_POINTS - 1) * place[0, ..., 0, :]

    def clean(self) -> Tensor:
        """The proposal as a variable x_0 [..., U, M + 2, K], with carriers as probabilities."""
        scale, offset = variable_scales(self.said)
        return scale * self.unscaled() + offset

    def unscaled(self) -> Tensor:
        """The same before `variable_scales`, which a chain of steps applies with its own."""
        logits, own = torch.split(self.said, [1, _OWN])
        probability = torch.softmax(logits, dim=-2)
        log_share, place = self._own(own, probability)
        cut = cut_log_share(log_share, log_share.shape[-3])
        return torch.cat([probability, cut, place], dim=-2).squeeze(0)

    @staticmethod
    def _own(own: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Log shares and places from 0 to 1, [1, ..., U, 1, K] both."""
        power, place = torch.split((weight * own).sum(dim=-2, keepdim=True), 1)
        return torch.log_softmax(power, dim=-3), torch.sigmoid(place)


@dataclass(frozen=True)
class Conditioning:
    """A context as the table networks use it, N contexts with an axis for their samples.

    Attributes:
        cells: [N, U, M, 1, width] what is known of every cell.
        weights: [channels, N, U, U] how ESIM u (row) hears ESIM v of the same carrier.
    """

    cells: Tensor
    weights: Tensor


class AttentionLayer(nn.Module):
    """Pre-norm attention with a given bias, then a two-layer perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.projections = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.before_perceptron = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """Tokens [N U, width] after attention with bias [N, heads, U, U] and perceptron."""
        users, width = bias.shape[-1], tokens.shape[1]
        depth = width // self._heads
        mixed = self.projections(self.before_attention(tokens))
        mixed = mixed.reshape(-1, users, 3 * self._heads, depth).transpose(1, 2)
        query, key, value = mixed.split(self._heads, dim=1)  # [N, heads, U, depth]
        score = query @ key.transpose(2, 3) / math.sqrt(depth) + bias
        attended = (torch.softmax(score, dim=-1) @ value).transpose(1, 2)
        tokens = tokens + self.merge(attended.reshape(-1, width))
        widened = torch.relu(self.widen(self.before_perceptron(tokens)))
        update: Tensor = self.narrow(widened)
        return tokens + update


class ContextEncoder(nn.Module):
    """Features of contexts in, conditioning of table networks out; once for all samples."""

    def __init__(self, config: NetworkConfig, cell_width: int) -> None:
        super().__init__()
        self._heads = config.heads
        self.embed = nn.Linear(ESIM_FEATURES, config.width)
        self.pair_bias = nn.Linear(PAIR_FEATURES, config.layers * config.heads)
        self.layers = nn.ModuleList(
            AttentionLayer(config.width, config.heads) for _ in range(config.layers)
        )
        self.last_norm = nn.LayerNorm(config.width)
        self.rows = nn.Linear(config.width, cell_width)
        self.columns = nn.Linear(CARRIER_FEATURES, cell_width, bias=False)
        self.hears = nn.Linear(config.width, _PAIR_HIDDEN)
        self.heard = nn.Linear(config.width, _PAIR_HIDDEN)
        self.pair_hidden = nn.Linear(PAIR_FEATURES, _PAIR_HIDDEN)
        self.pair_weights = nn.Linear(_PAIR_HIDDEN, config.channels)

    def forward(self, features: ContextFeatures) -> Conditioning:
        """The conditioning of contexts [N]."""
        # Tokens and pairs stand in matrices, one row each, like the cells of the table.
        users, width = features.esim.shape[1], self.rows.out_features
        pairs = features.pair.flatten(0, 2)
        bias = self.pair_bias(pairs).reshape(-1, users, users, self.pair_bias.out_features)
        bias = bias.permute(0, 3, 1, 2)
        tokens = self.embed(features.esim.flatten(0, 1))
        for number, layer in enumerate(self.layers):
            tokens = layer(tokens, bias[:, number * self._heads : (number + 1) * self._heads])
        tokens = self.last_norm(tokens)
        rows = self.rows(tokens).reshape(-1, users, 1, width)
        cells = rows + self.columns(features.carrier)[:, None]
        hidden = self.pair_hidden(pairs).reshape(-1, users, users, _PAIR_HIDDEN)
        hidden = hidden + self.hears(tokens).reshape(-1, users, 1, _PAIR_HIDDEN)
        hidden = torch.relu(hidden + self.heard(tokens).reshape(-1, 1, users, _PAIR_HIDDEN))
        weights = self.pair_weights(hidden.flatten(0, 2))
        weights = weights.T.reshape(weights.shape[1], -1, users, users)
        number_ = torch.arange(users, device=tokens.device)
        others = (number_[:, None] != number_[None, :]).to(tokens.dtype)
        return Conditioning(cells[:, :, :, None], weights * others)


class TableLayer(nn.Module):
    """Every cell looks along its column and its row, then a two-layer perceptron.

    Cells stand in one matrix, one row each, so that a product and what is added to it are one
    operation of the exported graph; a context's samples of one cell stand together, so that what
    is the same for them, or done with each, is one operation on long rows and not one a sample.
    """

    def __init__(self, width: int, hidden: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.source = nn.Linear(width, channels, bias=False)
        self.widen = nn.Linear(width, hidden)
        self.from_column = nn.Linear(channels, hidden, bias=False)
        self.from_row = nn.Linear(width, hidden, bias=False)
        self.narrow = nn.Linear(hidden, width, bias=False)

    def forward(self, cells: Tensor, weights: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """Cells [N U M K, width] after one look.

        Args:
            cells: the cells.
            weights: as of `Conditioning`.
            shape: U, M and K.
        """
        users, carriers, samples = shape
        channels, hidden_width = self.source.out_features, self.widen.out_features
        width = cells.shape[1]
        seen = self.norm(cells)
        source = (self.source.weight @ seen.T).reshape(channels, -1, users, carriers * samples)
        heard = (weights @ source).reshape(channels, -1).T
        row = seen.reshape(-1, carriers, samples * width).mean(dim=1).reshape(-1, width)
        row = self.from_row(row).reshape(-1, 1, samples * hidden_width)
        hidden = torch.addmm(self.widen(seen), heard, self.from_column.weight.T)
        hidden = torch.relu(hidden.reshape(-1, carriers, samples * hidden_width) + row)
        return torch.addmm(cells, hidden.reshape(-1, hidden_width), self.narrow.weight.T)


class TableNetwork(nn.Module):
    """Decisions, noise level and conditioning in; cells out."""

    def __init__(
        self, width: int, layers: int, config: NetworkConfig, cell_inputs: int, row_inputs: int
    ) -> None:
        super().__init__()
        hidden, channels = config.cell_expansion * width, config.channels
        self.embed_cells = nn.Linear(cell_inputs, width, bias=False)
        self.embed_rows = nn.Linear(row_inputs, width, bias=False)
        self.embed_time = nn.Sequential(
            nn.Linear(2 * _TIME_FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.layers = nn.ModuleList(TableLayer(width, hidden, channels) for _ in range(layers))
        self.last_norm = nn.LayerNorm(width)

    def forward(
        self, conditioning: Conditioning, cells: Tensor, rows: Tensor, time: Tensor
    ) -> Tensor:
        """Cells [N, U, M, K, width], written as one matrix [N U M K, width].

        Args:
            conditioning: of N contexts.
            cells: [N U M K, cell inputs] what is said of each ESIM on each carrier.
            rows: [N, U, row inputs, K] what is said of each ESIM.
            time: [N] or [1] noise level t.
        """
        level = self.embed_time(_time_waves(time))
        embedded = self.embed_rows(rows.transpose(2, 3)) + level[:, None, None, :]
        known = conditioning.cells + embedded[:, :, None]
        table = torch.addmm(known.flatten(0, 3), cells, self.embed_cells.weight.T)
        for layer in self.layers:
            table = layer(table, conditioning.weights, known.shape[1:4])
        result: Tensor = self.last_norm(table)
        return result


class Generator(nn.Module):
    """The amortised reverse process: x_t, latent and context in, a proposal of x_0 out."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = ContextEncoder(config, config.cell_width)
        self.table = TableNetwork(
            config.cell_width, config.cell_layers, config, 1, _OWN + config.latent
        )
        self.head = nn.Linear(config.cell_width, 1 + _OWN)
        self.expectation = Expectation() if config.expects_errors else None

    def forward(
        self, conditioning: Conditioning, noisy: Tensor, latent: Tensor, time: Tensor
    ) -> Proposal:
        """The proposal for x_t [N, U, M + 2, K] at time [N] or [1] with latent [N, U, Z, K]."""
        carriers, own = torch.split(noisy, [noisy.shape[2] - _OWN, _OWN], dim=2)
        rows = torch.cat([own, latent], dim=2)
        table = self.table(conditioning, carriers.reshape(-1, 1), rows, time)
        said = torch.addmm(self.head.bias[:, None], self.head.weight, table.T)
        return Proposal(said.reshape(1 + _OWN, -1, *carriers.shape[1:]))


class Discriminator(nn.Module):
    """Judges whether x_earlier came from the data, given x_t, the noise level and the context."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = ContextEncoder(config, config.critic_width)
        self.table = TableNetwork(config.critic_width, config.critic_layers, config, 2, 2 * _OWN)
        self.head = nn.Linear(config.critic_width, 1)

    def forward(
        self, features: ContextFeatures, earlier: Tensor, noisy: Tensor, time: Tensor
    ) -> Tensor:
        """Logits [N] that the pair of x_earlier and x_t, [N, U, M + 2], is real."""
        cells = torch.stack([earlier[..., :-_OWN], noisy[..., :-_OWN]], dim=-1)
        rows = torch.cat([earlier[..., -_OWN:], noisy[..., -_OWN:]], dim=-1)
        table = self.table(self.encoder(features), cells.flatten(0, 2), rows[..., None], time)
        whole = table.reshape(len(noisy), -1, table.shape[-1]).mean(dim=1)
        logits: Tensor = self.head(whole)[:, 0]
        return logits


def _time_waves(time: Tensor) -> Tensor:
    phase = time.to(torch.float32)[:, None] / DIFFUSION_STEPS
    order = torch.arange(_TIME_FREQUENCIES, dtype=torch.float32, device=time.device)
    angle = phase * torch.exp2(order) * (math.pi / 2)
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1)
