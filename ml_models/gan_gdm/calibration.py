"""What a sampler says of itself, fitted to contexts that it was not trained on.

The reliability is read on the scale of contexts like the training's; the confidence on decisions
whose regret is known, because exhaustive search decided the same contexts under the same objective.
"""

import numpy as np
import torch
from torch import Tensor

from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.gan_gdm.batches import select_rows
from ml_models.gan_gdm.confidence import decision_statistics
from ml_models.gan_gdm.network import VARIABLE
from ml_models.gan_gdm.sampler import Sampler, chosen_candidate
from radio_math.context import RadioContext
from radio_math.secrecy import sum_secrecy_rate

_JUDGED = 1024  # contexts that exhaustive search decides; from fewer no bad decision is learned
_DRAWS = 6  # decisions of each
_BATCH = 64


def calibrate(sampler: Sampler, known: RadioContext, held_out: RadioContext, seed: int) -> None:
    """Fits reliability and, where the sampler has one and contexts are enough, confidence.

    From fewer than 1,024 held-out contexts the confidence stays as it is, a parent's for instance:
    too few of their decisions are bad.

    Args:
        sampler: trained, on the processor, in evaluation mode.
        known: contexts like the training's, or the training's own [N].
        held_out: others of the same distribution [N].
        seed: of the noise of the decisions that are judged.
    """
    sampler.reliability.fit(known, held_out)
    if sampler.confidence is None or len(held_out.power_budget_w) < _JUDGED:
        return
    generator = torch.Generator().manual_seed(seed)
    search = ExhaustiveSearch()
    parts = [
        _judged(sampler, select_rows(held_out, slice(first, first + _BATCH)), search, generator)
        for first in range(0, _JUDGED, _BATCH)
    ]
    statistics, regret = (torch.cat(part) for part in zip(*parts, strict=True))
    sampler.confidence.fit(statistics, regret)


@torch.no_grad()
def _judged(
    sampler: Sampler, context: RadioContext, search: ExhaustiveSearch, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Statistics [D N, F] of some decisions of each context and their regrets [D N]."""
    config = sampler.config
    features = sampler.features(context)
    expected = sampler.expected(context, features).context
    optimum = _optimum(expected, search)
    count, users = context.ici_factor.shape
    shape = (count, config.candidates, len(sampler.steps), users, sampler.latent_size)
    statistics, regrets = [], []
    for _ in range(_DRAWS):
        noise = torch.randn(count, config.candidates, users, VARIABLE, generator=generator)
        latent = torch.randn(shape, generator=generator)
        candidates, rates = sampler.candidates(context, features, noise, latent)
        best = torch.argmax(rates, dim=1, keepdim=True)
        statistics.append(decision_statistics(expected, rates, candidates.carrier, best))
        reached: Tensor = sum_secrecy_rate(expected, chosen_candidate(candidates, best))
        regrets.append(1.0 - reached / optimum)
    return torch.cat(statistics), torch.cat(regrets).clamp(min=0.0)


def _optimum(context: RadioContext, search: ExhaustiveSearch) -> Tensor:
    """Sum secrecy rate [N] of exhaustive search [b/s/Hz]."""
    exact = {name: value.double().numpy() for name, value in vars(context).items()}
    _, rate = search.decide(RadioContext(**exact))
    return torch.as_tensor(np.asarray(rate)).float()
