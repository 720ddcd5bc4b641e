"""What the networks see of a radio context: scaled features of ESIMs, of carriers, of pairs.

Of the beams they see what pairs of ESIMs have to do with each other in them, which is all that a
rate depends on, so neither the order nor the number of the beams means anything to them. Of the
path of beamformers they see the frontier: beyond it, what is reported only falls slowly.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from radio_math.context import REPORT_POINTS, RadioContext

_GRID = (2, 4, 6, 8, 10, 12, 15)
ESIM_FEATURES = 2 * len(_GRID) + 13
CARRIER_FEATURES = 2
PAIR_FEATURES = 4
_LEAST_LEAKAGE_PER_W = 1e-5  # costs 0.005 b/s/Hz at 300 W: below it nobody listens
_LIMIT = 6.0  # scaled features beyond six deviations are cut: the network never saw them


@dataclass(frozen=True)
class ContextFeatures:
    """Features of a batch of contexts.

    Attributes:
        esim: [N, U, ESIM_FEATURES] scaled.
        carrier: [N, M, CARRIER_FEATURES].
        pair: [N, U, U, PAIR_FEATURES] of u (row) as v (column) disturbs it.
        alone: [N] sum over the ESIMs of the rate that each would have alone at an equal share of
            the power [nat/s/Hz].
    """

    esim: Tensor
    carrier: Tensor
    pair: Tensor
    alone: Tensor


class FeatureExtractor(nn.Module):
    """Raw contexts in, scaled features out; the scales are learned from data and stored."""

    esim_mean: Tensor
    esim_scale: Tensor
    grid: Tensor
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("esim_mean", torch.zeros(ESIM_FEATURES))
        self.register_buffer("esim_scale", torch.ones(ESIM_FEATURES))
        self.register_buffer("grid", torch.tensor(_GRID), persistent=False)
        self.register_buffer("places", torch.arange(REPORT_POINTS).float(), persistent=False)

    def calibrate(self, context: RadioContext) -> None:
        """Takes the scales from a batch of contexts."""
        esim = self._raw(context).esim.reshape(-1, ESIM_FEATURES)
        self.esim_mean.copy_(esim.mean(dim=0))
        self.esim_scale.copy_(1.0 / esim.std(dim=0).clamp(min=1e-3))

    def forward(self, context: RadioContext) -> ContextFeatures:
        """Scaled features of contexts with one batch axis."""
        raw = self._raw(context)
        scaled = (raw.esim - self.esim_mean) * self.esim_scale
        return ContextFeatures(scaled.clamp(-_LIMIT, _LIMIT), raw.carrier, raw.pair, raw.alone)

    def _raw(self, context: RadioContext) -> ContextFeatures:
        amplitude: Tensor = context.beam_amplitude
        log_gain = torch.log(context.gain_per_w[..., :REPORT_POINTS])
        leakage = context.leakage_per_w[..., :REPORT_POINTS]
        log_leakage = torch.log(leakage.clamp(min=_LEAST_LEAKAGE_PER_W))
        users = amplitude.shape[1]
        squared = (amplitude @ amplitude.transpose(1, 2)).square()  # [N, U, U]
        own = amplitude.square().sum(dim=-1, keepdim=True).clamp(min=1e-6)  # [N, U, 1]
        log_own = torch.log(own)
        log_power = torch.log(context.power_budget_w)[:, None, None].expand(-1, users, -1)
        log_share = log_power - math.log(users)
        ici = context.ici_factor[..., None]
        # What the ESIM would get alone at an equal share: its best value and where it lies.
        snr = torch.exp(log_gain + (log_own + log_share))
        leaked = torch.exp(log_leakage + log_share)
        alone = torch.log1p(snr / (1.0 + ici * snr)) - torch.log1p(leaked)  # [N, U, S]
        best_alone = alone.amax(dim=-1, keepdim=True)
        place = torch.softmax(8.0 * alone, dim=-1) @ self.places
        received = snr[..., :1] / own  # at an equal share, in a unit beam
        per_own = squared / own
        heard = 0.3 * torch.log1p(per_own * received.transpose(1, 2))
        heard_by = heard.transpose(1, 2)
        likeness = per_own / own.transpose(1, 2)
        pair = torch.stack([2.0 * likeness, likeness.sqrt(), heard, heard_by], dim=-1)
        log_noise = torch.log(context.carrier_noise)
        mean_noise = log_noise.mean(dim=1, keepdim=True)
        esim = torch.cat(
            [
                (log_gain - log_gain[..., :1]).index_select(-1, self.grid),
                (log_leakage - log_leakage[..., :1]).index_select(-1, self.grid),
                log_own,
                log_gain[..., :1] + (log_own + log_share),
                log_leakage[..., :1] + log_share,
                torch.sqrt(ici),
                log_power,
                best_alone,
                place[..., None],
                likeness.sum(dim=-1, keepdim=True),
                likeness.square().sum(dim=-1, keepdim=True),
                heard.sum(dim=-1, keepdim=True),
                heard_by.sum(dim=-1, keepdim=True),
                best_alone - best_alone.mean(dim=1, keepdim=True),
                mean_noise[:, None].expand(-1, users, -1),
            ],
            dim=-1,
        )
        carrier = torch.stack([2.0 * (log_noise - mean_noise), log_noise], dim=-1)
        return ContextFeatures(esim, carrier, pair, best_alone.sum(dim=(1, 2)))
