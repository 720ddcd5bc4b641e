"""Antenna frames."""

import numpy as np
import pytest

from radio_math.attitude import local_orbital_axes, off_axis_deg, seen_from, turned

EARTH_M = 6_371e3
SATELLITE = np.array([EARTH_M + 600e3, 0.0, 0.0])
EASTWARD = np.array([0.0, 7.56e3, 0.0])


def test_axes_of_an_equatorial_orbit() -> None:
    """Z down, x forward, y to the right of the flight: south when flying east."""
    axes = local_orbital_axes(SATELLITE, EASTWARD)
    np.testing.assert_allclose(axes, [[0, 1, 0], [0, 0, -1], [-1, 0, 0]], atol=1e-12)


def test_axes_are_right_handed_for_any_orbit() -> None:
    """Rows are orthonormal with determinant 1."""
    rng = np.random.default_rng(1)
    axes = local_orbital_axes(rng.normal(size=(50, 3)), rng.normal(size=(50, 3)))
    products = axes @ np.swapaxes(axes, -1, -2)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(axes), 1.0)


@pytest.mark.pitfall(20)
def test_off_axis_angle_is_taken_at_the_satellite() -> None:
    """A point seen at 30 degrees elevation lies 52 degrees off nadir, though 8 at the centre."""
    # Elevation 30: nadir angle asin(RE / (RE + h) cos el), earth angle 90 - el - nadir angle.
    nadir_angle = np.degrees(np.arcsin(EARTH_M / (EARTH_M + 600e3) * np.cos(np.radians(30))))
    earth_angle = np.radians(90 - 30 - nadir_angle)
    point = EARTH_M * np.array([[np.cos(earth_angle), 0.0, np.sin(earth_angle)]])
    axes = local_orbital_axes(SATELLITE, EASTWARD)
    angle = off_axis_deg(seen_from(axes, SATELLITE, point))
    assert float(nadir_angle) == pytest.approx(52.3, abs=0.05)
    assert float(angle[0]) == pytest.approx(nadir_angle, abs=1e-9)


@pytest.mark.pitfall(20)
def test_small_angles_stay_exact() -> None:
    """A millionth of a degree off boresight is seen; acos of a rounded product would say 0."""
    small = np.radians(1e-6)
    angle = off_axis_deg(np.array([np.sin(small), 0.0, np.cos(small)]))
    assert float(angle) == pytest.approx(1e-6, rel=1e-9)
    assert float(off_axis_deg(np.array([0.0, 0.0, 1.0 + 1e-15]))) == 0.0


def test_directions_behind_the_antenna_are_beyond_ninety_degrees() -> None:
    """The angle goes on to 180 degrees."""
    assert float(off_axis_deg(np.array([0.0, 0.0, -1.0]))) == pytest.approx(180.0)


def test_roll_pitch_and_yaw_turn_the_frame_by_the_right_hand() -> None:
    """Pitch lifts x from z, roll turns z to -y, yaw turns x to y; the frame stays orthonormal."""
    level = np.eye(3)
    np.testing.assert_allclose(turned(level, 0, 0, 90)[0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(turned(level, 0, 90, 0)[0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(turned(level, 90, 0, 0)[2], [0, -1, 0], atol=1e-12)
    axes = turned(level, 10, 20, 30)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_pitch_moves_the_boresight_by_its_angle() -> None:
    """One degree of pitch takes a target ahead of the panel one degree off its axis."""
    axes = local_orbital_axes(SATELLITE, EASTWARD)
    nadir = np.array([[EARTH_M, 0.0, 0.0]])
    pitched = turned(axes, 0.0, 1.0, 0.0)
    assert float(off_axis_deg(seen_from(pitched, SATELLITE, nadir))[0]) == pytest.approx(1.0)
