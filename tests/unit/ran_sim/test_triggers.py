"""Threshold, hysteresis, time-to-trigger and cool-down."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ran_sim.scenarios import TriggerRule
from ran_sim.triggers import Side, TriggerMachine

RULE = TriggerRule(threshold=6.0, hysteresis=1.0, time_to_trigger_s=2.0, cool_down_s=5.0)


def fired_at(values: list[float], rule: TriggerRule = RULE, side: Side = Side.BELOW) -> list[int]:
    """The seconds at which the machine fires, one value a second."""
    machine = TriggerMachine(rule, side)
    return [second for second, value in enumerate(values) if machine.step(float(second), value)]


def test_fires_after_the_time_to_trigger() -> None:
    """The condition must have held for two seconds."""
    assert fired_at([9, 5, 5, 5, 5, 5]) == [3]


def test_a_short_dip_does_not_fire() -> None:
    """A recovery past the hysteresis within the time-to-trigger starts it anew."""
    assert fired_at([9, 5, 5, 9, 5, 5, 9, 5, 5, 5]) == [9]


def test_the_threshold_itself_does_not_enter() -> None:
    """The condition is strict."""
    assert fired_at([6, 6, 6, 6, 6]) == []


def test_within_the_hysteresis_the_condition_holds() -> None:
    """Recovering past the threshold but not past the hysteresis leaves nothing."""
    assert fired_at([5, 6.5, 7.0, 6.5, 5]) == [2]


def test_fires_once_while_the_condition_lasts() -> None:
    """Cool-down alone does not fire again; the condition must be left first."""
    assert fired_at([5.0] * 60) == [2]


def test_fires_again_after_recovery() -> None:
    """A new dip after the cool-down fires."""
    assert fired_at([5, 5, 5, 9, 9, 9, 9, 9, 5, 5, 5]) == [2, 10]


def test_what_falls_into_the_cool_down_fires_at_its_end() -> None:
    """A dip that begins within the cool-down and lasts is reported when it ends."""
    assert fired_at([5, 5, 5, 9, 5, 5, 5, 5, 5]) == [2, 7]


def test_above_is_the_mirror_image() -> None:
    """On the other side the same values, mirrored, fire at the same times."""
    values = [9, 5, 5, 5, 9, 9, 9, 9, 5, 5, 5, 5]
    mirrored = [12.0 - value for value in values]
    assert fired_at(mirrored, side=Side.ABOVE) == fired_at(values)


def test_without_times_it_fires_at_once() -> None:
    """Zero time-to-trigger and cool-down make a plain hysteresis switch."""
    rule = TriggerRule(6.0, 1.0, 0.0, 0.0)
    assert fired_at([5, 5, 8, 5, 6.5, 8, 5], rule) == [0, 3, 6]


def test_no_value_says_nothing() -> None:
    """NaN neither enters, nor leaves, nor fires."""
    assert fired_at([5, math.nan, math.nan, 5]) == [3]
    assert fired_at([math.nan] * 5) == []


def test_active_lasts_from_report_to_recovery() -> None:
    """A reported condition is active until it is left."""
    machine = TriggerMachine(RULE, Side.BELOW)
    seen = []
    for second, value in enumerate([5, 5, 5, 6.5, 8, 5]):
        machine.step(float(second), value)
        seen.append(machine.active)
    assert seen == [False, False, True, True, False, False]


def test_ticks_that_are_inexact_in_binary_count_in_full() -> None:
    """Twenty ticks of 0.1 s are two seconds."""
    machine = TriggerMachine(RULE, Side.BELOW)
    fired = [tick for tick in range(40) if machine.step(tick * 0.1, 5.0)]
    assert fired == [20]


RULES = st.builds(
    TriggerRule,
    threshold=st.floats(-20, 20),
    hysteresis=st.floats(0, 5),
    time_to_trigger_s=st.floats(0, 5),
    cool_down_s=st.floats(0, 20),
)
VALUES = st.lists(st.floats(-40, 40) | st.just(math.nan), max_size=120)


@given(RULES, VALUES, st.sampled_from(Side), st.floats(0.05, 3))
def test_every_firing_is_justified(
    rule: TriggerRule, values: list[float], side: Side, period_s: float
) -> None:
    """Firings are a cool-down apart, after an unbroken condition, with a recovery in between."""
    machine = TriggerMachine(rule, side)
    times = [tick * period_s for tick in range(len(values))]
    excess = [side.value * (value - rule.threshold) for value in values]
    fired = [tick for tick, value in enumerate(values) if machine.step(times[tick], value)]
    previous = None
    for tick in fired:
        entered = max(
            (k for k in range(tick + 1) if excess[k] > 0 and _held(excess, rule, k, tick)),
            key=lambda k: times[tick] - times[k],
        )
        assert times[tick] - times[entered] >= rule.time_to_trigger_s - 1e-6
        if previous is not None:
            assert times[tick] - times[previous] >= rule.cool_down_s - 1e-6
            assert any(excess[k] < -rule.hysteresis for k in range(previous + 1, tick))
        previous = tick


def _held(excess: list[float], rule: TriggerRule, start: int, end: int) -> bool:
    return not any(value < -rule.hysteresis for value in excess[start : end + 1])


@given(RULES, VALUES, st.sampled_from(Side))
def test_a_lasting_condition_always_fires(
    rule: TriggerRule, values: list[float], side: Side
) -> None:
    """Whatever came before, a condition that lasts long enough has been reported in the end."""
    machine = TriggerMachine(rule, side)
    for second, value in enumerate(values):
        machine.step(float(second), value)
    for second in range(len(values), len(values) + 30):
        machine.step(float(second), rule.threshold + side.value)
    assert machine.active


@pytest.mark.parametrize("side", list(Side))
def test_same_values_same_firings(side: Side) -> None:
    """A machine has no memory outside of its own steps."""
    values = [math.sin(tick / 7) * 12 for tick in range(400)]
    assert fired_at(values, side=side) == fired_at(values, side=side)
