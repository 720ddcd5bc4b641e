"""The closed forms of 3GPP's calibrations."""

import numpy as np
import pytest

from ran_sim.orbit.frames import EARTH_ROTATION_RAD_S
from ran_sim.orbit.geodesy import SPHERE
from ran_sim.orbit.look import Look, look_at
from ran_sim.orbit.passes import Site
from ran_sim.orbit.spherical import CircularOrbit

SITE = Site(0.0, 0.0, earth=SPHERE)
FREQUENCY_HZ = 20e9
ORBIT = CircularOrbit(600e3)


def seen(angle_rad: float) -> Look:
    """The satellite at an angle before the zenith, on a meridian, by its vectors."""
    position = ORBIT.radius_m * np.array((np.cos(angle_rad), 0.0, -np.sin(angle_rad)))
    velocity = ORBIT.speed_m_s * np.array((np.sin(angle_rad), 0.0, np.cos(angle_rad)))
    return look_at(position, velocity, SITE.terminals())


@pytest.mark.parametrize("angle_deg", [0.0, 5.0, 10.0, 20.0, 23.9])
def test_the_closed_forms_are_those_of_the_vectors(angle_deg: float) -> None:
    """Range, range rate and Doppler at the elevation that the vectors have."""
    look = seen(np.radians(angle_deg))
    elevation_deg = float(look.elevation_deg)
    assert float(ORBIT.range_m(elevation_deg)) == pytest.approx(float(look.range_m), abs=1e-3)
    assert float(ORBIT.range_rate_m_s(elevation_deg)) == pytest.approx(
        float(look.range_rate_m_s), abs=1e-3
    )
    assert float(ORBIT.doppler_hz(elevation_deg, FREQUENCY_HZ)) == pytest.approx(
        float(look.doppler_hz(FREQUENCY_HZ)), abs=0.1
    )


@pytest.mark.parametrize("elevation_deg", [10.0, 30.0, 60.0, 89.0])
def test_the_rate_is_the_derivative_of_the_shift(elevation_deg: float) -> None:
    """By how the elevation changes with time, d(el)/dt = (d(range)/dt) / (d(range)/d(el))."""
    step_deg = 1e-4
    ends = (elevation_deg - step_deg, elevation_deg + step_deg)
    shift = ORBIT.doppler_hz(ends, FREQUENCY_HZ)
    range_m = ORBIT.range_m(ends)
    seconds = (range_m[1] - range_m[0]) / float(ORBIT.range_rate_m_s(elevation_deg))
    assert (shift[1] - shift[0]) / seconds == pytest.approx(
        float(ORBIT.doppler_rate_hz_s(elevation_deg, FREQUENCY_HZ)), rel=1e-4
    )


def test_the_rate_is_greatest_at_the_zenith() -> None:
    """f/c w² R (R+h)/h: 5.8 kHz/s at 20 GHz and 600 km, always downwards."""
    rate = ORBIT.doppler_rate_hz_s([0.0, 30.0, 60.0, 90.0], FREQUENCY_HZ)
    assert rate[-1] == pytest.approx(-5810.5, abs=0.1)
    assert (rate < 0).all()
    assert (np.diff(rate) < 0).all()


def test_the_turning_earth_would_be_seven_percent() -> None:
    """What the spherical mode leaves out is at most R w_earth against the satellite's own rate."""
    carried = EARTH_ROTATION_RAD_S * SPHERE.semi_major_axis_m
    assert carried / abs(float(ORBIT.range_rate_m_s(0.0))) == pytest.approx(0.067, abs=0.002)
