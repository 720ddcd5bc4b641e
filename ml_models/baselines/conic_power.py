"""The convex approximation of the powers handed to a generic conic solver, as the literature does.

Same problem and same solution as `convex_power.maximise_minorant`, one context at a time through
cvxpy and Clarabel; it is there because published decision times are of such solvers. Needs cvxpy,
a development dependency.
"""

import cvxpy
import numpy as np

from ml_models.baselines.ascent import Floats
from ml_models.baselines.convex_power import PowerProblem, covariance_weights, linearised_slope


def maximise_minorant_conic(problem: PowerProblem, at: Floats) -> Floats:
    """The shares [N, U] that maximise the concave minorant taken at shares `at`.

    Raises:
        cvxpy.error.SolverError: the solver gave up.
    """
    price = linearised_slope(problem, at)
    weight = covariance_weights(problem, 1 + problem.ici_factor)
    return np.stack(
        [_solved(problem.gram[number], weight[number], price[number]) for number in range(len(at))]
    )


def _solved(gram: Floats, weight: Floats, price: Floats) -> Floats:
    """The shares x that maximise sum_u log det(I + sum_v weight_uv x_v f_v f_v^T) - price . x.

    The f_v are vectors with f_v . f_w = gram_vw.
    ESIMs that share a carrier are those whose Gram entries are not zero, so every determinant is
    of their number.
    """
    users = len(price)
    share = cvxpy.Variable(users, nonneg=True)
    objective = -price @ share
    for own in range(users):
        members = np.flatnonzero(gram[own])
        factor = _root(gram[np.ix_(members, members)])  # columns f_v
        load = cvxpy.multiply(weight[own, members], share[members])
        covariance = np.eye(len(members)) + factor @ cvxpy.diag(load) @ factor.T
        objective += cvxpy.log_det(covariance)
    solution = cvxpy.Problem(cvxpy.Maximize(objective), [cvxpy.sum(share) <= 1])
    solution.solve(solver=cvxpy.CLARABEL)
    found = np.maximum(np.asarray(share.value, dtype=np.float64), 0.0)
    return np.asarray(found / max(1.0, float(found.sum())))


def _root(gram: Floats) -> Floats:
    value, vector = np.linalg.eigh(gram)
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)) @ vector.T)
