"""Successive convex powers, held to a general solver."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize

from ml_models.baselines import mrc_random
from ml_models.baselines.ascent import carrier_noise_of, grid_value_and_slope, prepare
from ml_models.baselines.convex_power import (
    PowerProblem,
    maximise_minorant,
    successive_convex_power,
)
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.context import Allocation
from radio_math.secrecy import secrecy_rates

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 6, 61).estimated
INDEX = np.full((6, 10), 9.4)


@pytest.fixture(scope="module")
def carrier() -> np.ndarray:
    """Random carriers within the quota."""
    return mrc_random.decide(CONTEXT, np.random.default_rng(5)).carrier


@pytest.fixture(scope="module")
def problem(carrier: np.ndarray) -> PowerProblem:
    """Powers are open; carriers and beamformers stand."""
    prepared = prepare(CONTEXT)
    gain, _ = grid_value_and_slope(prepared.log_gain[:, 0], INDEX)
    leakage, _ = grid_value_and_slope(prepared.log_leakage[:, 0], INDEX)
    budget = CONTEXT.power_budget_w[:, None]
    return PowerProblem(
        gram=prepared.gram[:, 0] * (carrier[:, :, None] == carrier[:, None, :]),
        load=budget * gain / carrier_noise_of(prepared, carrier[:, None])[:, 0],
        leaked=budget * leakage,
        ici_factor=CONTEXT.ici_factor,
    )


def row(problem: PowerProblem, number: int) -> PowerProblem:
    """One context of the batch."""
    return PowerProblem(**{name: value[number, None] for name, value in vars(problem).items()})


def minorant(problem: PowerProblem, at: np.ndarray, share: np.ndarray) -> float:
    """The concave minorant written out by determinants, for one context without batch axis."""
    gram, load, epsilon = problem.gram[0], problem.load[0], problem.ici_factor[0]
    leaked = problem.leaked[0]

    def log_det(esim: int, own: float, x: np.ndarray) -> float:
        scale = np.where(np.arange(10) == esim, own, 1.0) * load * x
        block = gram[esim] != 0
        inner = np.eye(block.sum()) + (scale[:, None] * gram)[np.ix_(block, block)]
        return float(np.linalg.slogdet(inner)[1])

    def subtracted(x: np.ndarray) -> float:
        return sum(log_det(u, epsilon[u], x) for u in range(10)) + float(np.log1p(leaked * x).sum())

    step = 1e-6
    slope = np.array(
        [(subtracted(at + step * e) - subtracted(at - step * e)) / (2 * step) for e in np.eye(10)]
    )
    raised = sum(log_det(u, 1 + epsilon[u], share) for u in range(10))
    return raised - subtracted(at) - float(slope @ (share - at))


def test_rates_are_those_of_the_system_model(problem: PowerProblem, carrier: np.ndarray) -> None:
    """The Gram form gives what radio_math gives, where that is above zero."""
    share = np.random.default_rng(1).dirichlet(np.ones(10), 6)
    allocation = Allocation(carrier, share * CONTEXT.power_budget_w[:, None], INDEX)
    expected = secrecy_rates(CONTEXT, allocation)
    np.testing.assert_allclose(np.maximum(problem.rates(share), 0) / np.log(2), expected)


def test_minorant_touches_and_stays_below(problem: PowerProblem) -> None:
    """At the point it is taken it is the sum rate, elsewhere it is not above it."""
    rng = np.random.default_rng(2)
    one = row(problem, 1)
    at, *others = rng.dirichlet(np.ones(10), 5)
    assert minorant(one, at, at) == pytest.approx(float(one.rates(at[None]).sum()))
    for share in others:
        assert minorant(one, at, share) <= float(one.rates(share[None]).sum()) + 1e-6


@pytest.mark.parametrize("number", [0, 3, 5])
def test_no_general_solver_finds_a_better_minorant(problem: PowerProblem, number: int) -> None:
    """SLSQP from the same start ends where the interior point does."""
    one = row(problem, number)
    at = np.full(10, 0.1)
    share = maximise_minorant(one, at[None])[0]
    assert share.min() >= 0
    assert share.sum() <= 1 + 1e-9
    solved = minimize(
        lambda x: -minorant(one, at, x),
        at,
        method="SLSQP",
        bounds=[(1e-9, 1)] * 10,
        constraints={"type": "ineq", "fun": lambda x: 1 - x.sum()},
        options={"maxiter": 200, "ftol": 1e-10},
    )
    assert minorant(one, at, share) >= -solved.fun - 1e-5


def test_powers_only_improve(problem: PowerProblem) -> None:
    """Every further approximation keeps or raises the sum; the first one gains."""
    share = np.full((6, 10), 0.1)
    sums = [
        np.maximum(problem.rates(successive_convex_power(problem, share, rounds)), 0).sum(-1)
        for rounds in range(5)
    ]
    for before, after in pairwise(sums):
        assert (after >= before).all()
    assert sums[1].sum() > 1.02 * sums[0].sum()
    np.testing.assert_allclose(sums[4], sums[3], rtol=0.02)
