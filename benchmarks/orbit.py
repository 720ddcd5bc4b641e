"""What geometry costs beside SGP4 alone, and beside Skyfield as one writes it first.

Prints a table, asserts nothing: ``python benchmarks/orbit.py``. Elements are synthetic, so it needs
no file; SGP4 takes as long for them as for real ones of the same orbits.
"""

import datetime as dt

import numpy as np
from sgp4.api import SatrecArray
from skyfield.api import EarthSatellite, Loader, wgs84  # type: ignore[import-untyped]

from benchmarks.ratios import Ratio, at_least, at_most, compare, show
from ran_sim.orbit.constellations import Constellation
from ran_sim.orbit.frames import julian_date
from ran_sim.orbit.passes import Site, look_from
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.walker import WalkerShell

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SITE = Site(48.1, 11.6, 520.0)
FREQUENCY_HZ = 20e9
SATELLITES, INSTANTS = 500, 600
CONSTELLATION = 8_000
TICKS = 50
MASK_DEG = 10.0


def shell(satellite_count: int, plane_count: int) -> WalkerShell:
    """Satellites at 550 km and 53 degrees, as Starlink's first shell."""
    return WalkerShell(550.0, 53.0, satellite_count, plane_count, 0, EPOCH)


def geometry() -> Ratio:
    """Elevation, azimuth, range, range rate and Doppler of many satellites over ten minutes."""
    constellation = Constellation(shell(SATELLITES, 25).element_sets())
    raw = SatrecArray([entry.record() for entry in constellation.elements])
    offsets_s = np.arange(float(INSTANTS))
    jd, fr = julian_date(EPOCH, offsets_s)
    return compare(
        "geometry with Doppler",
        f"{SATELLITES} satellites x {INSTANTS} s, beside SatrecArray alone",
        lambda: constellation.look_from(SITE, EPOCH, offsets_s).doppler_hz(FREQUENCY_HZ),
        lambda: raw.sgp4(jd, fr),
        target=at_least(0.7),
    )


def tick() -> Ratio:
    """One satellite over ten minutes, per tick, beside Skyfield asked once a tick."""
    elements = shell(1, 1).element_sets()[0]
    propagator = Propagator(elements)
    offsets_s = np.arange(float(INSTANTS))
    scale = Loader(".", verbose=False).timescale(builtin=True)
    satellite = EarthSatellite(elements.line1, elements.line2, elements.name, scale)
    ground = wgs84.latlon(SITE.latitude_deg, SITE.longitude_deg, SITE.altitude_m)
    difference = satellite - ground

    def skyfield() -> None:
        for second in range(TICKS):
            difference.at(scale.utc(2026, 1, 1, 0, 0, second)).altaz()

    return compare(
        "geometry per tick",
        "one satellite, Doppler and its rate, beside Skyfield's altaz at every tick",
        lambda: look_from(propagator, SITE, EPOCH, offsets_s).doppler_rate_hz_s(FREQUENCY_HZ),
        skyfield,
        target=at_least(100.0),
        ours_count=INSTANTS,
        peer_count=TICKS,
    )


def visible_set() -> Ratio:
    """Which of 8,000 satellites are up."""
    constellation = Constellation(shell(CONSTELLATION, 80).element_sets())
    raw = SatrecArray([entry.record() for entry in constellation.elements])
    jd, fr = julian_date(EPOCH, np.zeros(1))
    return compare(
        "visible set",
        f"{CONSTELLATION:,} satellites at one instant, beside SatrecArray alone",
        lambda: constellation.visible_from(SITE, EPOCH, MASK_DEG),
        lambda: raw.sgp4(jd, fr),
        target=at_most(3.0),
        repeats=31,
    )


def main() -> None:
    """Prints the table."""
    show("Orbit", [geometry(), tick(), visible_set()])


if __name__ == "__main__":
    main()
