"""Detecting hidden eavesdroppers, and how often that goes wrong."""

import numpy as np
import pytest

from ran_sim.detection import (
    deflection,
    distance_km,
    false_alarm_probability,
    miss_probability,
    statistics,
    threshold_for,
    trigger_false_alarm_probability,
)
from ran_sim.scenarios import TriggerRule
from ran_sim.triggers import Side, TriggerMachine

LOOKS = 200_000
AT_1_KM = 40.0


def within_three_sigma(count: int, looks: int, probability: float) -> bool:
    """Whether a count agrees with a binomial distribution."""
    spread = np.sqrt(looks * probability * (1 - probability))
    return bool(abs(count - looks * probability) < 3 * spread + 1)


@pytest.mark.parametrize("threshold", [0.5, 2.0, 3.0])
def test_false_alarms_are_as_often_as_stated(threshold: float) -> None:
    """Looks at nothing above the threshold, counted."""
    seen = statistics(np.zeros(LOOKS), np.random.default_rng(1))
    count = int((seen > threshold).sum())
    assert within_three_sigma(count, LOOKS, float(false_alarm_probability(threshold)))


@pytest.mark.parametrize(("threshold", "distance_m"), [(8.0, 20e3), (6.0, 50e3), (9.0, 18e3)])
def test_misses_are_as_often_as_stated(threshold: float, distance_m: float) -> None:
    """Looks at a station below the threshold, counted."""
    shift = deflection(np.full(LOOKS, distance_m), AT_1_KM)
    seen = statistics(shift, np.random.default_rng(2))
    count = int((seen <= threshold).sum())
    stated = float(miss_probability(threshold, shift[0]))
    assert 1e-3 < stated < 0.999
    assert within_three_sigma(count, LOOKS, stated)


def test_a_threshold_is_that_of_its_false_alarms() -> None:
    """There and back; one in a million is 4.75 standard deviations."""
    assert threshold_for(1e-6) == pytest.approx(4.7534, abs=1e-4)
    assert float(false_alarm_probability(threshold_for(1e-9))) == pytest.approx(1e-9, rel=1e-6)


def test_false_alarms_of_a_trigger_are_as_often_as_stated() -> None:
    """One that must last: how often it fires a time-to-trigger after a quiet start."""
    rule = TriggerRule(threshold=0.8, hysteresis=0.4, time_to_trigger_s=2.0, cool_down_s=0.0)
    stated = trigger_false_alarm_probability(rule, 1.0)
    tries = 20_000
    seen = statistics(np.zeros((tries, 3)), np.random.default_rng(3))
    fired = 0
    for values in seen.tolist():
        machine = TriggerMachine(rule, Side.ABOVE)
        fired += [machine.step(float(tick), value) for tick, value in enumerate(values)][-1]
    assert within_three_sigma(fired, tries, stated)


def test_distance_is_read_back_from_the_statistic() -> None:
    """Where the noise is zero; a false alarm is not infinitely far away."""
    assert float(deflection(4e3, AT_1_KM)) == pytest.approx(20.0)
    assert distance_km(20.0, AT_1_KM) == pytest.approx(4.0)
    assert distance_km(-3.0, AT_1_KM) == pytest.approx(1600.0)
