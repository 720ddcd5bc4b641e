"""The unfolded optimiser: a few iterations of best response whose updates are learned.

Each iteration computes, with soft carriers, what every ESIM would get on every carrier if it went
there alone with its present power and beamformer, given all the others; small networks, one pair
for each iteration, turn that into new carrier logits, powers and beamformers. It is the rival that
knows the system model best and learns the least. Source: Monga et al. 2021 (algorithm unrolling).
"""

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.config import NetworkConfig
from ml_models.gan_gdm.network import Proposal
from radio_math.context import CARRIERS, REPORT_POINTS, RadioContext
from radio_math.secrecy import interpolate_grid, mmse_error

_CARRIER_FEATURES = 5
_ESIM_FEATURES = 8
_LEAST_SHARE = 0.02  # of a soft carrier: what an ESIM would get there stays computable
_START_SPREAD = 0.3
_LIMIT = 8.0


class Iteration(nn.Module):
    """The learned part of one iteration."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.carrier = nn.Sequential(
            nn.Linear(_CARRIER_FEATURES + _ESIM_FEATURES, width), nn.GELU(), nn.Linear(width, 1)
        )
        self.own = nn.Sequential(nn.Linear(_ESIM_FEATURES, width), nn.GELU(), nn.Linear(width, 2))
        self.carrier_step = nn.Parameter(torch.tensor(1.0))

    def forward(
        self, per_carrier: Tensor, per_esim: Tensor, value: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Changes of carrier logits [N, U, M], and of log power and beamformer [N, U, 2]."""
        beside = per_esim[..., None, :].expand(-1, -1, per_carrier.shape[2], -1)
        change = self.carrier(torch.cat([per_carrier, beside], dim=-1))[..., 0]
        own: Tensor = self.own(per_esim)
        return self.carrier_step * value + change, own


class UnfoldedOptimiser(nn.Module):
    """`layers` iterations from a random start."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.iterations = nn.ModuleList(Iteration(config.width) for _ in range(config.layers))

    def forward(self, context: RadioContext, noise: Tensor) -> Proposal:
        """The proposals [N, K] that the iterations reach for contexts [N] from noise [N, K, …]."""
        context, samples = _flattened(context, noise.shape[1]), noise.shape[1]
        noise = noise.flatten(0, 1)
        amplitude: Tensor = context.beam_amplitude
        gram = (amplitude @ amplitude.transpose(1, 2))[:, None]  # [N K, 1, U, U]
        logits = noise[..., :CARRIERS]
        power = _START_SPREAD * noise[..., CARRIERS]
        place = _START_SPREAD * noise[..., CARRIERS + 1]
        for iteration in self.iterations:
            index = _index(place)
            share = torch.softmax(power, dim=1)
            power_w = share * context.power_budget_w[:, None]
            carrier = torch.softmax(logits, dim=2)
            carrier = _LEAST_SHARE + (1 - CARRIERS * _LEAST_SHARE) * carrier  # [N, U, M]
            gain = interpolate_grid(context.gain_per_w, index)
            leaked = torch.log1p(power_w * interpolate_grid(context.leakage_per_w, index))
            signal = (power_w * gain)[..., None] / context.carrier_noise[:, None, :]
            load = (carrier * signal).transpose(1, 2)  # [N, M, U]
            error = mmse_error(load[..., None] * gram)
            # 1/E - 1 is the SINR of the share that is there; all of the ESIM would have this much.
            sinr = (1 / error - 1).transpose(1, 2) / carrier
            sinr = sinr / (1 + context.ici_factor[..., None] * sinr)
            rate = torch.log1p(sinr)
            value = rate - leaked[..., None]
            per_carrier = torch.stack(
                [
                    logits,
                    value,
                    rate,
                    torch.log1p(load).transpose(1, 2),
                    carrier - carrier.mean(dim=1, keepdim=True),
                ],
                dim=-1,
            )
            expected = (carrier * value).sum(dim=2)
            per_esim = torch.stack(
                [
                    torch.log(share + 1e-6) / 3.0,
                    place,
                    expected,
                    leaked,
                    value.amax(dim=2),
                    _slope(context.gain_per_w, index),
                    _slope(context.leakage_per_w, index),
                    expected - expected.mean(dim=1, keepdim=True),
                ],
                dim=-1,
            )
            change, own = iteration(per_carrier, per_esim.clamp(-_LIMIT, _LIMIT), value)
            logits = (logits + change).clamp(-_LIMIT, _LIMIT)
            power = (power + own[..., 0]).clamp(-_LIMIT, _LIMIT)
            place = (place + own[..., 1]).clamp(-_LIMIT, _LIMIT)
        everywhere = torch.ones_like(logits)
        said = torch.stack([logits, power[..., None] * everywhere, place[..., None] * everywhere])
        return Proposal(said.reshape(3, -1, samples, *logits.shape[1:]).movedim(2, -1))


def _flattened(context: RadioContext, times: int) -> RadioContext:
    """Every context `times` over, in order."""
    return RadioContext(
        **{name: value.repeat_interleave(times, dim=0) for name, value in vars(context).items()}
    )


def _index(place: Tensor) -> Tensor:
    return (REPORT_POINTS - 1) * torch.sigmoid(place)


def _slope(table: Tensor, index: Tensor) -> Tensor:
    """How the logarithm of a table rises around a grid position."""
    above = interpolate_grid(table, (index + 1.0).clamp(max=REPORT_POINTS - 1.0))
    below = interpolate_grid(table, (index - 1.0).clamp(min=0.0))
    return torch.log(above / below)
