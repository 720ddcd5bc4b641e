"""How well the network knows what it decides on: age of the reports, measurement, residual Doppler.

The defaults of `Knowledge` are those of the reference problem.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from radio_math.link import SPEED_OF_LIGHT_MPS
from ran_sim.orbit.frames import FloatArray
from ran_sim.ranges import check_range

DEFAULT_DETECTOR_DEFLECTION = 40.0

# Each ESIM corrects its carrier at the end of an interval drawn from this range, and its oscillator
# keeps 0.1 ppm (TS 38.101-5 6.4) as two standard deviations.
MIN_CORRECTION_INTERVAL_S = 0.6
MAX_CORRECTION_INTERVAL_S = 1.1
OSCILLATOR_SIGMA = 0.05e-6


@dataclass(frozen=True)
class Knowledge:
    """What is uncertain about the network's view of its radio environment.

    Attributes:
        processing_delay_s: time that a channel report takes at both ends; with it, reports are as
            old as this and the longest one-way propagation delay together. None: the constant
            `csi_age_s` of the scenario.
        sinr_error_db: standard deviation of a measured SINR or SINR loss.
        ephemeris_error_m: standard deviation of the satellite's along-track position as the ESIMs
            compute it for their Doppler pre-compensation.
        station_error_m: standard deviation of a station's reported position on either axis.
        detector_deflection: mean detection statistic of a hidden station 1 km away.
    """

    processing_delay_s: float | None = None
    sinr_error_db: float = 0.0
    ephemeris_error_m: float = 0.0
    station_error_m: float = 0.0
    detector_deflection: float = DEFAULT_DETECTOR_DEFLECTION

    def __post_init__(self) -> None:
        if self.processing_delay_s is not None:
            check_range("knowledge.processing_delay", self.processing_delay_s, 0.0, 10.0)
        check_range("knowledge.sinr_error_db", self.sinr_error_db, 0.0, 10.0)
        check_range("knowledge.ephemeris_error_m", self.ephemeris_error_m, 0.0, 1e6)
        check_range("knowledge.station_error_m", self.station_error_m, 0.0, 50e3)
        check_range("knowledge.detector_deflection", self.detector_deflection, 0.0, 1e3)


def csi_age_s(slant_range_m: FloatArray, processing_delay_s: float) -> FloatArray:
    """Age [T] of a joint report: `max_u range_u / c` plus the processing at both ends.

    Args:
        slant_range_m: [T, U]; the last report to arrive decides.
        processing_delay_s: at both ends together.

    Source: TR 38.811 5.3.4.1.
    Not modelled: the feeder link and the interval between two reports.
    """
    return np.asarray(slant_range_m.max(axis=-1) / SPEED_OF_LIGHT_MPS + processing_delay_s)


def residual_doppler_hz(
    doppler_rate_hz_s: FloatArray,
    satellite_speed_m_s: FloatArray,
    carrier_hz: float,
    ephemeris_error_m: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Largest residual Doppler [T, U] in Hz between two corrections of an ESIM.

    `|rate| interval + |rate| |delta| / v + |offset|`: a correction grows stale with the Doppler
    rate; an along-track error delta shifts the computed Doppler curve by delta / v in time; the
    oscillator's own offset is never seen.

    Args:
        doppler_rate_hz_s: [T, U].
        satellite_speed_m_s: [T].
        carrier_hz: carrier frequency.
        ephemeris_error_m: standard deviation of delta, one draw an ESIM.
        rng: draws intervals, oscillators, then ephemeris errors.

    Source: TS 38.101-5 6.4 (0.1 ppm); TR 38.811 6.7.1.
    Not modelled: cross-track and radial errors, what a phase-locked loop tracks in between.
    """
    esims = doppler_rate_hz_s.shape[-1]
    interval_s = rng.uniform(MIN_CORRECTION_INTERVAL_S, MAX_CORRECTION_INTERVAL_S, esims)
    offset_hz = OSCILLATOR_SIGMA * carrier_hz * rng.standard_normal(esims)
    along_m = ephemeris_error_m * rng.standard_normal(esims)
    stale_s = interval_s + np.abs(along_m) / satellite_speed_m_s[:, None]
    return np.asarray(np.abs(doppler_rate_hz_s) * stale_s + np.abs(offset_hz))


def measured(true_value: FloatArray, sigma: Any, rng: np.random.Generator) -> FloatArray:
    """A quantity as it is measured: the truth plus an independent Gaussian error a tick.

    Source: Kay 1998 3.3. Not modelled: bias, errors that last longer than a tick.
    """
    return np.asarray(true_value + sigma * rng.standard_normal(true_value.shape))
