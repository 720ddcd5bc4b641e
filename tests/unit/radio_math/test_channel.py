"""Geometry and state to contexts."""

from dataclasses import replace

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.beams import BeamShaping
from radio_math.channel import (
    ChannelModel,
    ChannelState,
    LinkGeometry,
    beamformers,
    context_of,
    context_pair,
    draw_state,
    link_geometry,
    reported_channel,
    snr_per_w,
    state_history,
    true_channel,
)
from radio_math.context import ContextError, RadioContext, check_context
from radio_math.link import EARTH_RADIUS_M

MODEL = ChannelModel()
CONDITIONS = {
    "ici_factor": np.full(3, 0.002),
    "carrier_noise": np.ones(4),
    "power_budget_w": np.float64(10.0),
}


def geometry_at(elevation_deg: float = 60.0) -> LinkGeometry:
    """Three ESIMs under one elevation, each in a beam of its own."""
    return LinkGeometry(
        azimuth_deg=np.array([10.0, 120.0, 300.0]),
        elevation_deg=np.full(3, elevation_deg),
        slant_range_m=np.full(3, 700e3),
        beam_amplitude=np.eye(3, 8),
        satellite_gain_db=np.float64(16.0),
    )


def state(seed: int = 1) -> ChannelState:
    """Random parts for them."""
    return draw_state(MODEL, (3,), np.random.default_rng(seed))


def assert_equal(first: RadioContext, second: RadioContext) -> None:
    """Compares all tensors exactly."""
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(second, name))


def test_look_angles_count_clockwise_from_north() -> None:
    """A satellite to the east stands at azimuth 90; overhead it stands at elevation 90."""
    here = np.array([[0.0, 0.0, EARTH_RADIUS_M]])
    up, north = np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 0.0]])

    def look(offset: tuple[float, float, float]) -> LinkGeometry:
        return link_geometry(
            satellite_m=here[0] + np.array(offset),
            esim_m=here,
            esim_up=up,
            esim_north=north,
            cell_centre_m=here,
            shaping=BeamShaping.ADAPTIVE,
        )

    east = look((400e3, 0.0, 400e3))
    assert float(east.azimuth_deg[0]) == pytest.approx(90.0)
    assert float(east.elevation_deg[0]) == pytest.approx(45.0)
    assert float(east.slant_range_m[0]) == pytest.approx(np.hypot(400e3, 400e3))
    assert float(look((0.0, 0.0, 600e3)).elevation_deg[0]) == pytest.approx(90.0)
    with pytest.raises(ContextError, match="above the horizon"):
        look((400e3, 0.0, -1e3))


def test_equal_state_gives_equal_contexts() -> None:
    """Contexts are a pure function of geometry and state."""
    first = context_pair(geometry_at(), state(), MODEL, **CONDITIONS)
    second = context_pair(geometry_at(), state(), MODEL, **CONDITIONS)
    assert_equal(first.true, second.true)
    assert_equal(first.estimated, second.estimated)


def test_without_errors_the_report_is_the_truth() -> None:
    """Zero pointing, gain and azimuth errors and rays as they are leave no difference."""
    exact = replace(
        state(),
        pointing_error_deg=np.zeros((3, 2)),
        gain_error_db=np.zeros(3),
        azimuth_error_deg=np.zeros((3, 2)),
        leakage_error_db=np.zeros((3, 2)),
    )
    known = replace(MODEL, ray_correlation=1.0, eavesdropper_ray_correlation=1.0)
    pair = context_pair(geometry_at(), exact, known, **CONDITIONS)
    assert_equal(pair.true, pair.estimated)


def test_what_is_not_known_of_the_scattering_fills_the_nulls() -> None:
    """The less a report knows of a station's scattered rays, the more deep nulls really leak."""
    deep = slice(8, None)
    leaked = []
    for rho in (1.0, 0.8, 0.0):
        model = replace(MODEL, eavesdropper_ray_correlation=rho)
        pair = draw_scenarios(ScenarioProfile(channel=model), 32, 5)
        leaked.append(np.log(pair.true.leakage_per_w[..., deep]).mean())
    assert leaked[0] + 0.5 < leaked[1] < leaked[2] - 0.5


def test_reported_beamformers_leak_more_than_they_promise() -> None:
    """Nulls are steered by reports, so on average the truth is worse than the estimate."""
    pair = draw_scenarios(ScenarioProfile(), 32, 5)
    deep = slice(8, None)
    promised = np.log(pair.estimated.leakage_per_w[..., deep]).mean()
    assert np.log(pair.true.leakage_per_w[..., deep]).mean() > promised + 0.5


def test_rain_takes_its_decibels() -> None:
    """Zenith attenuation over sin(el) is lost at the satellite and nowhere else."""
    dry = replace(state(), rain_db=np.zeros(3))
    wet = replace(dry, rain_db=np.full(3, 3.0))
    before = context_pair(geometry_at(30.0), dry, MODEL, **CONDITIONS).true
    after = context_pair(geometry_at(30.0), wet, MODEL, **CONDITIONS).true
    np.testing.assert_allclose(after.gain_per_w / before.gain_per_w, 10**-0.6)
    np.testing.assert_array_equal(after.leakage_per_w, before.leakage_per_w)


