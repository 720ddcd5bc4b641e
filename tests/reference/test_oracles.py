"""Range, angles, Doppler and frames against Skyfield and astropy, which compute them another way.

Skyfield omits polar motion as the simulator does; astropy has it, which is some 15 m.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import (
    ITRS,
    TEME,
    CartesianDifferential,
    CartesianRepresentation,
)
from astropy.time import Time
from astropy.utils import iers
from skyfield.api import EarthSatellite, Loader, wgs84
from skyfield.timelib import Timescale
from support.passes import LINE1, LINE2

from ran_sim.orbit.constellations import Constellation
from ran_sim.orbit.earth_rotation import bundled_earth_rotation
from ran_sim.orbit.elements import ElementSet, parse_element_set
from ran_sim.orbit.frames import FloatArray, julian_date
from ran_sim.orbit.geodesy import SPHERE
from ran_sim.orbit.passes import Site, look_from, passes
from ran_sim.orbit.propagation import Propagator

SITES = [Site(48.1, 11.6, 520.0), Site(0.0, -78.5, 2850.0), Site(-33.9, 151.2), Site(78.2, 15.6)]
STARLINK = parse_element_set(LINE1, LINE2, "STARLINK-2449")
ONEWEB = parse_element_set(
    "1 44057U 19010A   22257.20365923  .00000199  00000+0  48632-3 0  9993",
    "2 44057  87.9123 141.9130 0002574  59.6606 300.4780 13.16594606171036",
    "ONEWEB-0012",
)
# Far from the time when dUT1 happened to be small: 0.4 s in the last days of 2016.
LARGE_DUT1 = dt.datetime(2016, 12, 29, 12, tzinfo=dt.UTC)
NEW_YEAR_1990_MJD = 47892
OFFSETS_S = np.arange(0.0, 86400.0, 97.0)
FREQUENCY_HZ = 20e9

# The polar motion of the last decades, on the ground of a low orbit.
POLAR_MOTION_M, POLAR_MOTION_M_S = 20.0, 0.02
# Two tables of the Earth's rotation, read between their days: 1.5 ms at 8 km/s and less.
TABLES_M, TABLES_M_S, TABLES_DEG = 1.0, 0.005, 2e-4


@cache
def timescale() -> Timescale:
    """Skyfield's, from the tables that come with it: nothing is downloaded."""
    return Loader(".", verbose=False).timescale(builtin=True)


def skyfield_look(
    elements: ElementSet, site: Site, start: dt.datetime
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """Elevation, azimuth [deg], range [m], range rate [m/s], and the dUT1 [s] that was used."""
    ts = timescale()
    satellite = EarthSatellite(elements.line1, elements.line2, elements.name, ts)
    ground = wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)
    whole = ts.from_datetime(start)
    times = ts.utc(
        start.year, start.month, start.day, start.hour, start.minute, start.second + OFFSETS_S
    )
    seen = (satellite - ground).at(times)
    elevation, azimuth, distance = seen.altaz()
    rate = seen.frame_latlon_and_rates(ground)[5]
    return elevation.degrees, azimuth.degrees, distance.m, rate.m_per_s, float(whole.dut1)


@pytest.fixture(autouse=True)
def _no_downloads() -> Iterator[None]:
    """Astropy reads the tables of its data package and asks nobody for newer ones."""
    offline = iers.conf.set_temp("auto_download", value=False)
    with offline, iers.conf.set_temp("auto_max_age", None):
        yield


@pytest.mark.pitfall(1, 2, 3, 4, 6, 7)
@pytest.mark.parametrize("elements", [STARLINK, ONEWEB], ids=lambda e: e.name)
@pytest.mark.parametrize("site", SITES, ids=lambda s: f"{s.latitude_deg:g}")
def test_skyfield_agrees_where_it_uses_the_same_dut1(elements: ElementSet, site: Site) -> None:
    """Range, angles and range rate over a day, above and below the horizon."""
    elevation, azimuth, range_m, rate_m_s, dut1_s = skyfield_look(elements, site, elements.epoch)
    look = look_from(
        Propagator(elements, dut1_s=dut1_s), site, elements.epoch.replace(microsecond=0), OFFSETS_S
    )
    # dUT1 moves by a millisecond in the day that Skyfield follows it through.
    assert np.abs(look.elevation_deg - elevation).max() < TABLES_DEG
    turn = (look.azimuth_deg - azimuth + 180) % 360 - 180
    assert np.abs(turn * np.cos(np.radians(elevation))).max() < TABLES_DEG
    assert np.abs(look.range_m - range_m).max() < TABLES_M
    assert np.abs(look.range_rate_m_s - rate_m_s).max() < TABLES_M_S
    assert elevation.min() < -30


@pytest.mark.pitfall(4)
@pytest.mark.parametrize("elements", [STARLINK, ONEWEB], ids=lambda e: e.name)
def test_skyfield_agrees_with_the_bundled_dut1(elements: ElementSet) -> None:
    """The table that comes along is as good as Skyfield's."""
    start = elements.epoch.replace(microsecond=0)
    elevation, _, range_m, rate_m_s, _ = skyfield_look(elements, SITES[0], start)
    look = look_from(Propagator(elements), SITES[0], start, OFFSETS_S)
    assert np.abs(look.elevation_deg - elevation).max() < TABLES_DEG
    assert np.abs(look.range_m - range_m).max() < TABLES_M
    assert np.abs(look.range_rate_m_s - rate_m_s).max() < TABLES_M_S


