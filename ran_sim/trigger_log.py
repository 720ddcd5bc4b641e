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
    """Steps every rule through the run, once.

    Args:
        scenario: its rules.
        observables: what is measured, and what is true.
        serving_beam: [T, U] beam of each ESIM.
        esim_handover: [T, U] whether triggers of an ESIM are held back by a handover; a beam's
            are while one of its ESIMs' are.
    """
    beam_handover = np.zeros(observables.beam_sinr_db.shape, dtype=np.bool_)
    rows, esims = np.nonzero(esim_handover)
    beam_handover[rows, serving_beam[rows, esims]] = True
    watches = {
        kind: _Watch(
            scenario,
            kind,
            measured=observables.of(kind),
            true=observables.truth.of(kind),
            hold_back=beam_handover if kind is TriggerKind.BEAM_QUALITY_DEGRADED else esim_handover,
        )
        for kind in TriggerKind
    }
    detectors = watches[TriggerKind.EAVESDROPPER_DETECTED]
    detected = np.zeros(serving_beam.shape, dtype=np.bool_)
    by_tick = []
    for tick in range(scenario.tick_count):
        by_tick.append(
            tuple(
                Trigger(
                    kind=kind,
                    sequence=sequence,
                    tick=tick,
                    beam=subject
                    if kind is TriggerKind.BEAM_QUALITY_DEGRADED
                    else int(serving_beam[tick, subject]),
                    esim=None if kind is TriggerKind.BEAM_QUALITY_DEGRADED else subject,
                    value=value,
                )
                for kind, watch in watches.items()
                for sequence, subject, value in watch.step(tick)
            )
        )
        detected[tick] = detectors.active
    return TriggerLog(
        by_tick=by_tick,
        detected=detected,
        holds={kind: watch.holds for kind, watch in watches.items()},
        suppressed={kind: watch.suppressed for kind, watch in watches.items()},
        missed={kind: watch.missed for kind, watch in watches.items()},
    )


class _Watch:
    """One kind of trigger over all its subjects, measured and true side by side."""

    def __init__(
        self,
        scenario: PassScenario,
        kind: TriggerKind,
        *,
        measured: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
        true: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
        hold_back: BoolArray,
    ) -> None:
        subjects = measured.shape[1]
        rule, side = scenario.rules[kind], SIDES[kind]
        self._period_s = scenario.tick_period_s
        # Plain lists: single elements of arrays are slow to reach.
        self._measured, self._true = measured.tolist(), true.tolist()
        self._hold_back = hold_back.tolist()
        self._machines = [TriggerMachine(rule, side) for _ in range(subjects)]
        self._truths = [TriggerMachine(rule, side) for _ in range(subjects)]
        self._unreported = [False] * subjects
        self._sequence = 0
        self.holds = np.zeros(measured.shape, dtype=np.bool_)
        self.suppressed = np.zeros(len(measured), dtype=np.intp)
        self.missed = np.zeros(len(measured), dtype=np.intp)

    @property
    def active(self) -> list[bool]:
        """Whether each subject's condition was reported and has not been left since."""
        return [machine.active for machine in self._machines]

    def step(self, tick: int) -> list[tuple[int, int, float]]:
        """Sequence number, subject and value of everything that fires at the next tick."""
        time_s = tick * self._period_s
        fired = []
        suppressed = missed = 0
        rows = zip(
            self._machines,
            self._truths,
            self._measured[tick],
            self._true[tick],
            self._hold_back[tick],
            strict=True,
        )
        for subject, (machine, truth, value, true_value, hold_back) in enumerate(rows):
            was_held_back = machine.held_back
            if machine.step(time_s, value, hold_back=hold_back):
                self._sequence += 1
                fired.append((self._sequence, subject, value))
            suppressed += machine.held_back and not was_held_back
            if truth.step(time_s, true_value):
                self._unreported[subject] = True
            if machine.active or machine.held_back:
                self._unreported[subject] = False
            elif self._unreported[subject] and not truth.active:
                self._unreported[subject] = False
                missed += 1
            self.holds[tick, subject] = truth.entered
        before = tick - 1 if tick else 0
        self.suppressed[tick] = self.suppressed[before] + suppressed
        self.missed[tick] = self.missed[before] + missed
        return fired
