"""How likely is this decision a good one? A calibrated probability.

The reliability says whether a context is like those of the training; it says nothing of the
decision. Candidates that differ in value, or that agree in nothing but their value, tell that the
sampler is not sure; a value far below what the ESIMs would get without each other tells that
carriers were hard to share. A logistic regression on such statistics, fitted to decisions whose
regret against exhaustive search is known, gives the probability that the regret is small.
Source: Platt 1999 (targets that a few examples cannot drive to certainty); Nelder and Wedderburn
1972 (iteratively reweighted least squares).
Not modelled: what the true channel makes of the decision; the regret is that of the model's own
objective.
"""

import torch
from torch import Tensor, nn

GOOD_REGRET = 0.05
"""A decision is good that is at most this share below exhaustive search."""

STATISTICS = 8
_LEAST_LEAD = 1e-4
_LIMIT = 4.0  # deviations at which statistics are cut: probabilities beyond are not learned
_RIDGE = 1.0
_NEWTON_STEPS = 25
_FEWEST = 1e-6


class Confidence(nn.Module):
    """Statistics of decisions in, probabilities of being good out."""

    mean: Tensor
    deviation: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(STATISTICS))
        self.register_buffer("deviation", torch.ones(STATISTICS))
        self.register_buffer("weight", torch.zeros(2 * STATISTICS))
        self.register_buffer("bias", torch.zeros(1))

    @torch.no_grad()
    def fit(self, statistics: Tensor, good: Tensor) -> None:
        """Learns from decisions that training has not seen.

        Args:
            statistics: [N, STATISTICS] from `decision_statistics`.
            good: [N] boolean, whether the regret is at most `GOOD_REGRET`.
        """
        self.mean.copy_(statistics.mean(dim=0))
        spread = statistics.std(dim=0, correction=0)
        # What never varies (K = 1 has no spread) says nothing, and must not be blown up.
        self.deviation.copy_(torch.where(spread > _FEWEST, spread, torch.ones_like(spread)))
        one = torch.ones(len(statistics), 1, dtype=torch.float64)
        inputs = torch.cat([self._inputs(statistics).double(), one], dim=1)
        hits = float(good.sum())
        misses = len(good) - hits
        target = torch.where(good, (hits + 1) / (hits + 2), 1 / (misses + 2)).double()
        penalty = _RIDGE * torch.eye(inputs.shape[1], dtype=inputs.dtype)
        penalty[-1, -1] = 0.0
        weight = torch.zeros(inputs.shape[1], dtype=inputs.dtype)
        weight[-1] = torch.logit(target.mean())
        for _ in range(_NEWTON_STEPS):
            probability = torch.sigmoid(inputs @ weight)
            slope = inputs.T @ (target - probability) - penalty @ weight
            certainty = (probability * (1 - probability)).clamp(min=_FEWEST)
            curvature = (inputs * certainty[:, None]).T @ inputs + penalty
            step = torch.linalg.solve(curvature, slope)
            weight = weight + step / step.norm().clamp(min=1.0)
        self.weight.copy_(weight[:-1])
        self.bias.copy_(weight[-1:])

    def forward(self, statistics: Tensor) -> Tensor:
        """Probability [N] that a decision with these statistics [N, STATISTICS] is good."""
        return torch.sigmoid(self._inputs(statistics) @ self.weight + self.bias)

    def _inputs(self, statistics: Tensor) -> Tensor:
        scaled = ((statistics - self.mean) / self.deviation).clamp(-_LIMIT, _LIMIT)
        return torch.cat([scaled, scaled.square()], dim=-1)


def decision_statistics(
    candidate_rates: Tensor, candidate_carriers: Tensor, best: Tensor, alone: Tensor
) -> Tensor:
    """What candidates tell of the decision, [N, STATISTICS].

    Rates count in shares of the best one. Carriers count as who shares one with whom, as carriers
    of equal noise may be renumbered without any harm.

    Args:
        candidate_rates: [N, K] sum secrecy rates by the model's own objective [b/s/Hz].
        candidate_carriers: [N, K, U] integer.
        best: [N, 1] integer, number of the candidate that was chosen.
        alone: [N] sum of the ESIMs' best rates at an equal share of the power without any
            interference [b/s/Hz].
    """
    count, users = candidate_carriers.shape[1:]
    rate = candidate_rates.gather(1, best).clamp(min=1e-3)  # [N, 1]
    behind = 1.0 - candidate_rates / rate  # [N, K], 0 for the best
    mean = behind.mean(dim=1)
    variance = (behind - mean[:, None]).square().mean(dim=1)
    numbers = torch.arange(count, device=best.device)
    others = torch.where(numbers == best, torch.full_like(behind, 2.0), behind)
    lead = others.amin(dim=1).clamp(min=0.0)
    shared = (candidate_carriers[..., :, None] == candidate_carriers[..., None, :]).to(rate.dtype)
    rows = best[:, :, None, None].expand(-1, -1, users, users)
    alike = 1.0 - (shared - shared.gather(1, rows)).abs().mean(dim=(2, 3))  # [N, K]
    near = torch.softmax(-behind / 0.02, dim=1)  # candidates within a few percent of the best
    reached = rate[:, 0] / alone.clamp(min=1e-3)
    return torch.stack(
        [
            torch.log(torch.sqrt(variance) + _LEAST_LEAD),
            torch.log(lead + _LEAST_LEAD),
            torch.log(mean + _LEAST_LEAD),
            near.square().sum(dim=1),
            alike.mean(dim=1),
            (near * alike).sum(dim=1),
            reached,
            torch.log(alone.clamp(min=1e-3)),
        ],
        dim=1,
    )
