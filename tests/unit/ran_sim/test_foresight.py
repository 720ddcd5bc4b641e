"""Contexts for the time at which a decision takes effect."""

from dataclasses import replace

import numpy as np
import pytest
from support.passes import other_element_set, pass_scenario

from nf_runtime.errors import FailedPrecondition
from radio_math.context import RadioContext, check_context
from ran_sim.foresight import foresee
from ran_sim.handover import HandoverRule
from ran_sim.simulation import Simulation

TICK = 20


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """The test pass."""
    return Simulation(pass_scenario())


def farthest(first: RadioContext, second: RadioContext, name: str) -> float:
    """Greatest difference of an array, relative to the greatest value."""
    one, other = getattr(first, name), getattr(second, name)
    return float(np.abs(one - other).max() / np.abs(other).max())


@pytest.mark.parametrize("ahead", [1, 5, 10, 30])
def test_geometry_and_doppler_are_those_of_the_horizon(simulation: Simulation, ahead: int) -> None:
    """What the orbit fixes is as it will be, where the estimate of the moment has it as it was."""
    then = simulation.contexts_at(TICK + ahead).true
    stale = simulation.contexts_at(TICK).estimated
    foreseen = simulation.predicted_at(TICK, float(ahead))
    check_context(foreseen)
    for name in ("beam_amplitude", "ici_factor"):
        assert farthest(foreseen, then, name) < 1e-3
        assert farthest(foreseen, then, name) < 0.1 * farthest(stale, then, name)


def test_channel_and_noise_are_those_of_the_moment(simulation: Simulation) -> None:
    """Nothing of the future but the orbit is known: shadowing, rays and noise stay as reported."""
    foreseen = simulation.predicted_at(TICK, 1.0)
    now = simulation.contexts_at(TICK).estimated
    then = simulation.contexts_at(TICK + 1).estimated
    np.testing.assert_array_equal(foreseen.carrier_noise, now.carrier_noise)
    first = (np.log(context.gain_per_w[:, 0]) for context in (foreseen, now, then))
    own, before, after = first
    assert np.abs(own - before).max() < 0.2 * np.abs(own - after).max()


def test_no_horizon_makes_up_for_the_age_of_reports(simulation: Simulation) -> None:
    """Zero is now, which the estimate of the moment lags behind by the age of its reports."""
    foreseen = simulation.predicted_at(TICK, 0.0)
    true = simulation.contexts_at(TICK).true
    assert farthest(foreseen, true, "beam_amplitude") < 1e-6
    assert farthest(simulation.contexts_at(TICK).estimated, true, "beam_amplitude") > 1e-5


def test_first_tick_can_foresee(simulation: Simulation) -> None:
    """Its reports are older than the run."""
    check_context(simulation.predicted_at(0, 2.5))


def test_a_satellite_that_will_have_set_is_refused() -> None:
    """Seen now, too low at the horizon."""
    simulation = Simulation(pass_scenario(duration_s=700.0, disturbances=()))
    seen = [tick for tick in range(simulation.tick_count) if simulation.visible_at(tick)]
    with pytest.raises(FailedPrecondition, match="above an ESIM's horizon") as caught:
        simulation.predicted_at(seen[-1], 30.0)
    assert caught.value.reason == "SATELLITE_NOT_VISIBLE"
    check_context(simulation.contexts_at(seen[-1]).estimated)


def test_a_handover_of_satellites_is_foreseen() -> None:
    """Which one serves then follows from the orbits."""
    scenario = pass_scenario(
        further_satellites=(other_element_set(),), handover=HandoverRule(), duration_s=600.0
    )
    simulation = Simulation(scenario)
    serving = simulation.environment.serving_satellite
    (change,) = np.flatnonzero(np.diff(serving))[:1]
    tick = int(change) - 9
    then = simulation.environment.now.link.at(tick + 12)
    foreseen = foresee(scenario, simulation.environment, tick, 12.0)
    assert foreseen.link.elevation_deg[0] == pytest.approx(then.elevation_deg, abs=0.01)
    now = simulation.environment.now.link.at(tick)
    assert np.abs(now.elevation_deg - then.elevation_deg).max() > 10.0


def test_looking_ahead_changes_nothing(simulation: Simulation) -> None:
    """A run that was looked at ahead is the run that was not."""
    fresh = Simulation(replace(pass_scenario()))
    fresh.predicted_at(TICK, 7.0)
    for name in ("gain_per_w", "leakage_per_w", "ici_factor"):
        np.testing.assert_array_equal(
            getattr(fresh.contexts_at(TICK).estimated, name),
            getattr(simulation.contexts_at(TICK).estimated, name),
        )
