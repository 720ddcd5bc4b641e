"""What a report means: what true tables with such a report have been, on average and in spread.

A network that optimises what is reported trusts nulls that are not as deep as they look. For every
ESIM and point of the beamformer grid a small network foretells the mean logarithm of the true gain
and the mean and standard deviation of that of the true leakage. Candidates are compared by the
secrecy rate that they can then be expected to have. Nothing is changed until it has learned.
Source: Nix and Weigend 1994 (mean and variance by the Gaussian likelihood).
Not modelled: dependence between the errors of different ESIMs; leakage that is not lognormal.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.features import ESIM_FEATURES, ContextFeatures
from radio_math.context import GRID_POINTS, RadioContext

_HIDDEN = 96
_LEAST_LOG_SPREAD, _GREATEST_LOG_SPREAD = -6.0, 1.0
_UNLEARNED_LOG_SPREAD = -6.0


@dataclass(frozen=True)
class Expected:
    """What is expected of N contexts.

    Attributes:
        context: with gains and leakages at the exponential of their mean logarithms.
        leakage_spread: [N, U, S] standard deviation of the natural logarithm of the leakage; None
            where a report is taken at its word.
    """

    context: RadioContext
    leakage_spread: Tensor | None = None

    def with_candidate_axis(self) -> "Expected":
        """The same as [N, 1], to be broadcast against candidates [N, K]."""
        values = {name: value[:, None] for name, value in vars(self.context).items()}
        spread = None if self.leakage_spread is None else self.leakage_spread[:, None]
        return Expected(RadioContext(**values), spread)

    def detached(self) -> "Expected":
        """The same without a way back for gradients."""
        values = {name: value.detach() for name, value in vars(self.context).items()}
        spread = None if self.leakage_spread is None else self.leakage_spread.detach()
        return Expected(RadioContext(**values), spread)

    def with_margin(self, factor: float) -> "Expected":
        """With every leakage multiplied."""
        leakage = factor * self.context.leakage_per_w
        return replace(self, context=replace(self.context, leakage_per_w=leakage))


class Expectation(nn.Module):
    """From the features of each ESIM to what its true tables are."""

    def __init__(self) -> None:
        super().__init__()
        self.widen = nn.Linear(ESIM_FEATURES, _HIDDEN)
        self.deepen = nn.Linear(_HIDDEN, _HIDDEN)
        self.narrow = nn.Linear(_HIDDEN, 3 * GRID_POINTS)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)
        nn.init.constant_(self.narrow.bias[2 * GRID_POINTS :], _UNLEARNED_LOG_SPREAD)

    def forward(self, features: ContextFeatures, context: RadioContext) -> Expected:
        """What is expected of contexts [N]."""
        hidden = torch.relu(self.deepen(torch.relu(self.widen(features.esim))))
        gain, leakage, spread = torch.split(self.narrow(hidden), GRID_POINTS, dim=-1)
        moved = RadioContext(
            beam_amplitude=context.beam_amplitude,
            gain_per_w=context.gain_per_w * torch.exp(gain),
            leakage_per_w=context.leakage_per_w * torch.exp(leakage),
            ici_factor=context.ici_factor,
            carrier_noise=context.carrier_noise,
            power_budget_w=context.power_budget_w,
        )
        return Expected(moved, torch.exp(spread.clamp(_LEAST_LOG_SPREAD, _GREATEST_LOG_SPREAD)))


def expectation_loss(expected: Expected, true: RadioContext) -> Tensor:
    """Negative log-likelihood of the true leakage, and squared error of the logarithm of the gain.

    Raises:
        ValueError: nothing is expected but the report itself.
    """
    spread = expected.leakage_spread
    if spread is None:
        raise ValueError("a report that is taken at its word has no likelihood")
    gain = torch.log(expected.context.gain_per_w) - torch.log(true.gain_per_w)
    leakage = torch.log(expected.context.leakage_per_w) - torch.log(true.leakage_per_w)
    likelihood = 0.5 * (leakage / spread).square() + torch.log(spread)
    return likelihood.mean() + gain.square().mean()
