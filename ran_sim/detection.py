"""Detecting a hidden eavesdropper: a shift of a Gaussian statistic, with its two kinds of error.

Each ESIM's detector gives one number a tick: unit normal noise, plus the deflection
`d = d_1 / sqrt(distance / 1 km)` while a hidden station is on. A look is positive above the
threshold x. One look

    gives a false alarm with probability  P_fa = Q(x),
    misses a station at deflection d with P_md = Q(d - x),

with Q the tail of the normal distribution. A trigger that must last n further ticks, leaving only
below x - h (hysteresis), is a false alarm with probability Q(x) Q(x - h)^n from a given tick on.

Source: Kay 1998 3.3.
Not modelled: where the observation comes from. A receiver's oscillator leaks too little to be
heard at these distances; the detector stands for whatever monitoring has this quality.
"""

import math
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import TriggerRule

_M_PER_KM = 1e3


def deflection(distance_m: Any, at_1_km: float) -> FloatArray:
    """Mean of the statistic while a station at this distance is on, in standard deviations.

    d_1 / sqrt(distance / 1 km). Source: Kay 1998 3.3. Not modelled: as the module says.
    """
    return np.asarray(at_1_km / np.sqrt(np.asarray(distance_m, dtype=np.float64) / _M_PER_KM))


def distance_km(statistic: float, at_1_km: float) -> float:
    """Distance of a station that a statistic speaks for, in km.

    A false alarm under a tiny threshold must not be infinitely far away: a statistic below one
    standard deviation counts as one.
    """
    return (at_1_km / max(statistic, 1.0)) ** 2


def false_alarm_probability(threshold: Any) -> FloatArray:
    """Probability Q(x) that a look is positive without a station. Source: Kay 1998 3.3."""
    return np.asarray(ndtr(-np.asarray(threshold, dtype=np.float64)))


def miss_probability(threshold: Any, deflection_sigma: Any) -> FloatArray:
    """Probability Q(d - x) that a look at a station is negative. Source: Kay 1998 3.3."""
    return np.asarray(ndtr(np.asarray(threshold, dtype=np.float64) - deflection_sigma))


def threshold_for(probability: float) -> float:
    """Threshold whose false-alarm probability a look is this. Source: Kay 1998 3.3."""
    return float(-ndtri(probability))


def trigger_false_alarm_probability(rule: TriggerRule, tick_period_s: float) -> float:
    """Probability that a false alarm of a trigger begins at a given tick of a quiet detector.

    The look passes the threshold and the following ones of the time-to-trigger do not fall below
    it by more than the hysteresis. Source: Kay 1998 3.3.
    """
    further_looks = math.ceil(round(rule.time_to_trigger_s / tick_period_s, 9))
    stays = false_alarm_probability(rule.threshold - rule.hysteresis)
    return float(false_alarm_probability(rule.threshold) * stays**further_looks)


def statistics(shift: FloatArray, rng: np.random.Generator) -> FloatArray:
    """What detectors observe: a shift, 0 without a station, plus unit normal noise.

    Source: Kay 1998 3.3. Not modelled: as the module says.
    """
    return np.asarray(shift + rng.standard_normal(shift.shape))
