"""Who serves, and for how long triggers wait after a change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nf_runtime.errors import InvalidArgument
from ran_sim.handover import HandoverRule, changes, serving, within


def of_two(first: list[float], second: list[float], **rule: float) -> list[int]:
    """Who of two candidates serves one subject, a tick a second, with a hysteresis of 3."""
    quality = np.stack((first, second), axis=-1)[:, None, :]
    return serving(quality, 3.0, 1.0, **rule)[:, 0].tolist()


def test_the_better_takes_over_past_the_hysteresis() -> None:
    """More than 3 better, not 3."""
    assert of_two([10.0] * 6, [9.0, 12.0, 13.0, 13.5, 12.0, 11.0]) == [0, 0, 0, 1, 1, 1]


def test_it_must_have_been_better_for_long_enough() -> None:
    """A flash of two ticks is no reason; three are."""
    second = [0.0, 20.0, 20.0, 0.0, 20.0, 20.0, 20.0, 20.0]
    assert of_two([10.0] * 8, second, time_to_trigger_s=2.0) == [0, 0, 0, 0, 0, 0, 1, 1]


def test_another_rival_starts_anew() -> None:
    """The time-to-trigger is that of one and the same candidate."""
    quality = np.array([[10, 0, 0], [10, 20, 0], [10, 0, 20], [10, 0, 20], [10, 0, 20]], float)
    chosen = serving(quality[:, None, :], 3.0, 1.0, time_to_trigger_s=2.0)[:, 0]
    assert chosen.tolist() == [0, 0, 0, 0, 2]


def test_who_serves_is_kept_for_the_minimum_time() -> None:
    """After a handover the next one waits, though the other is better again."""
    first = [10.0, 0.0, 10.0, 10.0, 10.0, 10.0]
    second = [0.0, 10.0, 0.0, 0.0, 0.0, 0.0]
    assert of_two(first, second) == [0, 1, 0, 0, 0, 0]
    assert of_two(first, second, minimum_time_s=3.0) == [0, 1, 1, 1, 0, 0]


def test_who_is_gone_is_replaced_at_once() -> None:
    """Whatever time it has served, and whatever the hysteresis."""
    gone = -np.inf
    assert of_two([10.0, 10.0, gone, gone], [9.0] * 4, minimum_time_s=100.0) == [0, 0, 1, 1]
    assert of_two([gone] * 3, [gone] * 3) == [0, 0, 0]


QUALITY = arrays(np.float64, (40, 3, 4), elements=st.floats(-50, 50))


@given(QUALITY, st.floats(0, 10), st.integers(0, 5), st.integers(0, 8))
def test_every_handover_is_justified(
    quality: np.ndarray, hysteresis: float, to_trigger: int, minimum: int
) -> None:
    """The new one is the best by more than the hysteresis, long enough, and none comes too soon."""
    chosen = serving(quality, hysteresis, 1.0, time_to_trigger_s=to_trigger, minimum_time_s=minimum)
    for subject in range(3):
        moments = np.flatnonzero(changes(chosen)[:, subject])
        for tick in moments:
            new, old = chosen[tick, subject], chosen[tick - 1, subject]
            for earlier in range(tick - to_trigger, tick + 1):
                assert quality[earlier, subject].argmax() == new
                assert quality[earlier, subject, new] > quality[earlier, subject, old] + hysteresis
        assert (np.diff(moments) >= minimum).all()


def test_triggers_wait_for_the_window() -> None:
    """From the tick of the change on, for less than the window."""
    changed = np.zeros((8, 1), dtype=bool)
    changed[[2, 3]] = True
    held = within(changed, 2.0, 1.0)[:, 0]
    assert np.flatnonzero(held).tolist() == [2, 3, 4]
    assert not within(changed, 0.0, 1.0).any()


@pytest.mark.parametrize("name", ["beam_hysteresis_db", "suppression_s"])
def test_a_bad_number_is_named(name: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidArgument, match=r"handover\."):
        HandoverRule(**{name: -1.0})
