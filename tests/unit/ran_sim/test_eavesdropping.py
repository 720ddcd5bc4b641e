"""What stations hear of an ESIM."""

from dataclasses import replace

import numpy as np
import pytest
from support.passes import pass_scenario

from radio_math.channel import state_history, true_channel
from radio_math.link import to_db
from ran_sim.eavesdropping import eavesdropper_snr_per_w, eavesdropping
from ran_sim.environment import Environment, build_environment
from ran_sim.simulation import Simulation


@pytest.fixture(scope="module")
def environment() -> Environment:
    """A pass without disturbances: all stations listen."""
    return build_environment(pass_scenario(disturbances=()))


def heard(environment: Environment, tick: int = 0, **changes: np.ndarray) -> np.ndarray:
    """SNR per watt at a tick, with something of the stations changed."""
    state = replace(environment.state.at(tick), **changes)
    return eavesdropper_snr_per_w(environment.now.link.at(tick), state, environment.model)


def test_ten_times_nearer_is_twenty_decibels(environment: Environment) -> None:
    """Free space between ESIM and station."""
    far_m = environment.state.eavesdropper_distance_m[0]
    ratio = heard(environment, eavesdropper_distance_m=far_m / 10) / heard(environment)
    assert to_db(ratio) == pytest.approx(20.0)


def test_ticks_can_be_taken_together(environment: Environment) -> None:
    """A leading axis gives what tick by tick does."""
    together = eavesdropper_snr_per_w(environment.now.link, environment.state, environment.model)
    assert together[7] == pytest.approx(heard(environment, 7))


def test_it_is_the_mean_of_what_the_channel_leaks(environment: Environment) -> None:
    """Over fading, maximum-ratio weights leak to both stations what the observable says."""
    many = 400
    link, tick = environment.now.link.at(0), environment.state.at(0)
    rng = np.random.default_rng(1)
    faded = state_history(tick, environment.model, 0.0, many, rng)
    # Weights that point at the satellite alone: nothing scattered near the ESIM.
    faded = replace(faded, rician_k_db=np.full_like(faded.rician_k_db, 300.0))
    channel = true_channel(link, faded, environment.model)
    weights = channel.response / np.linalg.norm(channel.response, axis=-1, keepdims=True)
    leaked = np.einsum("kun,kune->kue", weights.conj(), channel.leakage_factors)
    mean = (np.abs(leaked) ** 2).sum(axis=-1).mean(axis=0) + channel.leakage_floor[0]
    stated = heard(environment).sum(axis=-1)
    error_db = to_db(mean / stated)
    # Rayleigh power over 400 draws: 5 % for one path, less where the direct one is heard.
    assert np.abs(error_db).max() < 0.8


def test_a_station_that_goes_on_costs_secrecy() -> None:
    """The label, the station's SNR and the rate change together; who is off hears nothing."""
    simulation = Simulation(pass_scenario())
    # The station of ESIM 3 goes on at tick 18.
    listening = simulation.observables.truth.listening
    assert [bool(listening[tick, 3]) for tick in (17, 18)] == [False, True]
    before, after = simulation.eavesdropping_at(17), simulation.eavesdropping_at(18)
    assert np.isneginf(before.snr_db[3, 1])
    assert np.isfinite(after.snr_db).sum() == np.isfinite(before.snr_db).sum() + 1
    assert (after.secrecy_rate_bps_hz >= 0).all()
    quiet = eavesdropping(np.array([15.0]), np.array([[1.0, 6.0]]), np.array([[True, False]]))
    loud = eavesdropping(np.array([15.0]), np.array([[1.0, 6.0]]), np.array([[True, True]]))
    assert quiet.secrecy_rate_bps_hz[0] == pytest.approx(3.0)
    assert loud.secrecy_rate_bps_hz[0] == pytest.approx(1.0)
