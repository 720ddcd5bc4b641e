"""Attenuations along a path: separate terms, switches, and the horizon."""

import json

import numpy as np
import pytest
from support.skies import sky_over_munich

from radio_math.attenuation import Combination
from ran_sim.atmosphere.losses import LossTerms, Terminal, slant_losses

DISH = Terminal(antenna_diameter_m=0.6)
BELOW_AND_ABOVE_DEG = np.array([-58.5, 0.0, 4.9, 5.0, 30.0, 90.0, np.nan])


@pytest.mark.pitfall(8)
def test_below_five_degrees_there_is_no_value() -> None:
    """Masked in every term: neither 0 dB nor NaN, and null in JSON."""
    losses = slant_losses(sky_over_munich(), BELOW_AND_ABOVE_DEG, DISH)
    for term in (losses.gas_db, losses.cloud_db, losses.rain_db, losses.total_db):
        assert term.mask.tolist() == [True, True, True, False, False, False, True]
        assert (term.compressed() > 0).all()
        assert json.loads(json.dumps(term.tolist()))[:3] == [None, None, None]


@pytest.mark.pitfall(8)
def test_who_drops_the_mask_gets_no_signal() -> None:
    """Under the mask stands an infinite loss, never one that a link could live with."""
    losses = slant_losses(sky_over_munich(), BELOW_AND_ABOVE_DEG, DISH)
    for term in (losses.scintillation_db, losses.total_db):
        assert np.isposinf(np.asarray(term)[[0, 1, 2, 6]]).all()
        assert not np.isnan(np.asarray(term)).any()


@pytest.mark.parametrize("name", ["gas", "cloud", "rain", "scintillation"])
def test_each_term_can_be_switched_off(name: str) -> None:
    """A term that is off is 0 dB and leaves the others alone."""
    sky = sky_over_munich()
    everything = slant_losses(sky, 30.0, DISH)
    without = slant_losses(sky, 30.0, DISH, LossTerms(**{name: False}))
    for term in ("gas", "cloud", "rain", "scintillation"):
        expected = 0.0 if term == name else float(getattr(everything, f"{term}_db"))
        assert float(getattr(without, f"{term}_db")) == expected
    assert float(without.total_db) < float(everything.total_db)


def test_the_total_is_made_as_asked() -> None:
    """The plain sum is the sum of the terms."""
    sky = sky_over_munich()
    losses = slant_losses(sky, 30.0, DISH, LossTerms(combination=Combination.SUM))
    parts = (losses.gas_db, losses.cloud_db, losses.rain_db, losses.scintillation_db)
    assert float(losses.total_db) == pytest.approx(sum(float(part) for part in parts))


def test_a_run_is_computed_at_once() -> None:
    """Shapes [T, U] go through, and each element is what it is alone."""
    elevation = np.array([[10.0, 40.0], [2.0, 80.0], [25.0, 89.9]])
    losses = slant_losses(sky_over_munich(), elevation, DISH)
    assert losses.total_db.shape == (3, 2)
    assert losses.total_db[2, 1] == pytest.approx(
        float(slant_losses(sky_over_munich(), 89.9, DISH).total_db)
    )
    assert losses.rain_db.mask.tolist() == [[False, False], [True, False], [False, False]]


def test_it_does_not_rain_in_good_weather() -> None:
    """Rain is a statistic of at most 5 % of the year; the other terms go on."""
    rains = slant_losses(sky_over_munich(percent=5.0), [10.0, 30.0], DISH)
    dry = slant_losses(sky_over_munich(percent=5.1), [10.0, 30.0], DISH)
    assert (rains.rain_db > 0).all()
    assert dry.rain_db.tolist() == [0.0, 0.0]
    assert (dry.total_db > 0).all()
