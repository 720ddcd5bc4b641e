"""What one set of numbers foretells of another: a regression with a spread, fitted in closed form.

A layer of fixed random hidden units, and ridge regression on them, once for the target and once for
the logarithm of the square of what is left. Deterministic, and fitted in a second.

Source: Huang et al. 2006 (extreme learning machine); Davidian and Carroll 1987 (variance function).
Not modelled: correlation of several targets.
"""

import math

import torch
from torch import Tensor, nn

_INPUT_LIMIT = 5.0  # deviations at which inputs are cut
_RESIDUAL_LIMIT = 30.0
_LOG_VARIANCE_LIMIT = 12.0
_SMALL = 1e-2  # share of a target's variance that is never explained away
_SEED = 1


class Explained(nn.Module):
    """Targets less what inputs foretell of them, in the deviations that inputs foretell.

    Args:
        inputs: how many.
        targets: how many.
        hidden: random units.
        ridge: penalty on the squared weights of scaled inputs and units.
    """

    mean: Tensor
    deviation: Tensor
    hidden: Tensor
    bias: Tensor
    centre: Tensor
    log_variance: Tensor

    def __init__(self, inputs: int, targets: int, *, hidden: int = 128, ridge: float = 1.0) -> None:
        super().__init__()
        self._ridge = ridge
        generator = torch.Generator().manual_seed(_SEED)
        units = 1 + inputs + hidden
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        weights = torch.randn(inputs, hidden, generator=generator) / math.sqrt(inputs)
        self.register_buffer("hidden", weights)
        self.register_buffer("bias", torch.randn(hidden, generator=generator))
        self.register_buffer("centre", torch.zeros(units, targets))
        self.register_buffer("log_variance", torch.zeros(units, targets))

    @torch.no_grad()
    def fit(self, inputs: Tensor, targets: Tensor) -> None:
        """Learns from inputs [R, I] and targets [R, T]."""
        self.mean.copy_(inputs.mean(dim=0))
        self.deviation.copy_(inputs.std(dim=0).clamp(min=1e-3))
        units = self._units(inputs)
        units = torch.cat([torch.ones_like(units[:, :1]), units], dim=1)
        self.centre.copy_(self._least_squares(units, targets))
        left = targets - units @ self.centre
        # Logarithms of squares are skewed: their mean is below the log of the variance.
        small = _SMALL * targets.var(dim=0) + 1e-9
        self.log_variance.copy_(self._least_squares(units, torch.log(left.square() + small)))
        scaled = left.square() * torch.exp(-(units @ self.log_variance))
        self.log_variance[0] += torch.log(scaled.mean(dim=0) + 1e-12)

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """[..., T] of inputs [..., I] and targets [..., T]."""
        # Both at once: few operations to export. The first row is the constant unit's.
        weight = torch.cat([self.centre, self.log_variance], dim=1)
        foretold = self._units(inputs) @ weight[1:] + weight[0]
        centre, log_variance = torch.split(foretold, self.centre.shape[1], dim=-1)
        log_variance = log_variance.clamp(-_LOG_VARIANCE_LIMIT, _LOG_VARIANCE_LIMIT)
        left: Tensor = (targets - centre) * torch.exp(-0.5 * log_variance)
        return left.clamp(-_RESIDUAL_LIMIT, _RESIDUAL_LIMIT)

    def _units(self, inputs: Tensor) -> Tensor:
        scaled = ((inputs - self.mean) / self.deviation).clamp(-_INPUT_LIMIT, _INPUT_LIMIT)
        return torch.cat([scaled, torch.tanh(scaled @ self.hidden + self.bias)], dim=-1)

    def _least_squares(self, units: Tensor, targets: Tensor) -> Tensor:
        exact = units.double()
        penalty = self._ridge * torch.eye(exact.shape[1], dtype=exact.dtype)
        factor = torch.linalg.cholesky(exact.T @ exact + penalty)
        return torch.cholesky_solve(exact.T @ targets.double(), factor).float()
