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

from ml_models.gan_gdm.config import DIFFUSION_STEPS
from radio_math.context import REPORT_POINTS

_POWER_FLOOR = -4.5
_POWER_CEILING = 2.4
_POWER_SCALE = 1.5
_INDEX_CENTRE = (REPORT_POINTS - 1) / 2
_INDEX_SCALE = 5.0


@dataclass(frozen=True)
class PosteriorStep:
    """x_earlier ~ N(from_clean x_0 + from_noisy x_t, deviation^2): one step back from x_t."""

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


def strided_steps(count: int, stochasticity: float = 1.0) -> list[PosteriorStep]:
    """The steps of a sampler with `count` evaluations, from t = T down to 0.

    Args:
        count: evaluations.
        stochasticity: eta of Song et al. 2021, equations 12 and 16: 1 is the posterior
            q(x_earlier | x_t, x_0), 0 adds no noise (DDIM).
    """
    times = [DIFFUSION_STEPS * (count - step) // count for step in range(count + 1)]
    alpha_bar = signal_power().double()
    steps = []
    for time, earlier in pairwise(times):
        kept, before = float(alpha_bar[time]), float(alpha_bar[earlier])
        variance = stochasticity**2 * (1 - before) * (1 - kept / before) / (1 - kept)
        from_noisy = math.sqrt((1 - before - variance) / (1 - kept))
        steps.append(
            PosteriorStep(
                time=time,
                earlier=earlier,
                from_clean=math.sqrt(before) - from_noisy * math.sqrt(kept),
                from_noisy=from_noisy,
                deviation=math.sqrt(variance),
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
    cut = cut_log_share(log_share, log_share.shape[-1])
    own = (cut[..., None], index[..., None] / (REPORT_POINTS - 1))
    scale, offset = variable_scales(carrier_probability[..., None])
    return scale[:, 0] * torch.cat([carrier_probability, *own], dim=-1) + offset[:, 0]


def cut_log_share(log_share: Tensor, users: int) -> Tensor:
    """Log shares of the power budget, cut as the diffused variable has them."""
    equal = -math.log(users)
    return log_share.clamp(equal + _POWER_FLOOR, equal + _POWER_CEILING)


def variable_scales(table: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and offset [M + 2, 1] of x_0 over probabilities, cut log shares and places from 0 to 1.

    Args:
        table: any of this device and type that is [..., U, M, K].
    """
    users, carriers = table.shape[-3:-1]

    def column(*parts: tuple[int, float]) -> Tensor:
        # Not torch.tensor: a copy from the host to a device would have the host wait.
        filled = [table.new_full((count, 1), value) for count, value in parts]
        return torch.cat(filled)

    last = REPORT_POINTS - 1
    scale = column((carriers, 2.0), (1, 1.0 / _POWER_SCALE), (1, last / _INDEX_SCALE))
    offset = column(
        (carriers, -1.0), (1, math.log(users) / _POWER_SCALE), (1, -_INDEX_CENTRE / _INDEX_SCALE)
    )
    return scale, offset
