"""All triggers of a run: what fires on what was measured, beside what is true.

The same rules run twice, on the measured quantities and on the true ones. A trigger whose
condition does not hold on the true channel is a false alarm; a condition that would have fired on
the true channel and left without a trigger is a miss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ran_sim.handover import BoolArray, IndexArray
from ran_sim.observables import Observables
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import PassScenario, TriggerKind
from ran_sim.triggers import SIDES, Trigger, TriggerMachine


@dataclass(frozen=True)
class TriggerLog:
    """All triggers of a run.

    Attributes:
        by_tick: [T] the triggers of each tick, in the order in which they are published.
        detected: [T, U] whether the detector of an ESIM has reported a station that is still on.
        holds: by kind, [T, subjects] whether the condition is there on the true channel.
        suppressed: by kind, [T] triggers held back by handovers up to a tick.
        missed: by kind, [T] true conditions that passed without a trigger up to a tick.
    """

    by_tick: Sequence[tuple[Trigger, ...]]
    detected: BoolArray
    holds: Mapping[TriggerKind, BoolArray]
    suppressed: Mapping[TriggerKind, IndexArray]
    missed: Mapping[TriggerKind, IndexArray]


def run_triggers(
    scenario: PassScenario,
    observables: Observables,
    *,
    serving_beam: IndexArray,
    esim_handover: BoolArray,
) -> TriggerLog:
    """Follows every rule through the run, once.

    Args:
        scenario: its rules.
        observables: what is measured, and what is true.
        serving_beam: [T, U] beam of each ESIM.
        esim_handover: [T, U] whether triggers of an ESIM are held back by a handover; a beam's
            are while one of its ESIMs' are.
    """
    watched = {
        kind: _watched(
            scenario,
            kind,
            observables,
            _beams_of(esim_handover, serving_beam, observables.beam_sinr_db.shape)
            if kind is TriggerKind.BEAM_QUALITY_DEGRADED
            else esim_handover,
        )
        for kind in TriggerKind
    }
    by_tick: list[list[Trigger]] = [[] for _ in range(scenario.tick_count)]
    for kind, watch in watched.items():
        values = observables.of(kind)
        of_beam = kind is TriggerKind.BEAM_QUALITY_DEGRADED
        for sequence, (tick, subject) in enumerate(watch.fired, start=1):
            by_tick[tick].append(
                Trigger(
                    kind=kind,
                    sequence=sequence,
                    tick=tick,
                    beam=subject if of_beam else int(serving_beam[tick, subject]),
                    esim=None if of_beam else subject,
                    value=float(values[tick, subject]),
                )
            )
    return TriggerLog(
        by_tick=[tuple(triggers) for triggers in by_tick],
        detected=watched[TriggerKind.EAVESDROPPER_DETECTED].active,
        holds={kind: watch.holds for kind, watch in watched.items()},
        suppressed={kind: watch.suppressed for kind, watch in watched.items()},
        missed={kind: watch.missed for kind, watch in watched.items()},
    )


@dataclass(frozen=True)
class _Course:
    """How one subject's condition went: [T] each, and the ticks at which it fired."""

    fired: list[int]
    entered: BoolArray
    active: BoolArray
    held_back: BoolArray


@dataclass(frozen=True)
class _Watched:
    """One kind of trigger over all its subjects."""

    fired: list[tuple[int, int]]  # tick and subject, in this order
    active: BoolArray  # [T, subjects] on what was measured
    holds: BoolArray  # [T, subjects] on what is true
    suppressed: IndexArray  # [T] up to a tick
    missed: IndexArray  # [T] up to a tick


def _watched(
    scenario: PassScenario, kind: TriggerKind, observables: Observables, hold_back: BoolArray
) -> _Watched:
    rule, side, period_s = scenario.rules[kind], SIDES[kind], scenario.tick_period_s
    seen, real = observables.of(kind), observables.truth.of(kind)
    never = np.zeros(len(seen), dtype=np.bool_)
    subjects = range(seen.shape[1])
    courses = [
        _course(TriggerMachine(rule, side), seen[:, one], hold_back[:, one], period_s)
        for one in subjects
    ]
    truths = [
        _course(TriggerMachine(rule, side), real[:, one], never, period_s) for one in subjects
    ]
    suppressed, missed = np.zeros(len(seen), dtype=np.intp), np.zeros(len(seen), dtype=np.intp)
    for course, truth in zip(courses, truths, strict=True):
        np.add.at(suppressed, _beginnings(course.held_back), 1)
        np.add.at(missed, _missed(course, truth), 1)
    return _Watched(
        fired=sorted((tick, one) for one in subjects for tick in courses[one].fired),
        active=np.stack([course.active for course in courses], axis=1),
        holds=np.stack([truth.entered for truth in truths], axis=1),
        suppressed=np.cumsum(suppressed),
        missed=np.cumsum(missed),
    )


def _course(
    machine: TriggerMachine, values: FloatArray, hold_back: BoolArray, period_s: float
) -> _Course:
    """Steps a machine through the ticks at which something can happen."""
    count = len(values)
    fired: list[int] = []
    entered, active, held_back = (np.zeros(count, dtype=np.bool_) for _ in range(3))
    entries = np.flatnonzero(machine.enters(values))
    # Plain lists: single elements of arrays are slow to reach.
    value_at, hold_at = values.tolist(), hold_back.tolist()
    tick = 0
    while (entry := int(np.searchsorted(entries, tick))) < len(entries):
        tick = int(entries[entry])
        within = True
        while within and tick < count:
            if machine.step(tick * period_s, value_at[tick], hold_back=hold_at[tick]):
                fired.append(tick)
            within = machine.entered
            entered[tick], active[tick] = within, machine.active
            held_back[tick] = machine.held_back
            tick += 1
    return _Course(fired, entered, active, held_back)


def _missed(course: _Course, truth: _Course) -> list[int]:
    """Ticks at which a true condition was left that should have fired and never did."""
    answered = course.active | course.held_back
    ends = np.flatnonzero(np.diff(truth.active.astype(np.int8), append=0) == -1)
    found = []
    for begin in truth.fired:
        end = int(ends[np.searchsorted(ends, begin)]) + 1
        if end < len(answered) and not answered[begin:end].any():
            found.append(end)
    return found


def _beginnings(flags: BoolArray) -> IndexArray:
    return np.flatnonzero(flags & ~np.concatenate(([False], flags[:-1])))


def _beams_of(esim_flags: BoolArray, serving_beam: IndexArray, shape: tuple[int, ...]) -> BoolArray:
    """Whether one of the ESIMs that a beam serves is flagged, [T, B]."""
    flags = np.zeros(shape, dtype=np.bool_)
    rows, esims = np.nonzero(esim_flags)
    flags[rows, serving_beam[rows, esims]] = True
    return flags
