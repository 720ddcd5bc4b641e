"""Where satellite and ESIMs will be when a decision takes effect, as far as can be known now."""

from dataclasses import dataclass

import numpy as np

from radio_math.channel import LinkGeometry
from ran_sim.csi import residual_doppler_hz
from ran_sim.environment import (
    Environment,
    Stream,
    interference_factor,
    random_stream,
    tracks_at,
)
from ran_sim.mobility import Track
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import PassScenario

MAX_HORIZON_S = 60.0
"""A vehicle covers some 2 km in it, a hundredth of its cell; its course is not known for longer."""


@dataclass(frozen=True)
class Foreseen:
    """What the orbit tells of one instant: arrays [1, U] and [1, U, B].

    Attributes:
        link: what the channel takes of satellite and ESIMs.
        ici_factor: epsilon of the residual Doppler.
        lowest_deg: elevation for the ESIM that sees the satellite lowest.
    """

    link: LinkGeometry
    ici_factor: FloatArray
    lowest_deg: float


def foresee(
    scenario: PassScenario, environment: Environment, tick: int, horizon_s: float
) -> Foreseen:
    """Geometry and Doppler some time after a tick.

    The satellite follows its orbit, and which satellite serves follows from all their orbits. ESIMs
    go on from where they were reported, as they went. A platform wanders by no orbit: it stays
    where it was reported.

    Args:
        scenario: of the run.
        environment: of the run.
        tick: now.
        horizon_s: from now.

    Source: Vallado 2006 (the orbit).
    Not modelled: errors of the predicted orbit beyond those of the ephemeris that the ESIMs have.
    """
    now_s = float(environment.offset_s[tick])
    reported_s = now_s - float(environment.csi_age_s[tick])
    then = min(tick + round(horizon_s / scenario.tick_period_s), len(environment.offset_s) - 1)
    serving = environment.serving_satellite[[then]]
    by_platform = bool(serving[0] == len(scenario.satellites))
    at_s = np.array([reported_s if by_platform else now_s + horizon_s])
    ahead_s = float(at_s[0]) - reported_s
    tracks = [
        Track(track.position_m[:1] + ahead_s * track.velocity_m_s[:1], track.velocity_m_s[:1])
        for track in tracks_at(scenario, np.array([reported_s, now_s]))
    ]
    sight = environment.access.sight(serving, at_s, tracks)
    residual_hz = residual_doppler_hz(
        sight.look.doppler_rate_hz_s(scenario.carrier_frequency_hz),
        sight.satellite_speed_m_s,
        scenario.carrier_frequency_hz,
        scenario.knowledge.ephemeris_error_m,
        random_stream(scenario.seed, Stream.DOPPLER),
    )
    return Foreseen(
        link=sight.link,
        ici_factor=interference_factor(scenario, residual_hz),
        lowest_deg=float(sight.look.elevation_deg.min()),
    )
