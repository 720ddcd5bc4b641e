"""Weights averaged over the steps of a training, which are steadier than the last ones."""

from copy import deepcopy
from typing import Generic, TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Averaged = TypeVar("Averaged", bound=nn.Module)


class MovingAverage(Generic[Averaged]):
    """Exponential moving average of a module's parameters.

    After t steps the decay is the smaller of its full value and (1 + t) / (10 + t), so that the
    weights that a training began with are forgotten in a short one, too.
    Source: Polyak and Juditsky 1992 (averaging).

    Attributes:
        module: a copy of the module that holds the average.
        steps: how many were averaged.
    """

    def __init__(self, module: Averaged, decay: float) -> None:
        self.module = deepcopy(module)
        self.module.requires_grad_(requires_grad=False)
        self.steps = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, module: Averaged) -> None:
        """Takes in the parameters after a step."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        average(list(self.module.parameters()), list(module.parameters()), self.steps)
