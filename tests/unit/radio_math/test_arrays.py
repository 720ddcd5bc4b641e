"""The terminal's array."""

import numpy as np
import pytest

from radio_math.arrays import element_gain, steering_vector, superposition
from radio_math.link import to_db


def test_steering_vector_has_unit_elements() -> None:
    """Its squared norm is the number of elements, whatever the direction."""
    response = steering_vector(np.array([0.0, 77.0]), np.array([[90.0], [10.0]]))
    assert response.shape == (2, 2, 256)
    np.testing.assert_allclose(np.abs(response), 1.0)


def test_zenith_needs_no_phases() -> None:
    """All elements of a flat array are in phase towards the zenith."""
    np.testing.assert_allclose(steering_vector(123.0, 90.0), np.ones(256), atol=1e-12)


def test_first_null_of_the_broadside_beam() -> None:
    """A 16-element row nulls where its path difference is one wavelength: sin = 1/8."""
    off = 90 - np.degrees(np.arcsin(2 / 16))
    correlation = steering_vector(0.0, off) @ steering_vector(0.0, 90.0).conj()
    assert abs(correlation) < 1e-9


def test_phases_grow_by_the_direction_cosines() -> None:
    """Element (row, column) is exp(j pi (row east + column north))."""
    azimuth, elevation = np.radians([200.0, 35.0])
    row, column = np.divmod(np.arange(256), 16)
    path = np.cos(elevation) * (row * np.sin(azimuth) + column * np.cos(azimuth))
    np.testing.assert_allclose(steering_vector(200.0, 35.0), np.exp(1j * np.pi * path), atol=1e-12)


def test_a_superposition_is_the_sum_over_its_rays() -> None:
    """Coefficient times steering vector, added up over the last axis."""
    rng = np.random.default_rng(1)
    azimuth, elevation = rng.uniform(0, 360, (3, 5)), rng.uniform(0, 90, (3, 5))
    coefficient = rng.standard_normal((3, 5)) + 1j * rng.standard_normal((3, 5))
    expected = np.sum(coefficient[..., None] * steering_vector(azimuth, elevation), axis=-2)
    np.testing.assert_allclose(superposition(coefficient, azimuth, elevation), expected, atol=1e-11)


@pytest.mark.parametrize(("elevation_deg", "gain_dbi"), [(90, 5.0), (30, 0.4845), (0, -10.0)])
def test_element_pattern(elevation_deg: float, gain_dbi: float) -> None:
    """5 dBi + 15 log10 sin(el), at least -10 dBi."""
    assert float(to_db(element_gain(elevation_deg))) == pytest.approx(gain_dbi, abs=1e-3)
