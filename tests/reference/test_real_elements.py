"""Two operators' constellations, as they were published."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from ran_sim.orbit.catalogues import read_catalogue_file
from ran_sim.orbit.constellations import Constellation
from ran_sim.orbit.elements import ElementSet, parse_element_set
from ran_sim.orbit.passes import Site
from ran_sim.orbit.propagation import Propagator

ELEMENTS = Path(__file__).parent / "elements"
NOON = dt.datetime(2022, 9, 14, 12, tzinfo=dt.UTC)
SITE = Site(48.1, 11.6, 520.0)


def catalogue(name: str) -> list[ElementSet]:
    """The sets of a file."""
    return read_catalogue_file(ELEMENTS / f"{name}_20220914.tle")


@pytest.mark.parametrize(
    ("name", "altitude_km"), [("starlink_53deg", (500, 600)), ("oneweb", (1100, 1280))]
)
def test_every_satellite_flies_where_its_operator_put_it(
    name: str, altitude_km: tuple[float, float]
) -> None:
    """All sets are read, none is in error, and the altitudes are those of the shell."""
    elements = catalogue(name)
    assert len({entry.satellite_id for entry in elements}) == len(elements) == 300
    for entry in elements[::20]:
        position_m = Propagator(entry).ephemeris(NOON, [0.0, 1500.0, 3000.0]).position_m
        altitudes = np.linalg.norm(position_m, axis=-1) / 1e3 - 6371.0
        assert altitude_km[0] < altitudes.min() < altitudes.max() < altitude_km[1]
    look = Constellation(elements).look_from(SITE, NOON, np.arange(0.0, 6000.0, 60.0))
    assert not look.sgp4_error.any()
    assert (look.visible(10.0).sum(axis=0) > 0).mean() > 0.9


@pytest.mark.pitfall(24)
def test_only_one_of_the_two_operators_is_refused_after_four_days() -> None:
    """Every Starlink satellite, told by its name or without it; no OneWeb satellite."""
    for name, refused in (("starlink_53deg", 300), ("oneweb", 0)):
        manoeuvring = 0
        for entry in catalogue(name):
            unnamed = parse_element_set(entry.line1, entry.line2)
            later = entry.epoch + dt.timedelta(days=4)
            told = [one.check_age(later, allow_stale=True) != "" for one in (entry, unnamed)]
            assert told[0] == told[1]
            manoeuvring += told[0]
        assert manoeuvring == refused
