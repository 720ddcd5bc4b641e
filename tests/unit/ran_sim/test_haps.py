"""High-altitude platforms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf_runtime.errors import InvalidArgument
from radio_math.attitude import off_axis_deg, seen_from
from radio_math.channel import LinkGeometry
from ran_sim.haps import (
    Platform,
    StationKeeping,
    look_at_platform,
    platform_beams,
    platform_cells,
    platform_sight,
)
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.look import Terminals
from ran_sim.spot_beams import Steering

STATION = Platform("haps-1", latitude_deg=45.0, longitude_deg=10.0)
CALM = replace(STATION, wander_radius_m=0.0, wander_height_m=0.0, jitter_deg=0.0)
CARRIER_HZ = 20e9


def keeping(platform: Platform = STATION, seed: int = 1) -> StationKeeping:
    """The station keeping of a seed."""
    return StationKeeping.drawn(platform, np.random.default_rng(seed))


def standing(latitude_deg: float = 45.1, longitude_deg: float = 10.0) -> Terminals:
    """One motionless terminal, arrays [1, 3]."""
    position = ecef_position(latitude_deg, longitude_deg)[None]
    east, north, up = (axis[None] for axis in local_axes(latitude_deg, longitude_deg))
    return Terminals(position, np.zeros((1, 3)), east, north, up)


@given(st.integers(0, 2**32), st.floats(-1e5, 1e5))
def test_a_platform_keeps_its_station(seed: int, offset_s: float) -> None:
    """Never out of its circle, its band of heights, its speed or its angles, whenever asked."""
    motion = keeping(seed=seed).motion(np.array([offset_s]))
    east, north, up = local_axes(45.0, 10.0)
    moved = motion.position_m[0] - ecef_position(45.0, 10.0, 20e3)
    assert np.hypot(moved @ east, moved @ north) <= 500.0
    assert abs(moved @ up) <= 50.0
    assert np.linalg.norm(motion.velocity_m_s) <= STATION.largest_speed_m_s
    down = np.array([[0.0, 0.0, 1.0]]) @ motion.attitude.actual[0]
    # Roll and pitch of half a degree each tilt the boresight by 0.71 degrees at most.
    tilt = off_axis_deg(down @ motion.attitude.commanded[0].T)
    assert float(tilt[0]) <= 0.5 * np.sqrt(2) + 1e-9


def test_the_same_seed_gives_the_same_motion_however_it_is_sampled() -> None:
    """One instant alone equals that instant of a run; another seed moves differently."""
    run = keeping().motion(np.arange(0.0, 60.0, 0.1))
    alone = keeping().motion(np.array([30.0]))
    np.testing.assert_allclose(run.position_m[300], alone.position_m[0], atol=1e-6)
    assert np.abs(keeping(seed=2).motion(np.array([30.0])).position_m - alone.position_m).max() > 1


def test_velocity_and_acceleration_are_the_derivatives_of_the_position() -> None:
    """Central differences of the position give both."""
    step = 1e-2
    motion = keeping().motion(np.array([100.0 - step, 100.0, 100.0 + step]))
    before, now, after = motion.position_m
    np.testing.assert_allclose((after - before) / (2 * step), motion.velocity_m_s[1], atol=1e-4)
    np.testing.assert_allclose(
        (after - 2 * now + before) / step**2, motion.acceleration_m_s2[1], atol=1e-3
    )


@pytest.mark.pitfall(33)
def test_a_calm_platform_has_no_doppler_at_all() -> None:
    """It does not orbit: a standing terminal sees no range rate and no Doppler rate."""
    look = look_at_platform(keeping(CALM).motion(np.arange(3.0)), standing())
    np.testing.assert_allclose(look.doppler_hz(CARRIER_HZ), 0.0, atol=1e-6)
    np.testing.assert_allclose(look.doppler_rate_hz_s(CARRIER_HZ), 0.0, atol=1e-6)


@pytest.mark.pitfall(33)
def test_wander_is_all_the_doppler_there_is() -> None:
    """At most the platform's own speed: about 2 kHz at 20 GHz, where an orbit has 460."""
    look = look_at_platform(keeping().motion(np.arange(0.0, 600.0, 0.5)), standing())
    doppler_hz = look.doppler_hz(CARRIER_HZ)
    assert np.abs(doppler_hz).max() <= CARRIER_HZ / 299_792_458.0 * STATION.largest_speed_m_s
    assert 10.0 < np.abs(doppler_hz).max() < 2e3


