"""Is this context like those the model was trained on? A calibrated answer in [0, 1].

A change of conditions shows in few of the embedding's numbers, and a distance over all of them
would drown it. So groups of numbers that belong together (`_GROUPS`) are judged apart. A mixture
of Gaussians describes each group over the training contexts; the share p_g of held-out contexts
that are at least as unlikely as this one is the group's evidence. All evidence is joined as the
likelihood of "one of the groups has changed, nobody knows which and how",

    score = log sum_g w_g p_g^-a,      reliability = share of held-out contexts that score as high

So it is uniform on [0, 1] for contexts like the training's (mean 0.5), and near 0 for contexts
unlike any of them; a mean over n independent decisions below about 0.5 - 0.7 / sqrt(n) is evidence
of a shift at the level of one in a hundred. Decisions of one pass share their ESIMs and their
eavesdroppers and are not independent; compare windows of decisions with a fixed threshold instead.
Source: Vovk and Wang 2020 (merging p-values by generalised means); conformal p-value, Vovk et al.
2005; Lee et al. 2018 (Mahalanobis distance).
Not modelled: the regret of the decision itself; far-out contexts may still be decided well.
"""

import math

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.embedding import (
    BEAM_FEATURES,
    EMBEDDING_SIZE,
    LINK_FEATURES,
    ContextEmbedding,
)
from radio_math.context import RadioContext


def _statistics(*features: int) -> tuple[int, ...]:
    """Columns of the embedding: mean and log variance of some link features."""
    first = 2 * BEAM_FEATURES
    return tuple(first + n for n in features) + tuple(first + LINK_FEATURES + n for n in features)


_GROUPS: dict[str, tuple[tuple[int, ...], float]] = {
    "beams": (tuple(range(2 * BEAM_FEATURES)), 1.0),
    "gain": (_statistics(0), 2.0),
    "doppler": (_statistics(1), 1.0),
    "eavesdroppers": (_statistics(2, 3, 4), 2.0),
    "frontier": (_statistics(5, 6), 0.3),
    "roughness": ((EMBEDDING_SIZE - 1,), 0.1),
}
"""Columns that are judged together, and the weight of their evidence. Conditions that change
often weigh more; the tables of a sound report cannot break the last two, where a fault of the
report shows beyond doubt."""

_EXPONENT = 0.7
COMPONENTS = 6
_CONTEXTS_PER_COMPONENT = 250
_EM_STEPS = 25
_SHRINKAGE = 0.005
_UNUSED = -1.0e9
_LEVELS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
_TAIL_SLOPE = 0.5  # of log p beyond the last level: tails are heavier than the Gaussian's 1
_QUANTILES = 65
_BEYOND = 3.0  # above the greatest score seen, where the reliability ends at zero