def test_eavesdroppers_can_be_moved() -> None:
    """A simulation sets where the stations are: ten times nearer they hear 20 dB more."""
    far = replace(state(), eavesdropper_distance_m=np.full((3, 2), 20e3))
    near = replace(far, eavesdropper_distance_m=np.full((3, 2), 2e3))
    weights = beamformers(reported_channel(geometry_at(), far, MODEL), MODEL)

    def leakage(where: ChannelState) -> np.ndarray:
        channel = true_channel(geometry_at(), where, MODEL)
        return context_of(channel, weights, geometry_at(), **CONDITIONS).leakage_per_w

    np.testing.assert_allclose(leakage(near), 100 * leakage(far))


def test_old_beamformers_are_evaluated_on_the_present_channel() -> None:
    """An outdated report gives the report's weights on today's truth."""
    old, rng = state(), np.random.default_rng(2)
    weights = beamformers(reported_channel(geometry_at(), old, MODEL), MODEL)
    now = state_history(old, MODEL, 0.2, 2, rng).at(1)
    fresh = beamformers(reported_channel(geometry_at(), now, MODEL), MODEL)
    truth = true_channel(geometry_at(), now, MODEL)
    outdated = context_of(truth, weights, geometry_at(), **CONDITIONS)
    current = context_of(truth, fresh, geometry_at(), **CONDITIONS)
    check_context(outdated)
    assert not np.allclose(outdated.gain_per_w, current.gain_per_w)


def test_what_is_added_along_the_path_is_lost() -> None:
    """Extra losses count in decibels, whatever the elevation; they leave the stations alone."""
    plain = state()
    lossy = replace(plain, extra_loss_db=np.full(3, 7.0))
    ratio = snr_per_w(geometry_at(30.0), lossy, MODEL) / snr_per_w(geometry_at(30.0), plain, MODEL)
    np.testing.assert_allclose(ratio, 10**-0.7)


def test_without_a_direct_path_all_power_is_scattered() -> None:
    """A Rician factor of minus infinity is Rayleigh fading: without rays nothing arrives."""
    blocked = replace(state(), rician_k_db=np.full(3, -np.inf))
    silent = replace(blocked, ray_coefficient=np.zeros_like(blocked.ray_coefficient))
    assert np.abs(true_channel(geometry_at(), blocked, MODEL).response).max() > 0
    assert np.abs(true_channel(geometry_at(), silent, MODEL).response).max() == 0


def test_a_history_of_correlation_one_stands_still() -> None:
    """With rho = 1 no time passes."""
    later = state_history(state(), MODEL, 1.0, 4, np.random.default_rng(3)).at(3)
    for name, value in vars(state()).items():
        np.testing.assert_array_equal(value, getattr(later, name))


def test_a_history_keeps_the_spread_and_forgets_gradually() -> None:
    """Shadowing stays Gaussian with its sigma and correlates by rho, per step."""
    rng = np.random.default_rng(4)
    before = draw_state(MODEL, (4000,), rng)
    history = state_history(before, MODEL, 0.8, 4, rng)
    assert history.shadowing_db.shape == (4, 4000)
    np.testing.assert_array_equal(history.shadowing_db[0], before.shadowing_db)
    assert history.shadowing_db[3].std() == pytest.approx(MODEL.shadowing_sigma_db, rel=0.05)
    for step in (1, 3):
        correlation = np.corrcoef(before.shadowing_db, history.shadowing_db[step])[0, 1]
        assert correlation == pytest.approx(0.8**step, abs=0.04)
    assert history.ray_coefficient[3].shape == before.ray_coefficient.shape
    assert np.abs(history.ray_coefficient[3]).std() == pytest.approx(
        np.abs(before.ray_coefficient).std(), rel=0.05
    )
    np.testing.assert_array_equal(
        before.eavesdropper_distance_m, history.eavesdropper_distance_m[3]
    )


def test_a_history_gives_each_part_its_own_numbers() -> None:
    """No two parts share a draw, and real and imaginary parts belong together."""
    history = state_history(state(), MODEL, 0.0, 400, np.random.default_rng(5))
    rays = history.ray_coefficient[1:].ravel()
    assert abs(np.corrcoef(rays.real, rays.imag)[0, 1]) < 0.1
    assert np.mean(np.abs(rays) ** 2) == pytest.approx(1.0, abs=0.1)
    errors = history.azimuth_error_deg[1:].ravel()
    assert errors.std() == pytest.approx(MODEL.eavesdropper_azimuth_sigma_deg, rel=0.1)
    others = history.leakage_error_db[1:].ravel()
    assert abs(np.corrcoef(errors, others)[0, 1]) < 0.1


def test_a_history_refuses_an_impossible_correlation() -> None:
    """A rho lies within 0 to 1."""
    with pytest.raises(ContextError, match="within 0 to 1"):
        state_history(state(), MODEL, 1.1, 2, np.random.default_rng(0))
