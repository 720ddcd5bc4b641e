"""Comparing a value with a reference."""

import math

import pytest

from ran_sim.validation.checks import Check, compared


def check(value: float, reference: float, tolerance: float) -> Check:
    """A comparison of two lengths."""
    return compared(
        "geometry", "row", "range", value=value, reference=reference, tolerance=tolerance, unit="km"
    )


@pytest.mark.parametrize(
    ("value", "passed"), [(10.0, True), (10.25, True), (9.75, True), (10.26, False), (9.7, False)]
)
def test_the_deviation_decides(value: float, *, passed: bool) -> None:
    """A deviation up to the tolerance passes, either way; a larger one does not."""
    assert check(value, 10.0, 0.25).passed is passed


def test_the_deviation_is_absolute() -> None:
    """It is given without its sign."""
    assert check(8.5, 10.0, 0.1).deviation == 1.5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_fails(value: float) -> None:
    """NaN and infinity fail against a number, whatever the tolerance."""
    assert not check(value, 10.0, 1e9).passed