class Reliability(nn.Module):
    """Likelihood of an embedding's groups, read on the scale of held-out contexts."""

    log_weight: Tensor
    centre: Tensor
    whitening: Tensor
    level: Tensor
    quantile: Tensor
    log_prior: Tensor
    log_level: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embedding = ContextEmbedding()
        groups = len(_GROUPS)
        self.width = max(len(columns) for columns, _ in _GROUPS.values())
        self.register_buffer("log_weight", torch.full((groups, COMPONENTS), _UNUSED))
        self.register_buffer("centre", torch.zeros(groups, COMPONENTS, self.width))
        self.register_buffer(
            "whitening", torch.zeros(EMBEDDING_SIZE, groups, COMPONENTS, self.width)
        )
        self.register_buffer("level", torch.arange(len(_LEVELS)).float().repeat(groups, 1))
        self.register_buffer("quantile", torch.arange(_QUANTILES + 1).float())
        prior = torch.tensor([weight for _, weight in _GROUPS.values()])
        self.register_buffer("log_prior", torch.log(prior), persistent=False)
        log_level = -torch.log(torch.tensor(_LEVELS))
        self.register_buffer("log_level", log_level, persistent=False)

    @torch.no_grad()
    def fit(self, training: RadioContext, held_out: RadioContext) -> None:
        """Learns embedding and mixtures from training contexts, both scales from held-out ones.

        Few contexts get few components. The same contexts give the same result.
        """
        self.embedding.calibrate(training)
        known, held = self.embedding(training), self.embedding(held_out)
        self.log_weight.fill_(_UNUSED)
        self.whitening.zero_()
        for number, (columns, _) in enumerate(_GROUPS.values()):
            log_weight, centre, whitening = _mixture(known[:, list(columns)].double())
            count, size = len(log_weight), len(columns)
            self.log_weight[number, :count] = log_weight
            self.centre[number, :count, :size] = torch.einsum("kij,kj->ki", whitening, centre)
            self.whitening[list(columns), number, :count, :size] = whitening.permute(2, 0, 1)
        unlikeliness = self._unlikeliness(held)
        levels = torch.quantile(unlikeliness, 1.0 - torch.tensor(_LEVELS), dim=0).T
        self.level.copy_(_rising(levels))
        inner = torch.quantile(self._score(held), torch.linspace(0, 1, _QUANTILES))
        self.quantile.copy_(_rising(torch.cat([inner, inner[-1:] + _BEYOND])))

    def forward(self, context: RadioContext) -> tuple[Tensor, Tensor]:
        """Embedding [N, EMBEDDING_SIZE] and reliability [N] in [0, 1] of contexts [N]."""
        embedding = self.embedding(context)
        lower, upper = self.quantile[:-1], self.quantile[1:]
        passed = (self._score(embedding)[:, None] - lower) / (upper - lower)
        # The last interval leads from the most unusual context seen to none.
        weight = torch.full_like(lower, 0.99 / (_QUANTILES - 1))
        weight[-1] = 0.01
        reliability = 1.0 - (passed.clamp(0.0, 1.0) * weight).sum(dim=1)
        return embedding, reliability.clamp(0.0, 1.0)

    def _score(self, embedding: Tensor) -> Tensor:
        """Log sum w p^-a [N]; log p is linear between the levels and beyond the last."""
        unlikeliness = self._unlikeliness(embedding)[:, :, None]  # [N, G, 1]
        lower, upper = self.level[:, :-1], self.level[:, 1:]
        slope = (self.log_level[1:] - self.log_level[:-1]) / (upper - lower)
        inside = torch.minimum((unlikeliness - lower).clamp(min=0.0), upper - lower)
        beyond = (unlikeliness[:, :, 0] - self.level[:, -1]).clamp(min=0.0)
        evidence = (inside * slope).sum(dim=2) + _TAIL_SLOPE * beyond
        return torch.logsumexp(_EXPONENT * evidence + self.log_prior, dim=1)

    def _unlikeliness(self, embedding: Tensor) -> Tensor:
        """Negative log density [N, G] of every group, but for a constant."""
        groups = len(_GROUPS)
        white = (embedding @ self.whitening.flatten(1)).reshape(-1, groups, COMPONENTS, self.width)
        squared = (white - self.centre).square().sum(dim=3)
        return -torch.logsumexp(self.log_weight - 0.5 * squared, dim=2)


def _rising(values: Tensor) -> Tensor:
    """The values with a least step along the last axis, so that no interval is empty."""
    return torch.cummax(values + 1e-4 * torch.arange(values.shape[-1]), dim=-1).values


def _mixture(known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights [K], centres [K, D] and whitening matrices [K, D, D] by expectation maximisation.

    Components start as equal parts along the first principal axis, so that the same contexts give
    the same mixture.
    """
    count = max(1, min(COMPONENTS, len(known) // _CONTEXTS_PER_COMPONENT))
    centred = known - known.mean(dim=0)
    axis = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -1]
    rank = (centred @ axis).argsort().argsort()
    share = nn.functional.one_hot(rank * count // len(known), count).double()
    for _ in range(_EM_STEPS if count > 1 else 1):
        parts = [_component(known, share[:, number]) for number in range(count)]
        log_weight, centre, whitening = (
            torch.stack(list(part)) for part in zip(*parts, strict=True)
        )
        white = torch.einsum("kij,nkj->nki", whitening, known[:, None] - centre)
        share = torch.softmax(log_weight - 0.5 * white.square().sum(dim=2), dim=1)
    return log_weight.float(), centre.float(), whitening.float()


def _component(known: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log weight (with the determinant), centre and whitening matrix of one component."""
    total = share.sum()
    centre = (share[:, None] * known).sum(dim=0) / total
    centred = known - centre
    covariance = (share[:, None] * centred).T @ centred / total
    size = known.shape[1]
    least = _SHRINKAGE * torch.eye(size, dtype=known.dtype)  # embeddings have unit variance
    factor = torch.linalg.cholesky(covariance + least)
    # With covariance C = L L^T, |L^-1 e|^2 is the squared distance.
    log_weight = (
        torch.log(total / len(known))
        - torch.log(torch.diagonal(factor)).sum()
        - 0.5 * size * math.log(2 * math.pi)
    )
    return log_weight, centre, torch.linalg.inv(factor)
