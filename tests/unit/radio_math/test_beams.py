"""Beam patterns and cells."""

import numpy as np
import pytest

from radio_math.beams import (
    CELL_RADIUS_M,
    BeamShaping,
    beam_amplitudes,
    hexagonal_cells,
    pattern_amplitude,
    points_in_cell,
)
from radio_math.link import EARTH_RADIUS_M

CENTRE = np.array([[0.0, 0.0, EARTH_RADIUS_M]])
OVERHEAD = np.array([0.0, 0.0, EARTH_RADIUS_M + 600e3])


def ground(east_m: float, north_m: float) -> np.ndarray:
    """A point of the tangent plane below the satellite."""
    return np.array([east_m, north_m, EARTH_RADIUS_M])


def test_pattern_is_one_at_its_peak_and_signed_beyond_its_null() -> None:
    """2 J1(x)/x: 1 at 0, zero at 3.8317, negative in the first side lobe."""
    assert float(pattern_amplitude(0.0)) == pytest.approx(1.0)
    assert float(pattern_amplitude(3.8317)) == pytest.approx(0.0, abs=1e-4)
    assert float(pattern_amplitude(5.0)) < 0


@pytest.mark.parametrize("shaping", list(BeamShaping))
def test_cell_edge_is_the_half_power_point_at_nadir(shaping: BeamShaping) -> None:
    """Below the satellite both shapings give -3 dB at 150 km and the reference gain."""
    edge = ground(CELL_RADIUS_M, 0.0)[None]
    amplitude, gain_db = beam_amplitudes(OVERHEAD, edge, CENTRE, shaping)
    assert float(amplitude[0, 0] ** 2) == pytest.approx(0.5, abs=1e-4)
    assert float(gain_db) == pytest.approx(16.0, abs=1e-6)


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (-0.6, 0.8)])
def test_adaptive_beam_keeps_its_cell_at_low_elevation(direction: tuple[float, float]) -> None:
    """Along and across the range the cell edge stays at -3 dB."""
    satellite = OVERHEAD + np.array([1000e3, 0.0, 0.0])
    edge = ground(CELL_RADIUS_M * direction[0], CELL_RADIUS_M * direction[1])[None]
    amplitude, gain_db = beam_amplitudes(satellite, edge, CENTRE, BeamShaping.ADAPTIVE)
    assert float(amplitude[0, 0] ** 2) == pytest.approx(0.5, abs=1e-3)
    assert float(gain_db) > 16.0


def test_adaptive_gain_grows_as_the_solid_angle_shrinks() -> None:
    """Twice as far at 30 degrees elevation: (2)^2 / sin(30) = 9 dB more."""
    distance, elevation = 1200e3, np.radians(30)
    satellite = CENTRE[0] + distance * np.array([np.cos(elevation), 0, np.sin(elevation)])
    _, gain_db = beam_amplitudes(satellite, CENTRE, CENTRE, BeamShaping.ADAPTIVE)
    assert float(gain_db) == pytest.approx(16 + 9.03, abs=0.01)


@pytest.mark.parametrize("shaping", list(BeamShaping))
def test_narrower_beams_have_their_half_power_point_nearer_and_more_gain(
    shaping: BeamShaping,
) -> None:
    """Half the width: -3 dB at half the angle, 6 dB more at the peak."""
    edge = ground(CELL_RADIUS_M / 2, 0.0)[None]
    amplitude, gain_db = beam_amplitudes(OVERHEAD, edge, CENTRE, shaping, 0.5)
    assert float(amplitude[0, 0] ** 2) == pytest.approx(0.5, abs=0.02)
    assert float(gain_db) == pytest.approx(16 + 6.02, abs=0.01)


def test_layout_is_hexagonal() -> None:
    """Every cell's nearest neighbour is 260 km away; the layout is centred."""
    cells = hexagonal_cells()
    distance = np.linalg.norm(cells[:, None] - cells[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert cells.shape == (8, 2)
    np.testing.assert_allclose(distance.min(axis=1), 260e3)
    np.testing.assert_allclose(cells.mean(axis=0), 0.0, atol=1e-6)


def test_points_fill_their_cell_and_no_other() -> None:
    """Uniform in the hexagon: nearest to the own centre, up to the corners, centred."""
    points = points_in_cell((20_000,), np.random.default_rng(1))
    radius = np.linalg.norm(points, axis=-1)
    assert radius.max() <= CELL_RADIUS_M
    assert radius.max() > 0.98 * CELL_RADIUS_M
    neighbours = 260e3 * np.exp(1j * np.radians(60 * np.arange(6)))
    as_complex = points[:, 0] + 1j * points[:, 1]
    assert (radius[:, None] <= np.abs(as_complex[:, None] - neighbours) + 100.0).all()
    np.testing.assert_allclose(points.mean(axis=0) / CELL_RADIUS_M, 0.0, atol=0.02)
