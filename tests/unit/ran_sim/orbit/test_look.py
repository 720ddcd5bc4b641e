"""Range, range rate, Doppler and their signs."""

import datetime as dt

import numpy as np
import pytest
from support.passes import element_set

from ran_sim.orbit.frames import EARTH_ROTATION_RAD_S, FloatArray, rotation_velocity
from ran_sim.orbit.geodesy import SPHERE, ecef_position
from ran_sim.orbit.look import Look, Terminals, look_at
from ran_sim.orbit.passes import Site, highest_culmination, look_from
from ran_sim.orbit.propagation import Propagator

FREQUENCY_HZ = 20e9
SITE = Site(48.1, 11.6, 500.0)
OFFSETS_S = np.arange(-240.0, 240.0, 7.0)


@pytest.fixture(scope="module")
def culmination() -> dt.datetime:
    """The culmination of the test satellite over the site."""
    propagator = Propagator(element_set())
    epoch = element_set().epoch
    return highest_culmination(propagator, SITE, epoch, epoch + dt.timedelta(days=1)).time


@pytest.fixture(scope="module")
def look(culmination: dt.datetime) -> Look:
    """The pass around it."""
    return look_from(Propagator(element_set()), SITE, culmination, OFFSETS_S)


def circular_orbit(time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Earth-fixed state of an ideal circular orbit, inclined by 53 degrees."""
    radius_m, inclination = 6.93e6, np.radians(53.0)
    rate = np.sqrt(3.986004418e14 / radius_m**3)
    angle, turn = rate * time_s, EARTH_ROTATION_RAD_S * time_s

    def rotated(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        cos, sin = np.cos(turn), np.sin(turn)
        return np.stack((cos * x + sin * y, -sin * x + cos * y, z), axis=-1)

    cos_i, sin_i = np.cos(inclination), np.sin(inclination)
    position = radius_m * rotated(np.cos(angle), np.sin(angle) * cos_i, np.sin(angle) * sin_i)
    velocity = (
        radius_m * rate * rotated(-np.sin(angle), np.cos(angle) * cos_i, np.cos(angle) * sin_i)
    )
    return position, velocity - rotation_velocity(position)


@pytest.mark.pitfall(1)
def test_doppler_is_positive_while_the_satellite_approaches(look: Look) -> None:
    """Positive before the culmination, negative after it, falling all the way."""
    doppler = look.doppler_hz(FREQUENCY_HZ)
    # At the very culmination the turning Earth shifts the change of sign by some seconds.
    assert (doppler[OFFSETS_S < -10] > 0).all()
    assert (doppler[OFFSETS_S > 10] < 0).all()
    assert (look.doppler_rate_hz_s(FREQUENCY_HZ) < 0).all()
    assert (np.diff(doppler) < 0).all()


@pytest.mark.pitfall(2, 3)
def test_range_rate_of_an_ideal_orbit_is_the_derivative_of_range() -> None:
    """To one part in a million of the orbital speed, which a missing omega x r would break."""
    time_s = np.arange(-300.0, 300.0, 11.0)
    terminal, step_s = SITE.terminals(), 0.5

    def range_m(shift_s: float) -> FloatArray:
        return look_at(*circular_orbit(time_s + shift_s), terminal).range_m

    slope = (
        8 * (range_m(step_s) - range_m(-step_s)) - (range_m(2 * step_s) - range_m(-2 * step_s))
    ) / (12 * step_s)
    rate = look_at(*circular_orbit(time_s), terminal).range_rate_m_s
    assert np.abs(slope - rate).max() < 7500 * 1e-6


@pytest.mark.pitfall(2, 3)
def test_range_rate_of_sgp4_is_the_derivative_of_range(culmination: dt.datetime) -> None:
    """To 0.03 m/s: SGP4's own velocity is 0.02 m/s off the derivative of its position."""
    propagator, step_s = Propagator(element_set()), 0.5

    def range_m(shift_s: float) -> FloatArray:
        return look_from(propagator, SITE, culmination, OFFSETS_S + shift_s).range_m

    slope = (
        8 * (range_m(step_s) - range_m(-step_s)) - (range_m(2 * step_s) - range_m(-2 * step_s))
    ) / (12 * step_s)
    rate = look_from(propagator, SITE, culmination, OFFSETS_S).range_rate_m_s
    assert np.abs(slope - rate).max() < 0.03


def test_doppler_rate_is_the_derivative_of_doppler(culmination: dt.datetime) -> None:
    """To a ten-thousandth of its largest value."""
    propagator, step_s = Propagator(element_set()), 0.1

    def doppler_hz(shift_s: float) -> FloatArray:
        look = look_from(propagator, SITE, culmination, OFFSETS_S + shift_s)
        return look.doppler_hz(FREQUENCY_HZ)

    slope = (doppler_hz(step_s) - doppler_hz(-step_s)) / (2 * step_s)
    look = look_from(propagator, SITE, culmination, OFFSETS_S)
    rate = look.doppler_rate_hz_s(FREQUENCY_HZ)
    assert np.abs(slope - rate).max() < 1e-4 * np.abs(rate).max()


def test_without_the_rotation_term_doppler_would_be_kilohertz_off(look: Look) -> None:
    """The omega x r term matters at this latitude: the test above can fail."""
    site = SITE.terminals()
    carried_m_s = float(np.linalg.norm(rotation_velocity(site.position_m)))
    assert carried_m_s * FREQUENCY_HZ / 3e8 > 15e3
    assert np.abs(look.doppler_hz(FREQUENCY_HZ)).max() < 480e3


def test_a_moving_terminal_adds_its_speed() -> None:
    """A terminal that drives towards a satellite on its horizon sees it come nearer faster."""
    site = Site(0.0, 0.0).terminals()
    satellite = site.position_m + 1e6 * site.east
    still = look_at(satellite, np.zeros(3), site)
    moving = Terminals(site.position_m, 30.0 * site.east, site.east, site.north, site.up)
    driven = look_at(satellite, np.zeros(3), moving)
    assert float(still.range_rate_m_s) == pytest.approx(0.0, abs=1e-9)
    assert float(driven.doppler_hz(FREQUENCY_HZ)) == pytest.approx(30 * 20e9 / 299792458)


def test_azimuth_counts_from_north_over_east() -> None:
    """Satellites in the four directions."""
    site = Site(10.0, 20.0).terminals()
    for axis, azimuth_deg in ((site.north, 0), (site.east, 90), (-site.north, 180)):
        look = look_at(site.position_m + 1e6 * (axis + 0.1 * site.up), np.zeros(3), site)
        assert float(look.azimuth_deg) == pytest.approx(azimuth_deg, abs=1e-6)
    west = look_at(site.position_m - 1e6 * site.east, np.zeros(3), site)
    assert float(west.azimuth_deg) == pytest.approx(270)


@pytest.mark.pitfall(7)
def test_elevation_is_signed() -> None:
    """A satellite a third around the Earth stands 58.5 degrees under the horizon (ns-3, #1308)."""
    site = Site(0.0, 0.0, earth=SPHERE).terminals()
    look = look_at(ecef_position(0.0, 120.0, 600e3, SPHERE), np.zeros(3), site)
    assert float(look.elevation_deg) == pytest.approx(-58.5127, abs=1e-4)


@pytest.mark.pitfall(7)
def test_elevation_below_the_horizon_is_negative() -> None:
    """A satellite on the other side of the Earth stands at minus ninety degrees."""
    site = Site(0.0, 0.0).terminals()
    look = look_at(np.array([-7e6, 0.0, 0.0]), np.zeros(3), site)
    assert float(look.elevation_deg) == pytest.approx(-90.0)


@pytest.mark.pitfall(6)
def test_the_horizon_is_that_of_the_ellipsoid() -> None:
    """At latitude 48 the zenith is 0.19 degrees from the direction away from the Earth's centre."""
    site = Site(48.1, 11.6).terminals()
    outward = site.position_m / np.linalg.norm(site.position_m)
    above = look_at(site.position_m + 6e5 * site.up, np.zeros(3), site)
    beside = look_at(site.position_m + 6e5 * outward, np.zeros(3), site)
    assert float(above.elevation_deg) == pytest.approx(90.0, abs=1e-6)
    assert float(beside.elevation_deg) == pytest.approx(90.0 - 0.19, abs=0.01)


@pytest.mark.pitfall(32)
def test_geometry_is_in_double_precision(look: Look) -> None:
    """A micrometre of range is still seen, which single precision loses by five digits."""
    for values in (look.range_m, look.range_rate_m_s, look.elevation_deg, look.azimuth_deg):
        assert values.dtype == np.float64
    site = SITE.terminals()
    satellite = site.position_m + 1e6 * site.up
    ranges = [
        float(look_at(satellite + shift_m * site.up, np.zeros(3), site).range_m)
        for shift_m in (0.0, 1e-6)
    ]
    assert ranges[1] - ranges[0] == pytest.approx(1e-6, abs=2e-9)
