"""Random-waypoint ESIMs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ran_sim.mobility import random_waypoint_track

TIME_S = np.arange(0.0, 20_000.0, 10.0)


@given(st.integers(0, 1000))
def test_speeds_lie_in_their_range(seed: int) -> None:
    """70 to 120 km/h on every leg."""
    track = random_waypoint_track(TIME_S, np.random.default_rng(seed))
    speed_km_h = 3.6 * np.linalg.norm(track.velocity_m_s, axis=-1)
    assert (speed_km_h >= 70 - 1e-9).all()
    assert (speed_km_h <= 120 + 1e-9).all()


@given(st.integers(0, 1000))
def test_vehicles_stay_in_their_cell(seed: int) -> None:
    """No farther from the centre than the hexagon's corners."""
    track = random_waypoint_track(TIME_S, np.random.default_rng(seed))
    assert (np.linalg.norm(track.position_m, axis=-1) <= 150e3 * (1 + 1e-9)).all()


def test_position_is_the_integral_of_velocity() -> None:
    """Positions do not jump at waypoints."""
    track = random_waypoint_track(TIME_S, np.random.default_rng(1))
    steps_m = np.linalg.norm(np.diff(track.position_m, axis=0), axis=-1)
    assert steps_m.max() <= 120 / 3.6 * 10 + 1e-6
    assert len(np.unique(track.velocity_m_s, axis=0)) > 1
    straight = (np.diff(track.velocity_m_s, axis=0) == 0).all(axis=1)
    predicted = track.position_m[:-1] + 10 * track.velocity_m_s[:-1]
    assert track.position_m[1:][straight] == pytest.approx(predicted[straight], abs=1e-6)


def test_other_instants_are_on_the_same_way() -> None:
    """The track is a function of time: asking a little earlier gives the way a little earlier."""
    now = random_waypoint_track(TIME_S, np.random.default_rng(2))
    before = random_waypoint_track(TIME_S - 0.02, np.random.default_rng(2))
    moved = np.linalg.norm(now.position_m - before.position_m, axis=-1)
    assert (moved <= 0.02 * 120 / 3.6 + 1e-6).all()
    assert (moved > 0).all()
