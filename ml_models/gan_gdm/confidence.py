"""How likely is this decision a good one? A calibrated probability.

The reliability says whether a context is like those of the training; it says nothing of the
decision. What does: candidates that differ in value or in carriers tell that the sampler is not
sure; so do ESIMs that would lose less if one moved to another carrier or two changed places, by
what each pair would cost if it shared one (`_pair_costs`); and above all a value below what
exhaustive search reaches in contexts like this one, which a regression foretells to 3 %. A logistic
regression on these, fitted to decisions whose regret is known, gives the probability that the
regret is small.
Source: Platt 1999 (targets that a few examples cannot drive to certainty); Nelder and Wedderburn
1972 (iteratively reweighted least squares).
Not modelled: what the true channel makes of the decision; the regret is that of the model's own
objective. Three ESIMs on a carrier cost more than their three pairs.
"""

import math

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.explained import Explained
from radio_math.context import CARRIERS, RadioContext

GOOD_REGRET = 0.05
"""A decision is good that is at most this share below exhaustive search."""

DECISION_STATISTICS = 11
CONTEXT_STATISTICS = 20
STATISTICS = DECISION_STATISTICS + CONTEXT_STATISTICS
"""Of a decision and of its context, see `decision_statistics`."""

_REACHED = 0  # column of the logarithm of the share of the bound that was reached
_LEAST = 1e-4
_LEAST_RATE = 1e-3
_LIMIT = 4.0  # deviations at which statistics are cut: probabilities beyond are not learned
_HIDDEN = 64
_RIDGE = 1.0
_NEWTON_STEPS = 25
_FEWEST = 1e-6
_PARTS = 2
_COST_SCALES = (0.005, 0.02, 0.05, 0.1, 0.2)  # of a pair's cost, in shares of the bound


class Confidence(nn.Module):
    """Statistics of decisions in, probabilities of being good out."""

    mean: Tensor
    deviation: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.expected = _expected_value()
        self.register_buffer("mean", torch.zeros(DECISION_STATISTICS))
        self.register_buffer("deviation", torch.ones(DECISION_STATISTICS))
        self.register_buffer("weight", torch.zeros(2 * DECISION_STATISTICS))
        self.register_buffer("bias", torch.zeros(1))

    @torch.no_grad()
    def fit(self, statistics: Tensor, regret: Tensor) -> None:
        """Learns from decisions that training has not seen.

        Args:
            statistics: [N, STATISTICS] from `decision_statistics`.
            regret: [N] share of the exhaustive search's value that the decision lacks.
        """
        own, context = _split(statistics)
        best = own[:, _REACHED] - torch.log((1.0 - regret).clamp(min=_LEAST_RATE))
        # Seen from outside of what it was fitted to, the expectation is as good as it will be.
        part = torch.arange(len(own)) % _PARTS
        surprise = torch.zeros_like(own[:, :1])
        for number in range(_PARTS):
            judge = _expected_value()
            judge.fit(context[part != number], best[part != number, None])
            chosen = part == number
            surprise[chosen] = judge(context[chosen], own[chosen, _REACHED : _REACHED + 1])
        self.expected.fit(context, best[:, None])
        known = _with_surprise(own, surprise)
        self.mean.copy_(known.mean(dim=0))
        spread = known.std(dim=0, correction=0)
        # What never varies (K = 1 has no spread) says nothing, and must not be blown up.
        self.deviation.copy_(torch.where(spread > _FEWEST, spread, torch.ones_like(spread)))
        weight = _logistic(self._inputs(known).double(), regret <= GOOD_REGRET)
        self.weight.copy_(weight[:-1])
        self.bias.copy_(weight[-1:])

    def forward(self, statistics: Tensor) -> Tensor:
        """Probability [N] that a decision with these statistics [N, STATISTICS] is good."""
        own, context = _split(statistics)
        surprise = self.expected(context, own[:, _REACHED : _REACHED + 1])
        return torch.sigmoid(self._inputs(_with_surprise(own, surprise)) @ self.weight + self.bias)

    def _inputs(self, known: Tensor) -> Tensor:
        scaled = ((known - self.mean) / self.deviation).clamp(-_LIMIT, _LIMIT)
        return torch.cat([scaled, scaled.square()], dim=-1)


def _expected_value() -> Explained:
    return Explained(CONTEXT_STATISTICS, 1, hidden=_HIDDEN, ridge=_RIDGE)


def _split(statistics: Tensor) -> tuple[Tensor, Tensor]:
    return statistics[:, :DECISION_STATISTICS], statistics[:, DECISION_STATISTICS:]


def _with_surprise(own: Tensor, surprise: Tensor) -> Tensor:
    """The share of the bound, in deviations from what contexts like this one allow."""
    return torch.cat([surprise, own[:, _REACHED + 1 :]], dim=1)


def _logistic(inputs: Tensor, good: Tensor) -> Tensor:
    """Weights of the inputs [N, F] and, last, the bias."""
    inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)
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
    return weight


