"""Set statistics."""

import torch
from torch import Tensor, nn

from radio_math.context import RadioContext

_SET_MEMBER_FEATURES = 12
EMBEDDING_SIZE = 4 * _SET_MEMBER_FEATURES + 3


class ContextEmbedding(nn.Module):
    """Stand-in."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("scale", torch.ones(EMBEDDING_SIZE))

    def calibrate(self, context):
        raw = self._raw(context)
        self.mean.copy_(raw.mean(dim=0))
        self.scale.copy_(1 / raw.std(dim=0).clamp(min=0.02))

    def forward(self, context):
        return (self._raw(context) - self.mean) * self.scale

    def _raw(self, context: RadioContext) -> Tensor:
        amplitude: Tensor = context.beam_amplitude
        log_own = torch.log(amplitude.square().sum(dim=-1).clamp(min=1e-6))
        log_gain = torch.log(context.gain_per_w)
        log_leakage = torch.log(context.leakage_per_w.clamp(min=1e-5))
        peak = torch.log(context.beam_amplitude.abs().amax(dim=-1).clamp(min=1e-3))
        second = 0.5 * log_own - peak
        member = torch.stack(
            [
                log_gain[..., 0],
                log_own,
                peak,
                second,
                log_gain[..., 8] - log_gain[..., 0],
                log_gain[..., 15] - log_gain[..., 0],
                log_leakage[..., 0],
                log_leakage[..., 5] - log_leakage[..., 0],
                log_leakage[..., 10] - log_leakage[..., 0],
                log_leakage[..., 15] - log_leakage[..., 0],
                torch.sqrt(context.ici_factor),
                log_leakage[..., 15],
            ],
            dim=-1,
        )  # [N, U, _SET_MEMBER_FEATURES]
        mean = member.mean(dim=1)
        deviation = torch.sqrt(((member - mean[:, None]) ** 2).mean(dim=1) + 1e-6)
        log_noise = torch.log(context.carrier_noise)
        return torch.cat(
            [
                mean,
                deviation,
                member.amin(dim=1),
                member.amax(dim=1),
                log_noise.mean(dim=1, keepdim=True),
                log_noise.amax(dim=1, keepdim=True),
                torch.log(context.power_budget_w)[:, None],
            ],
            dim=1,
        )
