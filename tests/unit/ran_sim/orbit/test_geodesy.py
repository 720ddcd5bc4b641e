"""Points on the ellipsoid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ran_sim.orbit.geodesy import SPHERE, displaced, ecef_position, geodetic, local_axes

LATITUDES = st.floats(-85, 85)
LONGITUDES = st.floats(-180, 180)


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "expected_m"),
    [
        (0.0, 0.0, (6378137.0, 0.0, 0.0)),
        (90.0, 0.0, (0.0, 0.0, 6356752.314245)),
        (0.0, -90.0, (0.0, -6378137.0, 0.0)),
    ],
)
def test_axes_of_the_ellipsoid(
    latitude_deg: float, longitude_deg: float, expected_m: tuple[float, ...]
) -> None:
    """Equator and pole lie where WGS84 has them."""
    assert ecef_position(latitude_deg, longitude_deg) == pytest.approx(expected_m, abs=1e-6)


def test_altitude_goes_along_the_normal() -> None:
    """A kilometre up is a kilometre along the up axis."""
    up = local_axes(48.0, 11.0)[2]
    raised = ecef_position(48.0, 11.0, 1000.0) - ecef_position(48.0, 11.0)
    assert raised == pytest.approx(1000.0 * up, abs=1e-6)


@pytest.mark.pitfall(6)
def test_up_is_not_geocentric() -> None:
    """At latitude 48 the normal is 0.19 degrees off the direction from the Earth's centre."""
    position = ecef_position(48.0, 0.0)
    cosine = position @ local_axes(48.0, 0.0)[2] / np.linalg.norm(position)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(0.19, abs=0.01)


@given(LATITUDES, LONGITUDES)
def test_axes_are_right_handed(latitude_deg: float, longitude_deg: float) -> None:
    """East, north, up are orthonormal and in this order."""
    east, north, up = local_axes(latitude_deg, longitude_deg)
    assert np.cross(east, north) == pytest.approx(up, abs=1e-12)
    assert np.linalg.norm(east) == pytest.approx(1.0)


@given(LATITUDES, LONGITUDES, st.floats(-6e5, 6e5), st.floats(-3e5, 3e5))
def test_a_displaced_point_is_as_far_as_asked(
    latitude_deg: float, longitude_deg: float, east_m: float, north_m: float
) -> None:
    """The distance over ground is met to half a percent, and coordinates stay in range."""
    latitude, longitude = displaced(latitude_deg, longitude_deg, east_m, north_m)
    assert -90 <= latitude <= 90
    assert -180 <= longitude < 180
    chord_m = np.linalg.norm(
        ecef_position(latitude, longitude) - ecef_position(latitude_deg, longitude_deg)
    )
    assert chord_m == pytest.approx(np.hypot(east_m, north_m), rel=6e-3, abs=1.0)


def test_directions_of_displacement() -> None:
    """North raises the latitude, east the longitude."""
    assert displaced(10.0, 20.0, 0.0, 1e5)[0] > 10.0
    assert displaced(10.0, 20.0, 1e5, 0.0)[1] > 20.0


@given(st.floats(-90, 90), LONGITUDES, st.floats(-400, 4e7))
def test_a_position_gives_its_coordinates_back(
    latitude_deg: float, longitude_deg: float, altitude_m: float
) -> None:
    """From the Dead Sea to beyond the geostationary orbit."""
    position = ecef_position(latitude_deg, longitude_deg, altitude_m)
    latitude, longitude, altitude = geodetic(position)
    assert float(latitude) == pytest.approx(latitude_deg, abs=1e-9)
    assert float(altitude) == pytest.approx(altitude_m, abs=1e-6)
    again = ecef_position(float(latitude), float(longitude), float(altitude))
    assert again == pytest.approx(position, abs=1e-4)


def test_on_the_sphere_the_normal_points_to_the_centre() -> None:
    """The figure that 3GPP calibrates with has one radius."""
    position = ecef_position(48.0, 11.0, 1000.0, SPHERE)
    assert np.linalg.norm(position) == pytest.approx(6_372_000.0)
    assert position / np.linalg.norm(position) == pytest.approx(local_axes(48.0, 11.0)[2])
    assert geodetic(position, SPHERE)[2] == pytest.approx(1000.0)