def decision_statistics(
    context: RadioContext, candidate_rates: Tensor, candidate_carriers: Tensor, best: Tensor
) -> Tensor:
    """What candidates and context tell of the decision, [N, STATISTICS].

    Rates count in shares of the best one. Carriers count as who shares one with whom, as carriers
    of equal noise may be renumbered without any harm. The bound is what the ESIMs would get alone
    at an equal share of the power.

    Args:
        context: [N] with the leakage that the objective counts.
        candidate_rates: [N, K] sum secrecy rates by the model's own objective [b/s/Hz].
        candidate_carriers: [N, K, U] integer.
        best: [N, 1] integer, number of the candidate that was chosen.
    """
    count, users = candidate_carriers.shape[1:]
    alone, costs = _pair_costs(context)  # [N, U], [N, U, U]
    bound = alone.sum(dim=1).clamp(min=_LEAST_RATE)
    rate = candidate_rates.gather(1, best).clamp(min=_LEAST_RATE)  # [N, 1]
    behind = 1.0 - candidate_rates / rate  # [N, K], 0 for the best
    mean = behind.mean(dim=1)
    variance = (behind - mean[:, None]).square().mean(dim=1)
    numbers = torch.arange(count, device=best.device)
    others = torch.where(numbers == best, torch.full_like(behind, 2.0), behind)
    lead = others.amin(dim=1).clamp(min=0.0)
    shared = (candidate_carriers[..., :, None] == candidate_carriers[..., None, :]).to(rate.dtype)
    rows = best[:, :, None, None].expand(-1, -1, users, users)
    chosen = shared.gather(1, rows)  # [N, 1, U, U]
    alike = 1.0 - (shared - chosen).abs().mean(dim=(2, 3))  # [N, K]
    near = torch.softmax(-behind / 0.02, dim=1)  # candidates within a few percent of the best
    carriers = candidate_carriers.gather(1, best[:, :, None].expand(-1, -1, users))[:, 0]
    paid, moved, swapped = _better_places(costs / bound[:, None, None], carriers)
    own = torch.stack(
        [
            torch.log(rate[:, 0] / bound),
            torch.log(torch.sqrt(variance) + _LEAST),
            torch.log(lead + _LEAST),
            torch.log(mean + _LEAST),
            near.square().sum(dim=1),
            alike.mean(dim=1),
            (near * alike).sum(dim=1),
            paid,
            moved,
            swapped,
            torch.log(bound),
        ],
        dim=1,
    )
    return torch.cat([own, _context_statistics(context, alone, costs)], dim=1)


def _pair_costs(context: RadioContext) -> tuple[Tensor, Tensor]:
    """What each ESIM gets alone [N, U], and what two lose on one carrier [N, U, U] [b/s/Hz].

    Two ESIMs with the normalised beam correlation rho leave each other 1 - rho a / (1 + a) of the
    SNR, a being the other's: the MMSE combiner of a single interferer (Tse 2005 section 8.3.3).
    """
    amplitude: Tensor = context.beam_amplitude
    users = amplitude.shape[1]
    share_w = context.power_budget_w[:, None] / users
    gram = amplitude @ amplitude.transpose(1, 2)
    own = amplitude.square().sum(dim=2).clamp(min=1e-6)
    correlation = gram.square() / (own[:, :, None] * own[:, None, :])
    snr = context.gain_per_w * (own * share_w)[..., None]
    sinr = snr / (1.0 + context.ici_factor[..., None] * snr)
    secret = torch.log1p(sinr) - torch.log1p(context.leakage_per_w * share_w[..., None])
    alone = secret.clamp(min=0.0).amax(dim=2)
    loudest = snr[..., 0]
    kept = 1.0 - correlation * (loudest / (1.0 + loudest))[:, None, :]
    lost = torch.log1p(loudest)[..., None] - torch.log1p(loudest[..., None] * kept)
    lost = torch.minimum(lost, alone[..., None])
    number = torch.arange(users, device=amplitude.device)
    apart = (number[:, None] != number[None, :]).to(lost.dtype)
    bits = 1.0 / math.log(2.0)
    return bits * alone, bits * (lost + lost.transpose(1, 2)) * apart


def _better_places(costs: Tensor, carriers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Costs [N] of the pairs that share; the most that one move, and one swap, would change.

    Args:
        costs: [N, U, U] of pairs.
        carriers: [N, U].
    """
    numbers = torch.arange(CARRIERS, device=carriers.device)
    place = (carriers[..., None] == numbers).to(costs.dtype)  # [N, U, M]
    shared = place @ place.transpose(1, 2)
    on_carrier = costs @ place  # [N, U, M] what u would pay on each
    paid = (on_carrier * place).sum(dim=2)
    moved = (on_carrier - paid[..., None]).amin(dim=(1, 2))
    visit = on_carrier @ place.transpose(1, 2)  # [N, U, U] what u would pay where v is
    swap = visit + visit.transpose(1, 2) - 2.0 * costs - paid[..., None] - paid[:, None, :]
    return 0.5 * paid.sum(dim=1), moved, (swap * (1.0 - shared)).amin(dim=(1, 2))


def _context_statistics(context: RadioContext, alone: Tensor, costs: Tensor) -> Tensor:
    """What the value of the best decision depends on, [N, CONTEXT_STATISTICS]."""
    bound = alone.sum(dim=1, keepdim=True).clamp(min=_LEAST_RATE)
    share = alone / bound
    relative = costs / bound[..., None]
    cheap = [torch.exp(-relative / scale).mean(dim=(1, 2)) for scale in _COST_SCALES]
    each = relative.sum(dim=2)  # [N, U]
    noise = torch.log(context.carrier_noise)
    doppler = torch.sqrt(context.ici_factor)
    return torch.stack(
        [
            torch.log(bound[:, 0]),
            torch.log(context.power_budget_w),
            noise.mean(dim=1),
            noise.amin(dim=1),
            noise.amax(dim=1),
            noise.square().mean(dim=1),
            *cheap,
            each.mean(dim=1),
            each.amax(dim=1),
            each.square().mean(dim=1),
            relative.amax(dim=2).mean(dim=1),
            relative.square().mean(dim=(1, 2)),
            share.amax(dim=1),
            share.square().sum(dim=1),
            doppler.mean(dim=1),
            (relative @ share[..., None]).mean(dim=(1, 2)),
        ],
        dim=1,
    )