@pytest.mark.pitfall(33)
def test_doppler_rate_is_the_derivative_of_doppler() -> None:
    """Gravity bends no path of a platform; as a satellite it would add 650 Hz/s."""
    offset_s = np.arange(0.0, 60.0, 0.01)
    look = look_at_platform(keeping().motion(offset_s), standing())
    numerical = np.gradient(look.doppler_hz(CARRIER_HZ)[:, 0], offset_s)
    np.testing.assert_allclose(
        look.doppler_rate_hz_s(CARRIER_HZ)[1:-1, 0], numerical[1:-1], atol=0.05
    )


@pytest.mark.pitfall(33)
def test_a_platform_flies_below_the_ionosphere() -> None:
    """Whoever computes scintillation learns that the path does not cross it."""
    assert not STATION.crosses_ionosphere


def test_the_delay_is_that_of_the_slant_range() -> None:
    """Overhead 20 km are 66.7 microseconds."""
    sight = platform_sight(
        keeping(CALM).motion(np.zeros(1)),
        standing(45.0),
        platform_cells(STATION, 15e3),
        platform_beams(STATION, 15e3),
    )
    assert float(sight.look.elevation_deg[0, 0]) == pytest.approx(90.0, abs=1e-6)
    assert float(sight.delay_s[0, 0]) == pytest.approx(66.71e-6, rel=1e-4)


def test_a_platform_gives_what_a_satellite_gives() -> None:
    """Look angles [T, U] and a link geometry [T, U, B] that hold the same numbers."""
    sight = platform_sight(
        keeping().motion(np.arange(4.0)),
        standing(),
        platform_cells(STATION, 15e3),
        platform_beams(STATION, 15e3),
    )
    assert isinstance(sight.link, LinkGeometry)
    assert sight.link.beam_amplitude.shape == (4, 1, 8)
    assert sight.link.satellite_gain_db.shape == (4,)
    assert sight.share.shape == (4, 1)
    np.testing.assert_array_equal(sight.link.elevation_deg, sight.look.elevation_deg)
    np.testing.assert_array_equal(sight.link.slant_range_m, sight.look.range_m)


@pytest.mark.parametrize("steering", list(Steering))
def test_jitter_moves_the_footprint(steering: Steering) -> None:
    """The gains at one place change with the attitude; a steady platform's stay as they are."""
    wander_free = replace(STATION, wander_radius_m=0.0, wander_height_m=0.0, jitter_deg=3.0)
    beams = platform_beams(STATION, 15e3, steering)
    cells, edge = platform_cells(STATION, 15e3), standing(45.2, 10.1)
    spread = [
        np.ptp(
            platform_sight(
                keeping(platform).motion(np.arange(0.0, 20.0, 0.5)), edge, cells, beams
            ).link.beam_amplitude,
            axis=0,
        ).max()
        for platform in (wander_free, CALM)
    ]
    assert spread[0] > 0.05
    assert spread[1] < 1e-9


def test_the_footprint_moves_by_the_tangent_of_the_angle() -> None:
    """Where the boresight meets the ground lies altitude times the tilt from the nadir."""
    shaking = replace(STATION, wander_radius_m=0.0, wander_height_m=0.0, jitter_deg=3.0)
    motion = keeping(shaking).motion(np.array([7.0]))
    boresight = motion.attitude.actual[0, 2]
    east, north, up = local_axes(45.0, 10.0)
    reach = 20e3 / -(boresight @ up)
    shift_m = reach * np.hypot(boresight @ east, boresight @ north)
    nadir = ecef_position(45.0, 10.0)[None]
    tilt = off_axis_deg(seen_from(motion.attitude.actual[0], motion.position_m[0], nadir))
    assert shift_m == pytest.approx(20e3 * np.tan(np.radians(tilt[0])), rel=1e-9)
    assert shift_m > 50.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("altitude_m", 600e3),
        ("altitude_m", 20.0),
        ("latitude_deg", 91.0),
        ("longitude_deg", float("nan")),
        ("wander_radius_m", -1.0),
        ("jitter_deg", 90.0),
        ("wander_period_s", 0.0),
    ],
)
def test_platforms_that_cannot_be_are_refused(field: str, value: float) -> None:
    """The sentence names the field; 600 km is a satellite."""
    with pytest.raises(InvalidArgument, match=field):
        replace(STATION, **{field: value})
