"""What the networks see of a radio context: scaled features of ESIMs and of pairs."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from radio_math.context import BEAMS, CARRIERS, GRID_POINTS, RadioContext

_GRID = (2, 4, 6, 8, 10, 12, 15)
ESIM_FEATURES = BEAMS + CARRIERS + 2 * len(_GRID) + 7
PAIR_FEATURES = 4
_LEAST_LEAKAGE_PER_W = 1e-5  # costs 0.005 b/s/Hz at 300 W: below it nobody listens
_LIMIT = 6.0  # scaled features beyond six deviations are cut: the network never saw them


@dataclass(frozen=True)
class ContextFeatures:
    """Features of a batch of contexts.

    Attributes:
        esim: [N, U, ESIM_FEATURES] scaled.
        pair: [N, U, U, PAIR_FEATURES] of u (row) as v (column) disturbs it.
    """

    esim: Tensor
    pair: Tensor


class FeatureExtractor(nn.Module):
    """Raw contexts in, scaled features out; the scales are learned from data and stored."""

    esim_mean: Tensor
    esim_deviation: Tensor
    grid: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("esim_mean", torch.zeros(ESIM_FEATURES))
        self.register_buffer("esim_deviation", torch.ones(ESIM_FEATURES))
        self.register_buffer("grid", torch.tensor(_GRID), persistent=False)

    def calibrate(self, context: RadioContext) -> None:
        """Takes the scales from a batch of contexts."""
        esim, _ = self._raw(context)
        esim = esim.reshape(-1, ESIM_FEATURES)
        self.esim_mean.copy_(esim.mean(dim=0))
        self.esim_deviation.copy_(esim.std(dim=0).clamp(min=1e-3))

    def forward(self, context: RadioContext) -> ContextFeatures:
        """Scaled features of contexts with one batch axis."""
        esim, pair = self._raw(context)
        scaled = (esim - self.esim_mean) / self.esim_deviation
        return ContextFeatures(esim=scaled.clamp(-_LIMIT, _LIMIT), pair=pair)

    def _raw(self, context: RadioContext) -> tuple[Tensor, Tensor]:
        amplitude: Tensor = context.beam_amplitude
        log_gain = torch.log(context.gain_per_w)
        log_leakage = torch.log(context.leakage_per_w.clamp(min=_LEAST_LEAKAGE_PER_W))
        users = amplitude.shape[1]
        gram = amplitude @ amplitude.transpose(1, 2)  # [N, U, U]
        own = torch.diagonal(gram, dim1=1, dim2=2).clamp(min=1e-6)  # [N, U]
        log_own = torch.log(own)
        log_power = torch.log(context.power_budget_w)[:, None].expand(-1, users)
        log_share = log_power - math.log(users)
        gain_drop = (log_gain - log_gain[..., :1])[..., self.grid]
        leakage_drop = (log_leakage - log_leakage[..., :1])[..., self.grid]
        root_ici = torch.sqrt(context.ici_factor)
        # What the ESIM would get alone at an equal share: its best value and where it lies.
        snr = torch.exp(log_gain + (log_own + log_share)[..., None])
        sinr = snr / (1.0 + context.ici_factor[..., None] * snr)
        leaked = torch.exp(log_leakage + log_share[..., None])
        alone = torch.log1p(sinr) - torch.log1p(leaked)  # [N, U, S]
        best_alone = alone.amax(dim=-1)
        place = torch.softmax(8.0 * alone, dim=-1) @ torch.arange(
            GRID_POINTS, dtype=alone.dtype, device=alone.device
        )
        log_noise = torch.log(context.carrier_noise)
        esim = torch.cat(
            [
                amplitude / torch.sqrt(own)[..., None],
                log_noise[:, None, :].expand(-1, users, -1),
                gain_drop,
                leakage_drop,
                torch.stack(
                    [
                        log_own,
                        log_gain[..., 0] + log_own + log_share,
                        log_leakage[..., 0] + log_share,
                        root_ici,
                        log_power,
                        best_alone,
                        place,
                    ],
                    dim=-1,
                ),
            ],
            dim=-1,
        )
        squared = gram**2
        correlation = squared / (own[:, :, None] * own[:, None, :])
        received = torch.exp(log_gain[..., 0] + log_share)  # at an equal share, in a unit beam
        heard = torch.log1p(received[:, None, :] * squared / own[:, :, None])
        pair = torch.stack(
            [
                2.0 * correlation,
                gram / torch.sqrt(own[:, :, None] * own[:, None, :]),
                0.3 * heard,
                0.3 * heard.transpose(1, 2),
            ],
            dim=-1,
        )
        return esim, pair