@pytest.mark.pitfall(1)
def test_doppler_follows_skyfields_range() -> None:
    """The shift is -f/c times Skyfield's range rate: 470 kHz at most, within 0.3 Hz."""
    start = STARLINK.epoch.replace(microsecond=0)
    _, _, _, rate_m_s, _ = skyfield_look(STARLINK, SITES[0], start)
    shift = look_from(Propagator(STARLINK), SITES[0], start, OFFSETS_S).doppler_hz(FREQUENCY_HZ)
    assert shift == pytest.approx(-FREQUENCY_HZ / 299792458.0 * rate_m_s, abs=0.3)


def test_a_constellation_agrees_with_skyfield() -> None:
    """The path for many satellites as the one for single ones."""
    start = STARLINK.epoch.replace(microsecond=0)
    look = Constellation([STARLINK, ONEWEB]).look_from(SITES[0], start, OFFSETS_S)
    for row, elements in enumerate((STARLINK, ONEWEB)):
        elevation, _, range_m, _, _ = skyfield_look(elements, SITES[0], start)
        assert np.abs(look.elevation_deg[row] - elevation).max() < TABLES_DEG
        assert np.abs(look.range_m[row] - range_m).max() < TABLES_M


def test_passes_are_those_of_skyfield() -> None:
    """Rise, culmination and set above 10 degrees, to a tenth of a second."""
    start, end = STARLINK.epoch, STARLINK.epoch + dt.timedelta(days=1)
    ts = timescale()
    satellite = EarthSatellite(LINE1, LINE2, "", ts)
    ground = wgs84.latlon(SITES[0].latitude_deg, SITES[0].longitude_deg, SITES[0].altitude_m)
    times, events = satellite.find_events(
        ground, ts.from_datetime(start), ts.from_datetime(end), altitude_degrees=10.0
    )
    found = passes(Propagator(STARLINK), SITES[0], start, end, 10.0)
    for code, ours in (
        (0, [one.rise_time for one in found]),
        (1, [one.culmination.time for one in found]),
        (2, [one.set_time for one in found]),
    ):
        theirs = [
            time.utc_datetime() for time, event in zip(times, events, strict=True) if event == code
        ]
        assert len(ours) == len(theirs) > 3
        for a, b in zip(ours, theirs, strict=True):
            assert a is not None
            # Near its top the elevation hardly changes: neither search is exact there.
            assert abs((a - b).total_seconds()) < (0.5 if code == 1 else 0.1)


def itrs(elements: ElementSet, start: dt.datetime) -> tuple[FloatArray, FloatArray]:
    """Position [m] and velocity [m/s] that astropy turns SGP4's state into."""
    jd, fr = julian_date(start, OFFSETS_S)
    position_m, velocity_m_s = Propagator(elements).teme(jd, fr)
    time = Time(jd, fr, format="jd", scale="utc")
    state = CartesianRepresentation(
        position_m.T * u.m, differentials=CartesianDifferential(velocity_m_s.T * u.m / u.s)
    )
    fixed = TEME(state, obstime=time).transform_to(ITRS(obstime=time))
    return (
        fixed.cartesian.xyz.to_value(u.m).T,
        fixed.velocity.d_xyz.to_value(u.m / u.s).T,
    )


@pytest.mark.pitfall(2, 3, 4)
@pytest.mark.parametrize("start", [STARLINK.epoch, LARGE_DUT1], ids=["2022", "2016"])
def test_astropy_agrees_within_polar_motion(start: dt.datetime) -> None:
    """Position and velocity, also when dUT1 is large."""
    # SGP4 works at any time; only the frame is asked for here.
    ours = Propagator(ONEWEB).ephemeris(start, OFFSETS_S)
    position_m, velocity_m_s = itrs(ONEWEB, start)
    assert np.linalg.norm(ours.position_m - position_m, axis=-1).max() < POLAR_MOTION_M
    assert np.linalg.norm(ours.velocity_m_s - velocity_m_s, axis=-1).max() < POLAR_MOTION_M_S


@pytest.mark.pitfall(4)
def test_without_dut1_astropy_would_not_agree() -> None:
    """With UTC as UT1 the satellite of 2016 is 200 m off: the test above can fail."""
    ours = Propagator(ONEWEB, dut1_s=0.0).ephemeris(LARGE_DUT1, OFFSETS_S)
    position_m, _ = itrs(ONEWEB, LARGE_DUT1)
    assert np.linalg.norm(ours.position_m - position_m, axis=-1).max() > 150.0


def test_the_bundled_dut1_is_that_of_the_iers() -> None:
    """To 5 ms from 1973 on, and to 1.2 ms since 1990."""
    table = bundled_earth_rotation()
    mjd = np.arange(table.mjd[0], table.predicted_mjd)
    time = Time(mjd, format="mjd", scale="utc")
    theirs = iers.IERS_Auto.open().ut1_utc(time).to_value(u.s)
    ours = table.dut1_s(mjd + 2400000.5, np.zeros_like(mjd))
    assert np.abs(ours - theirs).max() < 5e-3
    assert np.abs(ours - theirs)[mjd > NEW_YEAR_1990_MJD].max() < 1.2e-3


@pytest.mark.pitfall(6)
def test_on_a_sphere_skyfield_would_not_agree() -> None:
    """A spherical horizon is up to 0.2 degrees off: calibrations only."""
    site = Site(SITES[0].latitude_deg, SITES[0].longitude_deg, SITES[0].altitude_m, SPHERE)
    start = STARLINK.epoch.replace(microsecond=0)
    elevation = skyfield_look(STARLINK, SITES[0], start)[0]
    look = look_from(Propagator(STARLINK), site, start, OFFSETS_S)
    up = elevation > 0
    assert 0.1 < np.abs(look.elevation_deg - elevation)[up].max() < 3.0
