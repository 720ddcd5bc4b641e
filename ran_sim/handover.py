"""Handover: which beam and which satellite serve, and while which handover triggers are held back.

One rule serves both (TS 38.331 5.5.4.4, event A3): a candidate that has been better than the
serving one by a hysteresis for the time-to-trigger takes over; a serving one that is gone is
replaced at once.

Axes: T ticks, K subjects that are served, C candidates.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ran_sim.orbit.frames import FloatArray
from ran_sim.ranges import check_range

IndexArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HandoverRule:
    """When the serving beam or satellite changes.

    Attributes:
        beam_hysteresis_db: a beam must be stronger than the serving one by this much,
        beam_time_to_trigger_s: for this long.
        satellite_hysteresis_deg: a satellite must stand higher than the serving one by this much.
        satellite_minimum_time_s: a satellite serves at least this long, unless it sets.
        suppression_s: no trigger of the ESIM or beam fires for this long after its handover.
    """

    beam_hysteresis_db: float = 3.0
    beam_time_to_trigger_s: float = 1.0
    satellite_hysteresis_deg: float = 5.0
    satellite_minimum_time_s: float = 10.0
    suppression_s: float = 3.0

    def __post_init__(self) -> None:
        for name, value, maximum in (
            ("beam_hysteresis_db", self.beam_hysteresis_db, 60.0),
            ("beam_time_to_trigger", self.beam_time_to_trigger_s, 3600.0),
            ("satellite_hysteresis_deg", self.satellite_hysteresis_deg, 90.0),
            ("satellite_minimum_time", self.satellite_minimum_time_s, 3600.0),
            ("suppression", self.suppression_s, 3600.0),
        ):
            check_range(f"handover.{name}", value, 0.0, maximum)


def serving(
    quality: FloatArray,
    hysteresis: float,
    tick_period_s: float,
    *,
    time_to_trigger_s: float = 0.0,
    minimum_time_s: float = 0.0,
) -> IndexArray:
    """Index of the serving candidate of each subject at each tick, [T, K].

    Args:
        quality: [T, K, C]; minus infinity where a candidate cannot serve.
        hysteresis: in the unit of the quality.
        tick_period_s: time between two ticks.
        time_to_trigger_s: how long one and the same candidate must be the best and better than
            the serving one by more than the hysteresis.
        minimum_time_s: a candidate that can serve is kept at least this long.

    Source: TS 38.331 5.5.4.4.
    Not modelled: failed handovers, the interruption of user traffic.
    """
    tick_count, subjects, _ = quality.shape
    rows = np.arange(subjects)
    best_of_all = np.argmax(quality, axis=-1)
    best_quality = np.take_along_axis(quality, best_of_all[..., None], axis=-1)[..., 0]
    to_trigger = _ticks(time_to_trigger_s, tick_period_s)
    minimum = _ticks(minimum_time_s, tick_period_s)
    chosen = np.empty((tick_count, subjects), dtype=np.intp)
    current = best_of_all[0]
    rival = current
    held = np.zeros(subjects, dtype=np.intp)
    # Whoever serves first may be left at once: nobody knows how long it has served before.
    served = np.full(subjects, minimum, dtype=np.intp)
    for tick in range(tick_count):
        best = best_of_all[tick]
        mine = quality[tick, rows, current]
        better = (best != current) & (best_quality[tick] > mine + hysteresis)
        held = np.where(better, np.where(best == rival, held + 1, 0), 0)
        rival = np.where(better, best, current)
        gone = np.isneginf(mine) & ~np.isneginf(best_quality[tick])
        leaves = gone | (better & (held >= to_trigger) & (served >= minimum))
        current = np.where(leaves, best, current)
        held = np.where(leaves, 0, held)
        served = np.where(leaves, 0, served) + 1
        chosen[tick] = current
    return chosen


def changes(chosen: IndexArray) -> BoolArray:
    """Whether the serving candidate of a subject is another one than at the tick before, [T, K]."""
    changed = np.zeros(chosen.shape, dtype=np.bool_)
    changed[1:] = chosen[1:] != chosen[:-1]
    return changed


def within(changed: BoolArray, window_s: float, tick_period_s: float) -> BoolArray:
    """Whether a change lies less than a window back, [T, K]; the tick of the change included."""
    window = max(_ticks(window_s, tick_period_s), 0)
    ticks = np.arange(len(changed))[:, None]
    last = np.maximum.accumulate(np.where(changed, ticks, -window - 1), axis=0)
    return np.asarray(ticks - last < window)


def _ticks(span_s: float, tick_period_s: float) -> int:
    # Spans are seldom whole numbers of periods in binary.
    return math.ceil(round(span_s / tick_period_s, 9))
