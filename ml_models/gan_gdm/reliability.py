"""Is this context like those the model was trained on? A calibrated answer in [0, 1].

The embedding is a scaled vector of set statistics of the raw inputs (mean, spread, least and
greatest over the ESIMs of gains, leakages, beam overlap and Doppler, and carrier noise and power).
Its Mahalanobis distance to the training contexts is compared with the distances of held-out
contexts of the same distribution:

    reliability = share of held-out contexts that lie at least as far out

So it is uniform on [0, 1] for contexts like the training's (mean 0.5), and near 0 for contexts
unlike any of them; a mean over a window of n decisions below about 0.5 - 0.7 / sqrt(n) is
evidence of a shift at the level of one in a hundred.
Source: Lee et al. 2018 (Mahalanobis distance); conformal p-value, Vovk et al. 2005.
Not modelled: the regret of the decision itself; far-out contexts may still be decided well.
"""

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.features import SET_FEATURES

_QUANTILES = 65
_SHRINKAGE = 0.01
_BEYOND = 1.25  # times the greatest distance seen, where the score ends at zero


class Reliability(nn.Module):
    """Mahalanobis distance of an embedding, read on the scale of held-out distances."""

    centre: Tensor
    whitening: Tensor
    quantile: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(SET_FEATURES))
        self.register_buffer("whitening", torch.eye(SET_FEATURES))
        self.register_buffer("quantile", torch.arange(_QUANTILES + 1, dtype=torch.float32))

    def fit(self, training: Tensor, held_out: Tensor) -> None:
        """Takes centre and covariance from training embeddings, the scale from held-out ones."""
        double = training.double()
        centre = double.mean(dim=0)
        covariance = torch.cov((double - centre).T)
        scale = torch.diagonal(covariance).mean()
        identity = torch.eye(SET_FEATURES, dtype=torch.float64)
        shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * scale * identity
        self.centre.copy_(centre)
        # With shrunk = C C^T, |C^-1 e|^2 is the squared distance.
        self.whitening.copy_(torch.linalg.inv(torch.linalg.cholesky(shrunk)))
        distance = self.distance(held_out)
        levels = torch.linspace(0, 1, _QUANTILES)
        inner = torch.quantile(distance, levels)
        inner = torch.cummax(inner + 1e-6 * torch.arange(_QUANTILES), dim=0).values
        self.quantile.copy_(torch.cat([inner, _BEYOND * inner[-1:]]))

    def distance(self, embedding: Tensor) -> Tensor:
        """Mahalanobis distance [N] of embeddings [N, D]."""
        return torch.sqrt(((embedding - self.centre) @ self.whitening.T).square().sum(dim=1) + 1e-9)

    def forward(self, embedding: Tensor) -> Tensor:
        """Reliability [N] in [0, 1]: the empirical tail of the distance, linear in between."""
        lower, upper = self.quantile[:-1], self.quantile[1:]
        passed = (self.distance(embedding)[:, None] - lower) / (upper - lower)
        # The last interval leads from half a sample's worth of doubt to none.
        weight = torch.full_like(lower, 0.99 / (_QUANTILES - 1))
        weight[-1] = 0.01
        return (1.0 - (passed.clamp(0.0, 1.0) * weight).sum(dim=1)).clamp(0.0, 1.0)
