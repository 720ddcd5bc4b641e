"""Tests of expecting durations."""

import math

import pytest

from inference_nf.pacing import Pace


def test_the_first_observation_replaces_the_guess() -> None:
    """From then on it leans to the young ones without forgetting the old."""
    pace = Pace(1.0)
    assert pace.expected_s == 1.0
    pace.observe(0.1)
    assert pace.expected_s == 0.1
    pace.observe(0.2)
    assert 0.1 < pace.expected_s < 0.2
    for _ in range(100):
        pace.observe(0.3)
    assert pace.expected_s == pytest.approx(0.3)


def test_the_least_is_what_undisturbed_work_takes() -> None:
    """Turns that others disturbed do not count, and what was quick long ago is forgotten."""
    pace = Pace(1.0)
    assert pace.least_s == math.inf
    for duration_s in (0.1, 5.0, 5.0):
        pace.observe(duration_s)
    assert pace.least_s == 0.1 < pace.expected_s
    for _ in range(100):
        pace.observe(5.0)
    assert pace.least_s == 5.0


def test_what_is_passed_over_is_expected_to_take_less_and_less() -> None:
    """So that it is tried again in the end."""
    pace = Pace(1.0)
    pace.observe(1.0)
    turns = 0
    while pace.expected_s > 0.1:
        pace.ease()
        turns += 1
    assert 50 < turns < 200
