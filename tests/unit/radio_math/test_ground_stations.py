"""What is known of eavesdroppers before any report."""

import numpy as np
import pytest

from radio_math.channel import (
    ChannelModel,
    LinkGeometry,
    draw_state,
    prior_of_stations,
    reported_channel,
)
from radio_math.ground_stations import mean_station, station_prior


def test_the_mean_is_that_of_stations_drawn_at_random() -> None:
    """R of a model is the mean of f f^H over its true stations."""
    model = ChannelModel(  # all as loud as each other, so that the sample converges
        eavesdropper_gain_sigma_db=0.0,
        eavesdropper_min_m=9e3,
        eavesdropper_max_m=9e3,
        eavesdropper_min_loss_db=12.0,
        eavesdropper_max_loss_db=12.0,
    )
    esims = 6000
    state = draw_state(model, (esims,), np.random.default_rng(3))
    geometry = LinkGeometry(
        azimuth_deg=np.zeros(esims),
        elevation_deg=np.full(esims, 60.0),
        slant_range_m=np.full(esims, 7e5),
        beam_amplitude=np.ones((esims, 8)),
        satellite_gain_db=np.float64(16.0),
    )
    factors = reported_channel(geometry, state, model).leakage_factors  # [K, N, E]
    drawn = np.einsum("kne,kme->nm", factors, factors.conj()) / esims
    prior = prior_of_stations(model)
    vectors = prior.rotated_back(np.eye(len(prior.strength), dtype=complex))
    expected = vectors.T @ (prior.strength[:, None] * vectors.conj())
    assert np.trace(drawn).real == pytest.approx(np.trace(expected).real, rel=0.02)
    difference = np.linalg.norm(drawn / np.trace(drawn) - expected / np.trace(expected))
    assert difference < 0.1 * np.linalg.norm(expected / np.trace(expected))


def test_eigenvectors_give_the_mean_back() -> None:
    """Four kinds of eigenvectors are all there are, orthonormal, and diagonalise R."""
    prior = station_prior(3.0, 5.0, side=8)
    vectors = prior.rotated_back(np.eye(64, dtype=complex))
    np.testing.assert_allclose(vectors @ vectors.conj().T, np.eye(64), atol=1e-12)
    whole = vectors.T @ (prior.strength[:, None] * vectors.conj())
    np.testing.assert_allclose(whole, 3.0 * mean_station(5.0, side=8), atol=1e-12)


def test_rotation_keeps_products() -> None:
    """Inner products are the same in the eigenvectors, and turning back undoes the turn."""
    prior = station_prior(3.0, 5.0, side=8)
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((2, 5, 64)) + 1j * rng.standard_normal((2, 5, 64))
    turned = prior.rotated(vectors)
    products = vectors.conj() @ np.swapaxes(vectors, -1, -2)
    np.testing.assert_allclose(turned.conj() @ np.swapaxes(turned, -1, -2), products, atol=1e-10)
    np.testing.assert_allclose(prior.rotated_back(turned), vectors, atol=1e-12)


def test_the_level_is_the_mean_over_distances_and_losses() -> None:
    """Stations of the reference problem are as loud on average as their distribution says."""
    model = ChannelModel()
    rng = np.random.default_rng(4)
    distance_m = rng.uniform(model.eavesdropper_min_m, model.eavesdropper_max_m, 400_000)
    loss_db = rng.uniform(model.eavesdropper_min_loss_db, model.eavesdropper_max_loss_db, 400_000)
    near = ChannelModel(
        eavesdropper_min_m=1e3,
        eavesdropper_max_m=1e3,
        eavesdropper_min_loss_db=0.0,
        eavesdropper_max_loss_db=0.0,
    )
    relative = prior_of_stations(model).strength.sum() / prior_of_stations(near).strength.sum()
    assert relative == pytest.approx(
        np.mean((1e3 / distance_m) ** 2 * 10 ** (-loss_db / 10)), rel=0.02
    )
