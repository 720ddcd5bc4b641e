"""Is this context like those the model was trained on? A calibrated answer in [0, 1].

The embedding is a scaled vector of set statistics of the raw inputs (mean, spread, least and
greatest over the ESIMs of gains, leakages, beam overlap and Doppler, and carrier noise and power).
A mixture of Gaussians describes the training contexts, as a low satellite gives quite other
statistics than a high one. The Mahalanobis distance to the mixture, each component weighing as
likely as it is, is compared with the distances of held-out contexts of the same distribution:

    reliability = share of held-out contexts that lie at least as far out

So it is uniform on [0, 1] for contexts like the training's (mean 0.5), and near 0 for contexts
unlike any of them; a mean over n independent decisions below about 0.5 - 0.7 / sqrt(n) is evidence
of a shift at the level of one in a hundred. Decisions of one pass share their ESIMs and their
eavesdroppers and are not independent; compare windows of decisions with a fixed threshold instead.
Source: Lee et al. 2018 (Mahalanobis distance); conformal p-value, Vovk et al. 2005.
Not modelled: the regret of the decision itself; far-out contexts may still be decided well.
"""

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.embedding import EMBEDDING_SIZE, ContextEmbedding
from radio_math.context import RadioContext

COMPONENTS = 4
_CONTEXTS_PER_COMPONENT = 500
_EM_STEPS = 20
_QUANTILES = 65
_SHRINKAGE = 0.02
_BEYOND = 1.25  # times the greatest distance seen, where the score ends at zero
_FURTHEST = 100.0  # deviations at which an embedding is cut, so that nothing overflows
_UNUSED = -1.0e9


class Reliability(nn.Module):
    """Distance of an embedding to a mixture, read on the scale of held-out distances."""

    log_weight: Tensor
    centre: Tensor
    whitening: Tensor
    quantile: Tensor

    def __init__(self) -> None:
        super().__init__()
        identity = torch.eye(EMBEDDING_SIZE).repeat(COMPONENTS, 1, 1)
        self.embedding = ContextEmbedding()
        self.register_buffer("log_weight", torch.full((COMPONENTS,), _UNUSED))
        self.register_buffer("centre", torch.zeros(COMPONENTS, EMBEDDING_SIZE))
        self.register_buffer("whitening", identity)
        self.register_buffer("quantile", torch.arange(_QUANTILES + 1, dtype=torch.float32))

    def fit(self, training: RadioContext, held: RadioContext) -> None:
        """Takes the mixture from training embeddings, the scale from held-out ones.

        Few contexts get few components. Components start as equal parts along the first principal
        axis, so that the same contexts give the same mixture.
        """
        self.embedding.calibrate(training)
        held_out = self.embedding(held)
        known = self.embedding(training).clamp(-_FURTHEST, _FURTHEST).double()
        count = max(1, min(COMPONENTS, len(known) // _CONTEXTS_PER_COMPONENT))
        centred = known - known.mean(dim=0)
        axis = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -1]
        rank = (centred @ axis).argsort().argsort()
        share = nn.functional.one_hot(rank * count // len(known), count).double()
        for _ in range(_EM_STEPS):
            parts = [_component(known, share[:, number]) for number in range(count)]
            log_weight, centre, whitening = (
                torch.stack(list(part)) for part in zip(*parts, strict=True)
            )
            squared = _squared_distances(known, centre, whitening)
            share = torch.softmax(log_weight - 0.5 * squared, dim=1)
        self.log_weight.fill_(_UNUSED)
        self.log_weight[:count] = log_weight.float()
        self.centre[:count] = centre.float()
        self.whitening[:count] = whitening.float()
        inner = torch.quantile(self.distance(held_out), torch.linspace(0, 1, _QUANTILES))
        inner = torch.cummax(inner + 1e-6 * torch.arange(_QUANTILES), dim=0).values
        self.quantile.copy_(torch.cat([inner, _BEYOND * inner[-1:]]))

    def distance(self, embedding: Tensor) -> Tensor:
        """Mahalanobis distance [N] of embeddings [N, D] to the components they belong to."""
        known = embedding.clamp(-_FURTHEST, _FURTHEST)
        squared = _squared_distances(known, self.centre, self.whitening)
        share = torch.softmax(self.log_weight - 0.5 * squared, dim=1)
        return torch.sqrt((share * squared).sum(dim=1) + 1e-9)

    def forward(self, context: RadioContext) -> tuple[Tensor, Tensor]:
        """Reliability [N] in [0, 1]: the empirical tail of the distance, linear in between."""
        embedding = self.embedding(context)
        lower, upper = self.quantile[:-1], self.quantile[1:]
        passed = (self.distance(embedding)[:, None] - lower) / (upper - lower)
        # The last interval leads from the most unusual context seen to none.
        weight = torch.full_like(lower, 0.99 / (_QUANTILES - 1))
        weight[-1] = 0.01
        return embedding, (1.0 - (passed.clamp(0.0, 1.0) * weight).sum(dim=1)).clamp(0.0, 1.0)


def _component(known: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log weight (with the determinant), centre and whitening matrix of one component."""
    total = share.sum()
    centre = (share[:, None] * known).sum(dim=0) / total
    centred = known - centre
    covariance = (share[:, None] * centred).T @ centred / total
    scale = torch.diagonal(covariance).mean()
    identity = torch.eye(EMBEDDING_SIZE, dtype=known.dtype)
    factor = torch.linalg.cholesky((1 - _SHRINKAGE) * covariance + _SHRINKAGE * scale * identity)
    # With covariance C = L L^T, |L^-1 e|^2 is the squared distance.
    log_weight = torch.log(total / len(known)) - torch.log(torch.diagonal(factor)).sum()
    return log_weight, centre, torch.linalg.inv(factor)


def _squared_distances(embedding: Tensor, centre: Tensor, whitening: Tensor) -> Tensor:
    """[N, K] squared Mahalanobis distances to all components."""
    offset = embedding - centre[:, None, :]  # [K, N, D]
    return (offset @ whitening.transpose(1, 2)).square().sum(dim=2).T
