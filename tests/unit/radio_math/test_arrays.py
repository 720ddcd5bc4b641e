"""The terminal's array."""

import numpy as np
import pytest

from radio_math.arrays import element_gain, steering_vector
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


@pytest.mark.parametrize(("elevation_deg", "gain_dbi"), [(90, 5.0), (30, 0.4845), (0, -10.0)])
def test_element_pattern(elevation_deg: float, gain_dbi: float) -> None:
    """5 dBi + 15 log10 sin(el), at least -10 dBi."""
    assert float(to_db(element_gain(elevation_deg))) == pytest.approx(gain_dbi, abs=1e-3)
