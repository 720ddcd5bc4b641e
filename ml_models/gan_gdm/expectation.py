"""What a report means: what true tables with such a report have been, on average and in spread.

A network that optimises what is reported trusts nulls that are not as deep as they look. For every
ESIM and point of the beamformer grid a small network foretells the mean logarithm of the true gain
and the mean and standard deviation of that of the true leakage. Candidates are compared by the
secrecy rate that they can then be expected to have. It is learned before the generator is, from
pairs of reports and truths alone: rates do not teach what reports mean, or a sampler would talk
itself into great ones. Nothing is changed until it has learned.
Source: Nix and Weigend 1994 (mean and variance by the Gaussian likelihood).
Not modelled: dependence between the errors of different ESIMs; leakage that is not lognormal.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.features import ESIM_FEATURES, ContextFeatures
from radio_math.channel import ContextPair
from radio_math.context import GRID_POINTS, RadioContext

_HIDDEN = 96
_LEAST_LOG_SPREAD, _GREATEST_LOG_SPREAD = -6.0, 1.0
_UNLEARNED_LOG_SPREAD = -6.0
_LEAST_SPREAD = 0.05
_STEPS, _BATCH, _RATE = 600, 512, 3e-3
_STEPS_AGAIN = 150  # where it has learned before, under other conditions


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
        gain, leakage, spread = self.foretold(features.esim)
        moved = RadioContext(
            beam_amplitude=context.beam_amplitude,
            gain_per_w=context.gain_per_w * torch.exp(gain),
            leakage_per_w=context.leakage_per_w * torch.exp(leakage),
            ici_factor=context.ici_factor,
            carrier_noise=context.carrier_noise,
            power_budget_w=context.power_budget_w,
        )
        return Expected(moved, torch.exp(spread))

    def foretold(self, esim: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of ESIMs with these features [..., F], by how much logarithms of tables will differ.

        Returns:
            Means of the gains' and of the leakages' and the logarithm of the leakages' standard
            deviation, all [..., S].
        """
        hidden = torch.relu(self.deepen(torch.relu(self.widen(esim))))
        gain, leakage, spread = torch.split(self.narrow(hidden), GRID_POINTS, dim=-1)
        return gain, leakage, spread.clamp(_LEAST_LOG_SPREAD, _GREATEST_LOG_SPREAD)

    def learn(self, esim: Tensor, pair: ContextPair, random: torch.Generator) -> None:
        """Learns from reports whose truth is known; from then on it stays as it is.

        It begins with means and deviations of all of them, whatever the features, unless it has
        learned before. ESIMs are examples by themselves.

        Args:
            esim: [N, U, F] features of the reports.
            pair: the contexts.
            random: order of the examples, on their device.
        """
        gain = _excess(pair.true.gain_per_w, pair.estimated.gain_per_w)
        leakage = _excess(pair.true.leakage_per_w, pair.estimated.leakage_per_w)
        rows = esim.flatten(0, 1)
        steps = _STEPS_AGAIN
        if not bool(self.narrow.weight.any()):
            steps = _STEPS
            with torch.no_grad():
                spread = torch.log(leakage.std(dim=0).clamp(min=_LEAST_SPREAD))
                self.narrow.bias.copy_(torch.cat([gain.mean(dim=0), leakage.mean(dim=0), spread]))
        self.requires_grad_(requires_grad=True)
        optimiser = torch.optim.Adam(self.parameters(), lr=_RATE)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * (1 - step / steps)
            chosen = torch.randint(len(rows), (_BATCH,), generator=random, device=rows.device)
            optimiser.zero_grad()
            loss = self._loss(rows[chosen], gain[chosen], leakage[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        self.requires_grad_(requires_grad=False)

    def _loss(self, esim: Tensor, gain: Tensor, leakage: Tensor) -> Tensor:
        """Negative log-likelihood of the leakages, and squared error of the gains' logarithms."""
        foretold_gain, foretold_leakage, log_spread = self.foretold(esim)
        deviation = (leakage - foretold_leakage) * torch.exp(-log_spread)
        likelihood = 0.5 * deviation.square() + log_spread
        return likelihood.mean() + (gain - foretold_gain).square().mean()


def _excess(true: Tensor, reported: Tensor) -> Tensor:
    """Logarithm of the true tables [N, U, S] over the reported ones, a row an ESIM."""
    return torch.log(true / reported).flatten(0, 1)
