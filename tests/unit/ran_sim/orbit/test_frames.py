"""Julian dates and the turning of the Earth."""

import datetime as dt

import numpy as np
import pytest

from ran_sim.orbit.frames import (
    EARTH_ROTATION_RAD_S,
    julian_date,
    rotation_velocity,
    sidereal_angle_rad,
    teme_to_ecef,
)

NOON = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)


def test_julian_date_of_j2000() -> None:
    """Noon of 1 January 2000 is 2451545.0."""
    jd, fr = julian_date(NOON, 0.0)
    assert float(jd + fr) == 2451545.0


def test_offsets_carry_into_the_whole_days() -> None:
    """The fraction stays within a day, before and after midnight."""
    jd, fr = julian_date(NOON, [-86400.0, 0.0, 43199.0, 43200.0, 90000.0])
    assert ((fr >= 0) & (fr < 1)).all()
    assert np.diff(jd + fr) * 86400 == pytest.approx([86400, 43199, 1, 46800], abs=1e-4)


@pytest.mark.pitfall(5)
def test_microseconds_are_kept() -> None:
    """The split resolves what one float64 Julian date could not."""
    _, first = julian_date(NOON, 0.0)
    _, second = julian_date(NOON + dt.timedelta(microseconds=7), 0.0)
    assert float(second - first) * 86400 == pytest.approx(7e-6, abs=1e-9)


@pytest.mark.pitfall(5)
def test_a_time_zone_is_no_slip() -> None:
    """An aware time in another zone is the same instant; a naive one is refused."""
    elsewhere = NOON.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    assert julian_date(elsewhere, 0.0) == julian_date(NOON, 0.0)
    with pytest.raises(TypeError):
        julian_date(NOON.replace(tzinfo=None), 0.0)


def test_sidereal_angle_of_j2000() -> None:
    """At noon UT1 of 1 January 2000 it is 280.4606 degrees."""
    jd, fr = julian_date(NOON, 0.0)
    assert np.degrees(sidereal_angle_rad(jd, fr)) == pytest.approx(280.46062, abs=1e-4)


@pytest.mark.pitfall(4)
def test_dut1_turns_the_earth() -> None:
    """A second of dUT1 is a second of rotation."""
    jd, fr = julian_date(NOON, 0.0)
    turned = sidereal_angle_rad(jd, fr, 1.0) - sidereal_angle_rad(jd, fr)
    assert float(turned) == pytest.approx(EARTH_ROTATION_RAD_S, rel=1e-4)


@pytest.mark.pitfall(2)
def test_a_point_at_rest_in_space_moves_over_ground() -> None:
    """At zero inertial velocity the Earth-fixed one is the whole omega x r, towards the west."""
    position = np.array([7e6, 0.0, 0.0])
    _, velocity = teme_to_ecef(position, np.zeros(3), np.array(0.0))
    assert velocity == pytest.approx([0.0, -EARTH_ROTATION_RAD_S * 7e6, 0.0])
    assert np.linalg.norm(velocity) == pytest.approx(510.4, abs=0.1)


def test_rotation_velocity_is_a_cross_product() -> None:
    """It is omega x r by the rule."""
    position = np.array([1.0, 2.0, 3.0])
    expected = np.cross([0.0, 0.0, EARTH_ROTATION_RAD_S], position)
    assert rotation_velocity(position) == pytest.approx(expected)
