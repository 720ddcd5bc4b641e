"""The forward process, its strided posterior, and the variable that is diffused.

x_0 of an ESIM is (carrier as +-1 one-hot, log power share, beamformer index), scaled to about unit
variance. Source: Ho et al. 2020 (process), Nichol and Dhariwal 2021 (cosine schedule), Song et al.
2021 (strided steps).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from radio_math.context import GRID_POINTS

DIFFUSION_STEPS = 100
_POWER_FLOOR = -4.5
_POWER_CEILING = 2.4
_POWER_SCALE = 1.5
_INDEX_CENTRE = (GRID_POINTS - 1) / 2
_INDEX_SCALE = 5.0


@dataclass(frozen=True)
class PosteriorStep:
    """q(x_earlier | x_t, x_0) = N(from_clean x_0 + from_noisy x_t, deviation^2)."""

    time: int
    earlier: int
    from_clean: float
    from_noisy: float
    deviation: float


def signal_power() -> Tensor:
    """alpha-bar of the cosine schedule at t = 0 to T, [T + 1]."""
    t = torch.arange(DIFFUSION_STEPS + 1, dtype=torch.float64) / DIFFUSION_STEPS
    shape = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    return (shape / shape[0]).clamp(1e-4, 1.0).float()


def strided_steps(count: int) -> list[PosteriorStep]:
    """The posterior steps of a sampler with `count` evaluations, from t = T down to 0."""
    times = [DIFFUSION_STEPS * (count - step) // count for step in range(count + 1)]
    alpha_bar = signal_power().double()
    steps = []
    for time, earlier in pairwise(times):
        kept, before = float(alpha_bar[time]), float(alpha_bar[earlier])
        ratio = kept / before
        steps.append(
            PosteriorStep(
                time=time,
                earlier=earlier,
                from_clean=math.sqrt(before) * (1 - ratio) / (1 - kept),
                from_noisy=math.sqrt(ratio) * (1 - before) / (1 - kept),
                deviation=math.sqrt((1 - before) * (1 - ratio) / (1 - kept)),
            )
        )
    return steps


def noised(clean: Tensor, time: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """x_t of x_0 [N, U, C] at times [N]."""
    kept = alpha_bar[time][:, None, None]
    return kept.sqrt() * clean + (1 - kept).sqrt() * noise


def clean_variable(carrier_probability: Tensor, log_share: Tensor, index: Tensor) -> Tensor:
    """x_0 [..., U, M + 2] of carrier probabilities [..., U, M], log shares and indices [..., U].

    Log shares are relative to an equal share and cut at both ends: below a hundredth of an equal
    share an ESIM is off, however far below.
    """
    relative = log_share + math.log(log_share.shape[-1])
    power = (relative.clamp(_POWER_FLOOR, _POWER_CEILING) / _POWER_SCALE)[..., None]
    place = ((index - _INDEX_CENTRE) / _INDEX_SCALE)[..., None]
    return torch.cat([2.0 * carrier_probability - 1.0, power, place], dim=-1)
