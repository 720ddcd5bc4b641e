"""Passes to simulate in tests."""

from typing import Any

from ran_sim.orbit.elements import ElementSet, parse_element_set
from ran_sim.scenarios import Disturbance, DisturbanceKind, PassScenario

# STARLINK-2449, which culminates over Munich on the day of these elements.
LINE1 = "1 48112U 21027W   22257.35281540 -.00001274  00000+0 -66644-4 0  9999"
LINE2 = "2 48112  53.0556 128.5280 0001354  62.5461 297.5665 15.06396898 80570"

# STARLINK-1650, which culminates there five minutes before.
OTHER_LINE1 = "1 46573U 20070AT  22257.01596667  .00000399  00000+0  45681-4 0  9990"
OTHER_LINE2 = "2 46573  53.0557 114.8620 0001362  59.5236 300.5887 15.06399334107895"


def element_set() -> ElementSet:
    """A real satellite."""
    return parse_element_set(LINE1, LINE2, "STARLINK-2449")


def other_element_set() -> ElementSet:
    """Another real satellite, STARLINK-1650."""
    return parse_element_set(OTHER_LINE1, OTHER_LINE2, "STARLINK-1650")


def pass_scenario(**changes: Any) -> PassScenario:
    """A minute over Munich with all three kinds of triggers."""
    values: dict[str, Any] = {
        "scenario_id": "test-pass",
        "elements": element_set(),
        "latitude_deg": 48.1,
        "longitude_deg": 11.6,
        "duration_s": 60.0,
        "seed": 3,
        "disturbances": (
            Disturbance(DisturbanceKind.RAIN_FRONT, 0.4, 0.75, severity_db=8.0),
            *(
                Disturbance(DisturbanceKind.EAVESDROPPER_ON, at, esim=esim, distance_km=8.0)
                for esim, at in ((1, 0.1), (3, 0.3), (5, 0.5), (7, 0.8))
            ),
        ),
    }
    return PassScenario(**{**values, **changes})
