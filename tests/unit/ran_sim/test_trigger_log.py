"""What fires beside what is true."""

import numpy as np
import pytest
from support.passes import pass_scenario

from ran_sim.observables import Observables, RadioTruth
from ran_sim.scenarios import DEFAULT_RULES, PassScenario, TriggerKind, TriggerRule
from ran_sim.trigger_log import TriggerLog, run_triggers

KIND = TriggerKind.DOPPLER_SINR_DROP
RULES = {**DEFAULT_RULES, KIND: TriggerRule(1.0, 0.5, 2.0, 0.0)}
TICKS = 30


def scenario() -> PassScenario:
    """Half a minute."""
    return pass_scenario(duration_s=float(TICKS), rules=RULES)


def log_of(measured: list[float], true: list[float], hold_back: tuple[int, ...] = ()) -> TriggerLog:
    """The log of one ESIM's SINR loss, the rest quiet; padded with zeros."""

    def quiet(subjects: int, value: float = 0.0) -> np.ndarray:
        return np.full((TICKS, subjects), value)

    def first(values: list[float]) -> np.ndarray:
        column = quiet(10)
        column[: len(values), 0] = values
        return column

    truth = RadioTruth(
        sinr_db=quiet(10, 20.0),
        beam_sinr_db=quiet(8, 20.0),
        sinr_loss_db=first(true),
        interference_db=quiet(10),
        listening=np.zeros((TICKS, 10), dtype=bool),
    )
    handover = np.zeros((TICKS, 10), dtype=bool)
    handover[list(hold_back), 0] = True
    return run_triggers(
        scenario(),
        Observables(quiet(10, 20.0), quiet(8, 20.0), first(measured), quiet(10), truth),
        serving_beam=np.zeros((TICKS, 10), dtype=np.intp),
        esim_handover=handover,
    )


def fired(log: TriggerLog) -> list[int]:
    """Ticks at which something fires."""
    return [tick for tick, triggers in enumerate(log.by_tick) if triggers]


EPISODE = [0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0]


def test_what_is_seen_and_true_is_neither_alarm_nor_miss() -> None:
    """It fires once, after the time-to-trigger, and the label holds."""
    log = log_of(EPISODE, EPISODE)
    assert fired(log) == [3]
    assert log.holds[KIND][3, 0]
    assert log.missed[KIND][-1] == 0


def test_what_is_seen_and_not_true_is_a_false_alarm() -> None:
    """It fires all the same, and the label does not hold."""
    log = log_of(EPISODE, [0.0])
    assert fired(log) == [3]
    assert not log.holds[KIND][3, 0]
    assert log.missed[KIND][-1] == 0


def test_what_is_true_and_not_seen_is_a_miss() -> None:
    """Counted when the condition is left."""
    log = log_of([0.0], EPISODE)
    assert fired(log) == []
    assert log.missed[KIND].tolist() == [0] * 6 + [1] * (TICKS - 6)


def test_too_short_to_fire_is_too_short_to_be_missed() -> None:
    """A true condition that does not last for the time-to-trigger asks for no trigger."""
    assert log_of([0.0], [0.0, 2.0, 2.0, 0.0]).missed[KIND][-1] == 0


def test_late_is_not_missed() -> None:
    """A trigger within the true condition answers it."""
    late = [0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 0.0]
    log = log_of(late, EPISODE)
    assert fired(log) == [5]
    assert log.missed[KIND][-1] == 0


def test_what_is_still_true_at_the_end_is_no_miss_yet() -> None:
    """Nobody knows whether it would have been seen."""
    assert log_of([0.0], [2.0] * TICKS).missed[KIND][-1] == 0


@pytest.mark.parametrize(("held", "expected"), [((3, 4), [5]), ((2,), [3]), (tuple(range(9)), [])])
def test_a_handover_holds_back(held: tuple[int, ...], expected: list[int]) -> None:
    """It fires after the window if it still holds; what was held back is counted, not missed."""
    log = log_of(EPISODE, EPISODE, hold_back=held)
    assert fired(log) == expected
    assert log.suppressed[KIND][-1] == (3 in held)
    assert log.missed[KIND][-1] == 0


def test_two_subjects_count_in_the_order_of_time() -> None:
    """Sequence numbers go by tick, then by subject."""
    log = log_of([*EPISODE, 0.0, 2.0, 2.0, 2.0, 2.0], [0.0])
    numbers = [trigger.sequence for triggers in log.by_tick for trigger in triggers]
    assert fired(log) == [3, 10]
    assert numbers == [1, 2]


def test_not_a_number_leaves_everything_as_it_was() -> None:
    """A satellite too low says nothing: the condition neither begins nor ends."""
    gap = [0.0, 2.0, 2.0, float("nan"), float("nan"), 2.0, 0.0]
    log = log_of(gap, gap)
    assert fired(log) == [5]
