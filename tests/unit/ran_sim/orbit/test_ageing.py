"""How long element sets hold."""

import datetime as dt
from dataclasses import replace

import pytest
from support.passes import element_set

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.ageing import is_manoeuvring
from ran_sim.orbit.elements import ElementSet

STARLINK = {
    "catalogue_number": 48112,
    "inclination_deg": 53.06,
    "mean_motion_rev_day": 15.06,
    "eccentricity": 0.0001,
}


def oneweb() -> ElementSet:
    """A satellite that keeps its orbit for weeks."""
    return ElementSet(
        "44057",
        "ONEWEB-0012",
        dt.datetime(2022, 9, 14, 4, 53, tzinfo=dt.UTC),
        "1 44057U 19010A   22257.20365923  .00000199  00000+0  48632-3 0  9993",
        "2 44057  87.9123 141.9130 0002574  59.6606 300.4780 13.16594606171036",
    )


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("STARLINK-2449", {}, True),
        ("Starlink-2449", {"mean_motion_rev_day": 16.0}, True),
        ("KUIPER-00008", {}, True),
        ("ISS (ZARYA)", {}, False),
        ("NORAD 48112", {}, True),
        ("NORAD 48112", {"inclination_deg": 97.66}, True),
        ("NORAD 48112", {"inclination_deg": 51.6}, False),
        ("NORAD 48112", {"mean_motion_rev_day": 13.2}, False),
        ("NORAD 48112", {"eccentricity": 0.02}, False),
        ("NORAD 25544", {"catalogue_number": 25544}, False),
    ],
)
def test_who_manoeuvres(name: str, changes: dict[str, float], *, expected: bool) -> None:
    """By name; without one by the catalogue number and the orbit."""
    assert is_manoeuvring(name=name, **{**STARLINK, **changes}) is expected  # type: ignore[arg-type]


@pytest.mark.pitfall(24)
@pytest.mark.parametrize("name", ["STARLINK-2449", "NORAD 48112"])
def test_old_starlink_elements_are_refused(name: str) -> None:
    """Beyond three days of the epoch, on either side, with or without a name."""
    elements = replace(element_set(), name=name)
    assert elements.check_age(elements.epoch + dt.timedelta(days=2.9)) == ""
    for days in (3.1, -3.1):
        with pytest.raises(FailedPrecondition, match=r"3\.1 days from start_time .* manoeuvres"):
            elements.check_age(elements.epoch + dt.timedelta(days=days))


@pytest.mark.pitfall(24)
def test_old_elements_can_be_insisted_on() -> None:
    """Then there is a warning instead of an error."""
    elements = element_set()
    warning = elements.check_age(elements.epoch + dt.timedelta(days=40), allow_stale=True)
    assert "40.0 days" in warning
    assert "far from" in warning


@pytest.mark.pitfall(24)
def test_other_satellites_are_warned_of_after_a_week() -> None:
    """A satellite that does not manoeuvre is never refused."""
    elements = oneweb()
    assert elements.check_age(elements.epoch + dt.timedelta(days=6.9)) == ""
    assert "8.0 days" in elements.check_age(elements.epoch + dt.timedelta(days=8))
