"""Local search over what the channel may really be."""

from dataclasses import replace

import numpy as np
import pytest

from ml_models.baselines import local_search
from ml_models.baselines.ascent import prepare
from ml_models.baselines.local_search import LocalSearchEffort
from ml_models.datasets.scenarios import ScenarioProfile, Split, at_power, draw_scenarios, select
from ml_models.robust.sample_average import ReportingErrors, SampleAverageSearch
from radio_math.channel import ContextPair
from radio_math.context import ContextError, RadioContext
from radio_math.secrecy import quota_respected, sum_secrecy_rate

PAIR = draw_scenarios(ScenarioProfile(), 20, Split.VALIDATION.seed(72))
QUICK = LocalSearchEffort(rounds=1, polish_steps=5)


@pytest.fixture(scope="module")
def errors() -> ReportingErrors:
    """Of a few hundred training scenarios."""
    return ReportingErrors.drawn(ScenarioProfile(), 400, 73)


def test_own_error_is_the_nearest_draw() -> None:
    """A report that is in the library draws, first of all, what was true when it was made."""
    draws = ReportingErrors(PAIR).draws(PAIR.estimated, 3)
    true = prepare(PAIR.true)
    assert draws.log_leakage.shape == (3, 20, 1, 10, 20)
    np.testing.assert_allclose(draws.log_leakage[0], true.log_leakage)
    np.testing.assert_allclose(draws.log_gain[0], true.log_gain)
    assert not np.allclose(draws.log_leakage[1], true.log_leakage)


def test_draws_are_nearer_the_truth_than_the_report(errors: ReportingErrors) -> None:
    """Leakage in a null is reported too low on average; the draws' mean is less wrong."""
    draws = errors.draws(PAIR.estimated, 16)
    true = prepare(PAIR.true).log_leakage
    reported_bias = (prepare(PAIR.estimated).log_leakage - true)[..., 8:].mean()
    drawn_bias = (draws.log_leakage.mean(axis=0) - true)[..., 8:].mean()
    assert reported_bias < -0.2
    assert abs(drawn_bias) < 0.5 * abs(reported_bias)


def test_without_errors_it_is_a_local_search(errors: ReportingErrors) -> None:
    """Errors that are all zero leave the rate on the estimate as what is climbed."""
    exact = ReportingErrors(ContextPair(true=PAIR.estimated, estimated=PAIR.estimated))
    search = SampleAverageSearch(exact, draws=2, effort=QUICK)
    decision, value = search.decide(PAIR.estimated, np.random.default_rng(1))
    np.testing.assert_allclose(value, sum_secrecy_rate(PAIR.estimated, decision))


def test_it_beats_the_search_that_trusts_reports(errors: ReportingErrors) -> None:
    """On the true channel, at a power where leakage matters; quota and budget hold."""
    estimated, true = at_power(PAIR.estimated, 20.0), at_power(PAIR.true, 20.0)
    robust, _ = SampleAverageSearch(errors).decide(estimated, np.random.default_rng(2))
    trusting, _ = local_search.decide(estimated, np.random.default_rng(2))
    assert sum_secrecy_rate(true, robust).mean() > sum_secrecy_rate(true, trusting).mean()
    assert quota_respected(robust, 4, 4).all()
    np.testing.assert_allclose(robust.power_w.sum(axis=-1), estimated.power_budget_w)


def test_the_true_channel_is_not_asked_for(errors: ReportingErrors) -> None:
    """The same report gives the same decision."""
    search = SampleAverageSearch(errors, draws=4, effort=QUICK)
    few: RadioContext = select(PAIR.estimated, slice(0, 3))
    again = replace(few, ici_factor=few.ici_factor.copy())
    decisions = [search.decide(one, np.random.default_rng(3))[0] for one in (few, again)]
    np.testing.assert_array_equal(decisions[0].carrier, decisions[1].carrier)
    np.testing.assert_array_equal(decisions[0].power_w, decisions[1].power_w)


def test_errors_need_a_batch_of_scenarios() -> None:
    """A single context has no batch axis to learn from."""
    alone = ContextPair(
        true=RadioContext(**{k: v[0] for k, v in vars(PAIR.true).items()}),
        estimated=RadioContext(**{k: v[0] for k, v in vars(PAIR.estimated).items()}),
    )
    with pytest.raises(ContextError, match="one batch axis"):
        ReportingErrors(alone)
