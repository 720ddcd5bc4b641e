"""Successive convex approximation of the powers at fixed carriers and beamformers.

With a_v = p_v A_v / nu and K_-u the covariance that ESIM u meets on its carrier, MMSE combining
and inter-carrier interference give

    R_u = log det(K_-u + (1 + eps_u) a_u g_u g_u^T)
          - log det(K_-u + eps_u a_u g_u g_u^T) - log(1 + p_u L_u)

which is a concave function of the powers less two others. Linearising those two at the current
powers leaves a concave minorant; its maximum under sum p <= P is found by a primal-dual
interior-point method, the powers move there, and so on. The sum never falls. Rates are not clipped
at zero here: an ESIM that cannot be secret is turned off by its own slope.

Everything is written in the Gram matrix of the ESIMs that share a carrier, for a whole batch.
The interior point is that of Boyd and Vandenberghe, Convex Optimization, section 11.7.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml_models.baselines.ascent import Floats

_CENTRING = 0.1  # the barrier falls tenfold a step
_TO_BOUNDARY = 0.99
_NEWTON_STEPS = 14  # gap below 1e-9 of the objective, from any interior start
_INTERIOR_SHARE = 0.1  # of equal powers mixed into the start of the interior point


@dataclass(frozen=True)
class PowerProblem:
    """Powers as shares of the budget, at fixed carriers and beamformers.

    Attributes:
        gram: [N, U, U] g_u . g_v of ESIMs that share a carrier, zero otherwise.
        load: [N, U] a_u at the whole budget.
        leaked: [N, U] leakage SNR at the whole budget.
        ici_factor: [N, U].
    """

    gram: Floats
    load: Floats
    leaked: Floats
    ici_factor: Floats

    def rates(self, share: Floats) -> Floats:
        """Secrecy rates [N, U] [nat/s/Hz] at shares [N, U], not clipped at zero."""
        own = share * self.load * np.diagonal(self.response(share), axis1=-2, axis2=-1)
        ratio = own / (1 - own)
        return np.asarray(
            np.log1p(ratio / (1 + self.ici_factor * ratio)) - np.log1p(share * self.leaked)
        )

    def sum_rate(self, share: Floats) -> Floats:
        """Sum of the rates above zero, [N] [nat/s/Hz]."""
        return np.asarray(np.maximum(self.rates(share), 0.0).sum(axis=-1))

    def response(self, share: Floats) -> Floats:
        """g_v^T K^-1 g_w of ESIMs that share a carrier, [N, U, U]."""
        identity = np.eye(share.shape[-1])
        loaded = identity + self.gram * (share * self.load)[:, None, :]
        return np.asarray(np.linalg.solve(loaded, self.gram), dtype=np.float64)


Maximiser = Callable[[PowerProblem, Floats], Floats]
"""Solver of the convex approximation, `maximise_minorant` or something with its arguments."""


def successive_convex_power(
    problem: PowerProblem, share: Floats, rounds: int, maximise: Maximiser | None = None
) -> Floats:
    """Shares [N, U] after `rounds` convex approximations from `share`; no context gets worse."""
    maximise = maximise or maximise_minorant
    value = problem.sum_rate(share)
    for _ in range(rounds):
        moved = maximise(problem, share)
        after = problem.sum_rate(moved)
        better = after > value
        share = np.where(better[:, None], moved, share)
        value = np.where(better, after, value)
        if not better.any():
            break
    return share


def maximise_minorant(problem: PowerProblem, at: Floats) -> Floats:
    """The shares [N, U] that maximise the concave minorant taken at shares `at`."""
    users = at.shape[-1]
    price = linearised_slope(problem, at)
    share = (1 - _INTERIOR_SHARE) * at / np.maximum(at.sum(-1, keepdims=True), 1.0)
    share = share + 0.9 * _INTERIOR_SHARE / users
    slack = 1 - share.sum(axis=-1)
    weight = covariance_weights(problem, 1 + problem.ici_factor)
    slope, curvature = _concave_part(problem, share, weight, problem.ici_factor)
    barrier = 0.1 * np.mean(np.abs(slope - price) * share, axis=-1) + 1e-6
    dual, total_dual = barrier[:, None] / share, barrier / slack
    for _ in range(_NEWTON_STEPS):
        barrier = _CENTRING * (np.sum(dual * share, -1) + total_dual * slack) / (users + 1)
        matrix = curvature + (total_dual / slack)[:, None, None]
        matrix[:, np.arange(users), np.arange(users)] += dual / share
        residual = slope - price + barrier[:, None] / share - (barrier / slack)[:, None]
        step = np.linalg.solve(matrix, residual[..., None])[..., 0]
        change = step.sum(axis=-1)
        dual_step = barrier[:, None] / share - dual - dual / share * step
        total_step = barrier / slack - total_dual + total_dual / slack * change
        primal = _to_boundary(
            np.concatenate([share, slack[:, None]], -1),
            np.concatenate([step, -change[:, None]], -1),
        )
        multiplier = _to_boundary(
            np.concatenate([dual, total_dual[:, None]], -1),
            np.concatenate([dual_step, total_step[:, None]], -1),
        )
        share = share + primal[:, None] * step
        slack = slack - primal * change
        dual = dual + multiplier[:, None] * dual_step
        total_dual = total_dual + multiplier * total_step
        slope, curvature = _concave_part(problem, share, weight, problem.ici_factor)
    return np.asarray(share)


def covariance_weights(problem: PowerProblem, own: Floats) -> Floats:
    """Load per share with which v enters the covariance that belongs to u, [N, U, U]."""
    together = problem.gram != 0
    users = own.shape[-1]
    weight = np.where(together, problem.load[:, None, :], 0.0)
    weight[:, np.arange(users), np.arange(users)] = own * problem.load
    return weight


def _rank_one(response: Floats, extra: Floats) -> Floats:
    """What extra_u g_u g_u^T in the covariance takes from each response, factor [N, U]."""
    return np.asarray(extra / (1 + extra * np.diagonal(response, axis1=-2, axis2=-1)))


def _concave_part(
    problem: PowerProblem, share: Floats, weight: Floats, own_extra: Floats
) -> tuple[Floats, Floats]:
    """Slope [N, U] of sum_u log det(...) in the shares, and minus its Hessian [N, U, U]."""
    response = problem.response(share)
    removed = _rank_one(response, own_extra * problem.load * share)
    # [N, u, v, w]: response of v and w to the covariance that belongs to u
    each = response[:, None] - removed[:, :, None, None] * (
        response[:, :, :, None] * response[:, :, None, :]
    )
    slope = np.einsum("nuv,nuvv->nv", weight, each)
    weighted = weight[:, :, :, None] * each
    curvature = np.einsum("nuvw,nuwv->nvw", weighted, weighted)
    return slope, curvature


def linearised_slope(problem: PowerProblem, share: Floats) -> Floats:
    """Slope [N, U] at `share` of the part that is subtracted."""
    response = problem.response(share)
    own_extra = problem.ici_factor - 1
    removed = _rank_one(response, own_extra * problem.load * share)
    diagonal = np.diagonal(response, axis1=-2, axis2=-1)[:, None, :]
    each = diagonal - removed[:, :, None] * response**2  # [N, u, v]
    weight = covariance_weights(problem, problem.ici_factor)
    return np.asarray(
        np.einsum("nuv,nuv->nv", weight, each) + problem.leaked / (1 + problem.leaked * share)
    )


def _to_boundary(value: Floats, step: Floats) -> Floats:
    """The longest step [N], at most 1, that keeps every value above zero."""
    ratio = np.where(step < 0, -value / np.where(step < 0, step, -1.0), np.inf)
    return np.asarray(np.minimum(1.0, _TO_BOUNDARY * ratio.min(axis=-1)))
