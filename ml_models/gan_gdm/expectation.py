"""What a report means on average: tables corrected by what errors of reports have cost before.

A network that optimises what is reported trusts nulls that are not as deep as they look. Gains and
leakages of each ESIM are moved, in decibels and at every point of the beamformer grid, to where
true ones with such a report lie on average; candidates are then compared on the moved tables.
Source: Bishop 2006 1.5.5 (the conditional mean minimises the squared error).
Not modelled: dependence between the errors of different ESIMs.
"""

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.features import ESIM_FEATURES, ContextFeatures
from radio_math.context import GRID_POINTS, RadioContext

_HIDDEN = 64
_SHARES = (0.3, 1.0, 3.0)  # of an equal share of the power, at which leakage has to be right


class Expectation(nn.Module):
    """Corrections of the tables from the features of each ESIM; none until trained."""

    def __init__(self) -> None:
        super().__init__()
        self.widen = nn.Linear(ESIM_FEATURES, _HIDDEN)
        self.deepen = nn.Linear(_HIDDEN, _HIDDEN)
        self.narrow = nn.Linear(_HIDDEN, 2 * GRID_POINTS)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, features: ContextFeatures, context: RadioContext) -> RadioContext:
        """The contexts [N] with gains and leakages as they are on average."""
        hidden = torch.relu(self.deepen(torch.relu(self.widen(features.esim))))
        gain, leakage = torch.exp(self.narrow(hidden)).split(GRID_POINTS, dim=-1)
        return RadioContext(
            beam_amplitude=context.beam_amplitude,
            gain_per_w=context.gain_per_w * gain,
            leakage_per_w=context.leakage_per_w * leakage,
            ici_factor=context.ici_factor,
            carrier_noise=context.carrier_noise,
            power_budget_w=context.power_budget_w,
        )


def expectation_loss(expected: RadioContext, true: RadioContext) -> Tensor:
    """Squared error of the logarithm of the gain and of what leakage costs [(nat/s/Hz)^2].

    The cost log(1 + p L) is taken at several powers p, since its mean depends on them.
    """
    error = (torch.log(expected.gain_per_w) - torch.log(true.gain_per_w)).square().mean()
    equal_w = (true.power_budget_w / true.ici_factor.shape[1])[:, None, None]
    for share in _SHARES:
        cost = torch.log1p(share * equal_w * expected.leakage_per_w)
        error = error + (cost - torch.log1p(share * equal_w * true.leakage_per_w)).square().mean()
    return error
