"""The convex approximation through a generic conic solver."""

import numpy as np
import pytest

from ml_models.baselines.convex_power import PowerProblem, maximise_minorant
from ml_models.baselines.sca_matching import ScaEffort, ScaMatching
from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from radio_math.secrecy import quota_respected, sum_secrecy_rate

pytest.importorskip("cvxpy", reason="the conic solver is not installed; pip install -e '.[dev]'")

from ml_models.baselines.conic_power import maximise_minorant_conic

CONTEXT = draw_scenarios(ScenarioProfile(), 2, Split.VALIDATION.seed(65)).estimated


def test_both_solvers_find_the_same_powers() -> None:
    """The problem is convex: the own interior point and Clarabel end in one place."""
    amplitude = CONTEXT.beam_amplitude[:1, :4]
    problem = PowerProblem(
        gram=amplitude @ amplitude.transpose(0, 2, 1),
        load=40.0 * CONTEXT.gain_per_w[:1, :4, 8],
        leaked=40.0 * CONTEXT.leakage_per_w[:1, :4, 8],
        ici_factor=CONTEXT.ici_factor[:1, :4],
    )
    at = np.full((1, 4), 0.25)
    conic, own = maximise_minorant_conic(problem, at), maximise_minorant(problem, at)
    np.testing.assert_allclose(conic, own, atol=1e-3)
    np.testing.assert_allclose(problem.sum_rate(conic), problem.sum_rate(own), rtol=1e-4)


def test_the_whole_method_is_as_good_with_either() -> None:
    """One start and one round: carriers are matched alike and the rates agree within 1 %."""
    effort = ScaEffort(starts=1, rounds=1, alternations=1, power_rounds=2)
    decision, rate = ScaMatching(effort=effort, maximise=maximise_minorant_conic).decide(CONTEXT)
    _, quick = ScaMatching(effort=effort).decide(CONTEXT)
    np.testing.assert_allclose(rate, quick, rtol=0.01)
    np.testing.assert_allclose(sum_secrecy_rate(CONTEXT, decision), rate, rtol=1e-6)
    assert quota_respected(decision, 4, 4).all()
    assert (decision.power_w.sum(axis=-1) <= CONTEXT.power_budget_w * (1 + 1e-9)).all()
