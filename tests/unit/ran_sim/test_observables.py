"""Reference SINR and what it is made of."""

import numpy as np
import pytest
from support.passes import pass_scenario

from radio_math.link import to_db
from ran_sim.cells import HOME_CELL
from ran_sim.environment import SUBCARRIER_SPACING_HZ, build_environment
from ran_sim.observables import observe
from ran_sim.simulation import Simulation

DRY = pass_scenario(duration_s=300.0, disturbances=())


def test_a_beam_is_as_good_as_its_esims() -> None:
    """The mean in decibels over the ESIMs of the cell."""
    observables = observe(DRY, build_environment(DRY))
    of_first = [esim for esim, cell in enumerate(HOME_CELL) if cell == 0]
    expected = observables.sinr_db[:, of_first].mean(axis=1)
    assert observables.beam_sinr_db[:, 0] == pytest.approx(expected)
    assert len(of_first) == 2


def test_the_loss_is_that_of_the_residual_doppler() -> None:
    """SINR without interference between carriers, minus SINR with it."""
    environment = build_environment(DRY)
    observables = observe(DRY, environment)
    with_loss = 10 ** (observables.sinr_db / 10)
    kept = np.sinc(environment.residual_doppler_hz / SUBCARRIER_SPACING_HZ) ** 2
    # SINR = k t / (1 + (1 - k) t), solved for t.
    without = with_loss / (kept - (1 - kept) * with_loss)
    assert observables.sinr_loss_db == pytest.approx(to_db(without / with_loss))
    assert (observables.sinr_loss_db > 0).all()


def test_the_residual_follows_the_doppler_rate() -> None:
    """Some kilohertz more at the culmination, and small against the raw shift."""
    environment = build_environment(DRY)
    middle = len(environment.offset_s) // 2
    residual = environment.residual_doppler_hz
    assert (residual[middle] - residual[0] > 1.5e3).sum() >= 8
    assert residual.max() < 0.08 * SUBCARRIER_SPACING_HZ
    assert np.abs(environment.centre_look.doppler_hz(20e9)).max() > 300e3


def test_the_reference_agrees_with_the_true_channel() -> None:
    """Maximum-ratio gain of the contexts, but for fading, mispointing and reporting errors."""
    simulation = Simulation(DRY)
    power_w = simulation.power_budget_w / 10
    link_db = []
    for tick in range(0, 300, 10):
        context = simulation.contexts_at(tick).true
        amplitude = np.sum(context.beam_amplitude**2, axis=-1)
        link_db.append(to_db(power_w * context.gain_per_w[:, 0] * amplitude))
    sinr_db = simulation.observables.sinr_db[::10]
    noise_db = to_db(simulation.environment.carrier_noise)[::10].mean()
    # Interference and residual Doppler lower the SINR below this bound by some decibels.
    assert 0 < np.mean(link_db - sinr_db) - noise_db < 4


def test_carrier_noise_stays_in_its_range() -> None:
    """From 0 to 6 dB, and over a pass it uses most of that range."""
    noise_db = to_db(build_environment(DRY).carrier_noise)
    assert noise_db.min() >= 0
    assert noise_db.max() <= 6 + 1e-9
    assert (np.ptp(noise_db, axis=0) > 4).all()
