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
from ml_models.gan_gdm.diffusion import clean_variable
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
        logits: [..., U, M] carrier logits.
        power: [..., U, M] logits of the share of the power budget, were the ESIM on that carrier.
        place: [..., U, M] logit of the place on the beamformer grid, likewise.
    """

    logits: Tensor
    power: Tensor
    place: Tensor

    def on(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Log shares and beamformer indices [..., U] of ESIMs on their carriers.

        Args:
            weight: [..., U, M] one-hot carriers, or probabilities.

        Returns:
            Log of the shares of the power budget, which sum to 1 over the ESIMs, and indices from
            0 to the end of the frontier.
        """
        log_share = torch.log_softmax((weight * self.power).sum(dim=-1), dim=-1)
        index = (REPORT_POINTS - 1) * torch.sigmoid((weight * self.place).sum(dim=-1))
        return log_share, index

    def clean(self) -> Tensor:
        """The proposal as a variable x_0 [..., U, M + 2], with carriers as probabilities."""
        probability = torch.softmax(self.logits, dim=-1)
        return clean_variable(probability, *self.on(probability))


@dataclass(frozen=True)
class Conditioning:
    """A context as the table networks use it, N contexts with an axis for their samples.

    Attributes:
        cells: [N, 1, U, M, width] what is known of every cell.
        weights: [N, 1, channels, U, U] how ESIM u (row) hears ESIM v of the same carrier.
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
        """Tokens [N, U, width] after attention with bias [N, heads, U, U] and perceptron."""
        users, width = tokens.shape[1], tokens.shape[2]
        depth = width // self._heads
        mixed = self.projections(self.before_attention(tokens))
        mixed = mixed.reshape(-1, users, 3 * self._heads, depth).transpose(1, 2)
        query, key, value = mixed.split(self._heads, dim=1)  # [N, heads, U, depth]
        score = query @ key.transpose(2, 3) / math.sqrt(depth) + bias
        attended = (torch.softmax(score, dim=-1) @ value).transpose(1, 2)
        tokens = tokens + self.merge(attended.reshape(-1, users, width))
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
        bias = self.pair_bias(features.pair).permute(0, 3, 1, 2)
        tokens = self.embed(features.esim)
        for number, layer in enumerate(self.layers):
            tokens = layer(tokens, bias[:, number * self._heads : (number + 1) * self._heads])
        tokens = self.last_norm(tokens)
        cells = self.rows(tokens)[:, :, None] + self.columns(features.carrier)[:, None]
        hidden = self.pair_hidden(features.pair) + self.hears(tokens)[:, :, None]
        hidden = torch.relu(hidden + self.heard(tokens)[:, None])
        users = tokens.shape[1]
        number_ = torch.arange(users, device=tokens.device)
        others = (number_[:, None] != number_[None, :]).to(tokens.dtype)
        weights = self.pair_weights(hidden).permute(0, 3, 1, 2) * others
        return Conditioning(cells[:, None], weights[:, None])


class TableLayer(nn.Module):
    """Every cell looks along its column and its row, then a two-layer perceptron.

    Cells stand in one matrix, one row each, so that a product and what is added to it are one
    operation of the exported graph.
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
        """Cells [N K U M, width] after one look.

        Args:
            cells: the cells.
            weights: as of `Conditioning`.
            shape: K, U and M.
        """
        samples, users, carriers = shape
        width = cells.shape[1]
        seen = self.norm(cells)
        source = self.source(seen).reshape(-1, samples, users, carriers, self.source.out_features)
        heard = weights @ source.permute(0, 1, 4, 2, 3)  # [N, K, channels, U, M]
        heard = heard.permute(0, 1, 3, 4, 2).reshape(-1, self.source.out_features)
        row = self.from_row(seen.reshape(-1, carriers, width).mean(dim=1))
        hidden = torch.addmm(self.widen(seen), heard, self.from_column.weight.T)
        hidden = torch.relu(hidden.reshape(-1, carriers, hidden.shape[1]) + row[:, None])
        return torch.addmm(cells, hidden.flatten(0, 1), self.narrow.weight.T)


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
        """Cells [N, K, U, M, width], written as one matrix [N K U M, width].

        Args:
            conditioning: of N contexts.
            cells: [N, K, U, M, cell inputs] what is said of each ESIM on each carrier.
            rows: [N, K, U, row inputs] what is said of each ESIM.
            time: [N] or [1] noise level t.
        """
        level = self.embed_time(_time_waves(time))[:, None, None, :]
        samples, users, carriers = cells.shape[1:4]
        table = conditioning.cells + (self.embed_rows(rows) + level)[..., None, :]
        table = torch.addmm(table.flatten(0, 3), cells.flatten(0, 3), self.embed_cells.weight.T)
        for layer in self.layers:
            table = layer(table, conditioning.weights, (samples, users, carriers))
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
        """The proposal for x_t [N, K, U, M + 2] at time [N] or [1] with latent [N, K, U, Z]."""
        rows = torch.cat([noisy[..., -_OWN:], latent], dim=-1)
        table = self.table(conditioning, noisy[..., :-_OWN, None], rows, time)
        said = self.head(table).reshape(*noisy.shape[:-1], -1, 1 + _OWN)
        logits, power, place = said.unbind(dim=-1)
        return Proposal(logits, power, place)


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
        table = self.table(self.encoder(features), cells[:, None], rows[:, None], time)
        whole = table.reshape(len(noisy), -1, table.shape[-1]).mean(dim=1)
        logits: Tensor = self.head(whole)[:, 0]
        return logits


def _time_waves(time: Tensor) -> Tensor:
    phase = time.to(torch.float32)[:, None] / DIFFUSION_STEPS
    order = torch.arange(_TIME_FREQUENCIES, dtype=torch.float32, device=time.device)
    angle = phase * torch.exp2(order) * (math.pi / 2)
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1)
