"""Scenarios without any report on eavesdroppers."""

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.datasets.withheld import BlindBeams, BlindKnowledge, draw_unreported, learn_prior
from radio_math.context import check_context

PROFILE = ScenarioProfile()
SEED = 181
REPORTED = draw_scenarios(PROFILE, 32, SEED)


@pytest.fixture(scope="module")
def prior() -> BlindKnowledge:
    """What training scenarios tell of stations in general."""
    return learn_prior(PROFILE, 191)


@pytest.mark.parametrize("beams", BlindBeams)
def test_the_situation_stays_the_same(prior: BlindKnowledge, beams: BlindBeams) -> None:
    """What has nothing to do with eavesdroppers is as in the scenario with reports."""
    pair = draw_unreported(PROFILE, 32, SEED, prior, beams)
    for context, known in ((pair.true, REPORTED.true), (pair.estimated, REPORTED.estimated)):
        check_context(context)
        for name in ("beam_amplitude", "ici_factor", "carrier_noise", "power_budget_w"):
            np.testing.assert_array_equal(getattr(context, name), getattr(known, name))


def test_without_a_report_the_estimate_knows_no_scenario(prior: BlindKnowledge) -> None:
    """With beams towards the satellite the estimated leakage hardly depends on the stations."""
    pair = draw_unreported(PROFILE, 32, SEED, prior, BlindBeams.MRT)
    true = np.log(pair.true.leakage_per_w[..., 0]).ravel()
    estimated = np.log(pair.estimated.leakage_per_w[..., 0]).ravel()
    assert abs(np.corrcoef(true, estimated)[0, 1]) < 0.3
    assert estimated.mean() == pytest.approx(true.mean(), abs=0.4)


def test_towards_the_satellite_only(prior: BlindKnowledge) -> None:
    """All points of the grid hold one beam; no beam has more gain as the link was reported."""
    pair = draw_unreported(PROFILE, 32, SEED, prior, BlindBeams.MRT)
    for context in (pair.true, pair.estimated):
        for table in (context.gain_per_w, context.leakage_per_w):
            np.testing.assert_allclose(table, np.broadcast_to(table[..., :1], table.shape))
    most = pair.estimated.gain_per_w * (1 + 1e-9)
    assert (REPORTED.estimated.gain_per_w <= most).all()


def test_statistics_of_stations_trade_gain_for_leakage(prior: BlindKnowledge) -> None:
    """Along the grid the expected leakage and the gain fall; the first point is nearly MRT."""
    pair = draw_unreported(PROFILE, 32, SEED, prior, BlindBeams.PRIOR)
    mrt = draw_unreported(PROFILE, 32, SEED, prior, BlindBeams.MRT)
    gain = pair.estimated.gain_per_w
    assert (np.diff(gain, axis=-1) <= 1e-9 * gain[..., 1:]).all()
    assert (gain[..., 0] > 0.9 * mrt.estimated.gain_per_w[..., 0]).all()
    true_db = 10 * np.log10(pair.true.leakage_per_w).mean(axis=(0, 1))
    assert true_db[0] - true_db[8] > 5
