"""Activation: scopes by time, area and pass, and who decides which model infers."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.oam.memory_tree import FUNCTION, functions_tree, model
from hypothesis import given, settings
from hypothesis import strategies as st

from nf_runtime.errors import InvalidArgument
from oam.nrm.activation import (
    Situation,
    model_that_infers,
    projected_function,
    scope_holds,
    with_loaded,
)
from oam.nrm.names import parse_name
from oam.nrm.objects import existing
from oam.nrm.provisioning import modify
from oam.nrm.selection import parse_filter

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SATELLITE = "SubNetwork=aimlnf,ManagedElement=satellite-48112"


def square(south: float, north: float, west: float, east: float) -> dict[str, Any]:
    """A GeoArea with four corners."""
    corners = ((south, west), (south, east), (north, east), (north, west))
    return {"convexGeoPolygon": [{"latitude": a, "longitude": b} for a, b in corners]}


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ({"timeWindow": [{"startTime": "2026-03-01T12:00:00+00:00"}]}, True),
        ({"timeWindow": [{"endTime": "2026-03-01T12:00:00+00:00"}]}, False),
        (
            {
                "timeWindow": [
                    {"endTime": "2026-01-01T00:00:00+00:00"},
                    {
                        "startTime": "2026-03-01T11:00:00+00:00",
                        "endTime": "2026-03-01T13:00:00+00:00",
                    },
                ]
            },
            True,
        ),
        ({"dNList": [SATELLITE]}, True),
        ({"dNList": [f"{SATELLITE}0"]}, False),
        ({"geoPolygon": [square(40, 55, 5, 20)]}, True),
        ({"geoPolygon": [square(40, 45, 5, 20), square(45, 50, 10, 12)]}, True),
        ({"geoPolygon": [square(40, 45, 5, 20)]}, False),
        (None, True),
    ],
)
def test_scope_by_time_pass_and_area(scope: dict[str, Any] | None, *, holds: bool) -> None:
    """Over Munich at noon, while one satellite serves."""
    here = Situation(NOON, 48.1, 11.6, frozenset({SATELLITE}))
    assert scope_holds(scope, here) is holds


def test_area_needs_a_pass_and_may_cross_the_date_line() -> None:
    """Without a pass there is no place to be inside."""
    scope = {"geoPolygon": [square(-10, 10, 170, -170)]}
    assert scope_holds(scope, Situation(NOON, 0.0, 179.0))
    assert scope_holds(scope, Situation(NOON, 0.0, -175.0))
    assert not scope_holds(scope, Situation(NOON, 0.0, 160.0))
    assert not scope_holds(scope, Situation(NOON))


@settings(deadline=None)
@given(st.floats(-60, 60), st.floats(-180, 180), st.floats(-9.9, 9.9), st.floats(-9.9, 9.9))
def test_square_contains_what_is_between_its_edges(
    latitude: float, longitude: float, north: float, east: float
) -> None:
    """Anywhere, whichever way round its corners are given."""
    area = square(latitude - 10, latitude + 10, longitude - 10, longitude + 10)
    here = Situation(NOON, latitude + north, longitude + east)
    there = Situation(NOON, latitude + north, longitude + east + 21)
    for corners in (area["convexGeoPolygon"], area["convexGeoPolygon"][::-1]):
        scope = {"geoPolygon": [{"convexGeoPolygon": corners}]}
        assert scope_holds(scope, here)
        assert not scope_holds(scope, there)


def test_consumers_choice_outlives_what_adaptations_say() -> None:
    """An adaptation changes only what it adds or takes away."""
    tree, name = functions_tree(), parse_name(FUNCTION)

    def says(*versions: int) -> list[str]:
        listed = [model(version) for version in versions]
        tree.put(name, *projected_function(tree.find(name), {"mLModelRefList": listed}))
        return list(existing(tree, name).attributes["mLModelRefList"])

    assert says(1) == [model(1)]
    tree.put(name, *with_loaded(existing(tree, name), model(2)))
    modify(tree, name, {"mLModelRefList": [model(2), model(1)]})
    assert says(1) == [model(2), model(1)]  # nothing new: the consumer's order stays
    modify(tree, name, {"activationStatus": "DEACTIVATED"})
    assert says(3, 1) == [model(3), model(2), model(1)]
    assert says(3) == [model(3), model(2)]
    function = existing(tree, name)
    assert model_that_infers(function) is None  # still deactivated by the consumer
    modify(tree, name, {"activationStatus": "ACTIVATED"})
    assert model_that_infers(existing(tree, name)) == model(3)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ('status == "ON"', True),
        ('status == "OFF"', False),
        ('status != "OFF" and nested.count >= 3', True),
        ("nested.count < 3", False),
        ("nested.count == true", False),
        ("flag == false", True),
        ('names == "a"', True),
        ('names != "a"', False),
        ('missing == "x"', False),
        ('missing != "x"', True),
        ('nested == "x"', False),
    ],
)
def test_filter_compares_attributes(text: str, *, holds: bool) -> None:
    """Texts, numbers, flags, members of lists, and attributes that are not there."""
    attributes = {"status": "ON", "nested": {"count": 3}, "flag": False, "names": ["a", "b"]}
    assert all(condition.holds(attributes) for condition in parse_filter(text)) is holds


@settings(deadline=None)
@given(st.text(max_size=30))
def test_filter_is_parsed_or_refused(text: str) -> None:
    """Nothing else comes of any text."""
    with suppress(InvalidArgument):
        assert all(condition.path for condition in parse_filter(text))
