"""The family of beamformers between maximum ratio transmission and nulling."""

import numpy as np
import pytest

from radio_math.beamforming import (
    beamformer_family,
    beamformer_path,
    channel_gain,
    kappa_grid,
    leakage_gain,
    mu_grid,
)
from radio_math.context import GRID_POINTS, REPORT_POINTS
from radio_math.ground_stations import mean_station, station_prior


@pytest.fixture
def channels() -> tuple[np.ndarray, np.ndarray]:
    """Three random channels and two leakage factors each."""
    rng = np.random.default_rng(1)
    h = rng.standard_normal((3, 64)) + 1j * rng.standard_normal((3, 64))
    f = rng.standard_normal((3, 64, 2)) + 1j * rng.standard_normal((3, 64, 2))
    return h, f


def test_small_mu_is_maximum_ratio_transmission(channels: tuple[np.ndarray, np.ndarray]) -> None:
    """Where leakage costs nothing the gain is that of the matched filter."""
    h, f = channels
    gain = channel_gain(h, beamformer_family(h, f, np.array([1e-12])))[:, 0]
    np.testing.assert_allclose(gain, np.linalg.norm(h, axis=-1) ** 2, rtol=1e-9)


def test_large_mu_nulls_the_eavesdroppers(channels: tuple[np.ndarray, np.ndarray]) -> None:
    """Where leakage is all that counts hardly any is left, and gain still is."""
    h, f = channels
    weights = beamformer_family(h, f, np.array([1e12]))
    assert leakage_gain(f, weights).max() < 1e-15
    assert (channel_gain(h, weights)[:, 0] > 0.8 * np.linalg.norm(h, axis=-1) ** 2).all()


def test_family_is_a_frontier(channels: tuple[np.ndarray, np.ndarray]) -> None:
    """Along the grid both leakage and gain only fall."""
    h, f = channels
    weights = beamformer_family(h, f, mu_grid())
    assert (np.diff(leakage_gain(f, weights), axis=-1) <= 1e-12).all()
    assert (np.diff(channel_gain(h, weights), axis=-1) <= 1e-9).all()


def test_weights_have_unit_norm(channels: tuple[np.ndarray, np.ndarray]) -> None:
    """Power is a matter of the allocation, not of the beamformer."""
    h, f = channels
    weights = beamformer_family(h, f, mu_grid()).weights
    assert weights.shape == (3, 16, 64)
    np.testing.assert_allclose(np.linalg.norm(weights, axis=-1), 1.0)


def test_equals_the_inverse_it_stands_for(channels: tuple[np.ndarray, np.ndarray]) -> None:
    """The Woodbury form is (I + mu F F^H)^-1 h."""
    h, f = channels
    mu = 0.7
    direct = np.linalg.solve(np.eye(64) + mu * f[0] @ f[0].conj().T, h[0])
    direct /= np.linalg.norm(direct)
    np.testing.assert_allclose(
        beamformer_family(h, f, np.array([mu])).weights[0, 0], direct, atol=1e-12
    )


def test_gains_are_those_of_the_weights(channels: tuple[np.ndarray, np.ndarray]) -> None:
    """On any channel, not only on the one that the beamformers were made for."""
    h, f = channels
    family = beamformer_family(h, f, mu_grid())
    other_h, other_f = np.roll(h, 1, axis=0), np.roll(f, 1, axis=0)
    gain = np.abs(np.einsum("ksn,kn->ks", family.weights, other_h.conj())) ** 2
    leakage = (np.abs(np.einsum("ksn,knc->ksc", family.weights, other_f.conj())) ** 2).sum(axis=-1)
    np.testing.assert_allclose(channel_gain(other_h, family), gain, rtol=1e-9)
    np.testing.assert_allclose(leakage_gain(other_f, family), leakage, rtol=1e-9)


def test_the_path_goes_on_with_the_whole_horizon_loaded(
    channels: tuple[np.ndarray, np.ndarray],
) -> None:
    """Beyond the frontier stands (I + kappa R + mu F F^H)^-1 h, at the last mu."""
    h, f = channels
    path = beamformer_path(h, f, station_prior(40.0, 5.0, side=8)).weights
    assert path.shape == (3, GRID_POINTS, 64)
    np.testing.assert_allclose(path[:, :REPORT_POINTS], beamformer_family(h, f, mu_grid()).weights)
    level = 40.0 * mean_station(5.0, side=8)
    nulled = mu_grid()[-1] * f[0] @ f[0].conj().T
    for point, kappa in enumerate(kappa_grid(), start=REPORT_POINTS):
        direct = np.linalg.solve(np.eye(64) + kappa * level + nulled, h[0])
        direct /= np.linalg.norm(direct)
        np.testing.assert_allclose(path[0, point], direct, atol=1e-5)


def test_gains_along_the_path_are_those_of_the_weights(
    channels: tuple[np.ndarray, np.ndarray],
) -> None:
    """On any channel, beyond the frontier too."""
    h, f = channels
    path = beamformer_path(h, f, station_prior(40.0, 5.0, side=8))
    other_h, other_f = np.roll(h, 1, axis=0), np.roll(f, 1, axis=0)
    gain = np.abs(np.einsum("ksn,kn->ks", path.weights, other_h.conj())) ** 2
    leakage = (np.abs(np.einsum("ksn,knc->ksc", path.weights, other_f.conj())) ** 2).sum(axis=-1)
    np.testing.assert_allclose(channel_gain(other_h, path), gain, rtol=1e-9)
    np.testing.assert_allclose(leakage_gain(other_f, path), leakage, rtol=1e-9)


def test_nobody_who_believes_the_report_leaves_the_frontier(
    channels: tuple[np.ndarray, np.ndarray],
) -> None:
    """On the reported channel gain only falls beyond it, and there is no leakage left to save."""
    h, f = channels
    path = beamformer_path(h, f, station_prior(40.0, 5.0, side=8))
    assert (np.diff(channel_gain(h, path)[:, REPORT_POINTS - 1 :], axis=-1) < 0).all()
    assert leakage_gain(f, path)[:, REPORT_POINTS - 1 :].max() < 1e-6
