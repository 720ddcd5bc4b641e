"""The radio environment of a whole run, computed once from the scenario and its seed.

Everything that decisions cannot change is here, as arrays over all ticks: where the satellite and
the ESIMs are, the weather, the residual Doppler, the stations, the random parts of the channels.
Any tick can therefore be looked at directly, and two runs of a scenario are equal to the last bit.

Axes: T ticks, U ESIMs, B beams.
"""

import datetime as dt
import enum
import math
from dataclasses import dataclass, replace

import numpy as np

from radio_math.beams import BeamShaping, beam_amplitudes
from radio_math.channel import (
    ChannelModel,
    ChannelState,
    LinkGeometry,
    draw_state,
    state_history,
)
from radio_math.context import CARRIERS, ESIMS
from radio_math.doppler import ici_factor
from radio_math.link import from_db
from ran_sim.adversaries import Stations, place_stations
from ran_sim.cells import HOME_CELL, ServiceArea, service_area
from ran_sim.mobility import Track, random_waypoint_track
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.look import Look, look_at
from ran_sim.orbit.passes import Site, highest_culmination, look_from
from ran_sim.orbit.propagation import Propagator
from ran_sim.scenarios import PassScenario
from ran_sim.weather import extra_shadowing_db, rain_attenuation_db

SUBCARRIER_SPACING_HZ = 120e3
"""Numerology 3 of TS 38.211, the one for Ka band."""

MAX_CARRIER_NOISE_DB = 6.0
"""Other systems' signals raise a carrier's noise by 0 to this over thermal noise."""

# The footprint moves over other systems at 7 km/s; their signals rise and fall within a minute.
_MIN_NOISE_PERIOD_S = 40.0
_MAX_NOISE_PERIOD_S = 120.0

# Shadowing decorrelates over some 120 m of road (TR 38.901 table 7.5-6, RMa NLOS), which an ESIM
# covers in about 5 s; rays and reporting errors share the time constant.
CORRELATION_TIME_S = 5.0

# Each ESIM corrects its carrier at the end of an interval drawn from this range, and its oscillator
# keeps 0.1 ppm (TS 38.101-5 6.4) as two standard deviations.
MIN_CORRECTION_INTERVAL_S = 0.6
MAX_CORRECTION_INTERVAL_S = 1.1
OSCILLATOR_SIGMA = 0.05e-6

# Below it the flat atmosphere of the link model no longer holds.
MIN_ELEVATION_DEG = 5.0


class Stream(enum.IntEnum):
    """Independent random streams of a run, so that a new draw in one leaves the others alone."""

    MOBILITY = 1
    CHANNEL = 2
    WEATHER = 3
    STATIONS = 4
    DETECTION = 5
    DOPPLER = 6
    CARRIER_NOISE = 7
    BENCHMARK = 8


def random_stream(seed: int, stream: Stream) -> np.random.Generator:
    """The generator of one stream of a run."""
    return np.random.default_rng([seed, stream])


@dataclass(frozen=True)
class Sight:
    """Satellite and ESIMs relative to each other at T instants: arrays [T, U] and [T, U, B]."""

    look: Look
    link: LinkGeometry


@dataclass(frozen=True)
class Environment:
    """A run's radio environment.

    Attributes:
        start_time: simulated UTC of tick 0.
        offset_s: [T] simulated time since then.
        area: the cells.
        centre_look: [T] the satellite from the centre of the service area.
        now: satellite and ESIMs at each tick.
        reported: satellite and ESIMs `csi_age_s` earlier, which is what reports are made of.
        visible: [T] whether every ESIM has the satellite high enough.
        rain_db: [T, U] zenith attenuation at the ESIMs.
        beam_rain_db: [T, B] zenith attenuation at the cells' centres.
        residual_doppler_hz: [T, U] left after pre-compensation, largest within an interval.
        ici_factor: [T, U] epsilon of the residual Doppler.
        stations: the eavesdroppers.
        detection_statistic: [T, U] what the ESIMs' detectors observe.
        state: [T, ...] random parts of the channels, with rain, shadowing and stations filled in.
        carrier_noise: [T, M] noise over thermal, linear.
        model: constants of the link.
    """

    start_time: dt.datetime
    offset_s: FloatArray
    area: ServiceArea
    centre_look: Look
    now: Sight
    reported: Sight
    visible: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    rain_db: FloatArray
    beam_rain_db: FloatArray
    residual_doppler_hz: FloatArray
    ici_factor: FloatArray
    stations: Stations
    detection_statistic: FloatArray
    state: ChannelState
    carrier_noise: FloatArray
    model: ChannelModel


def build_environment(scenario: PassScenario) -> Environment:
    """The environment of a scenario; the same scenario always gives the same bits.

    Raises:
        FailedPrecondition: the elements are too old or decayed, or the satellite does not rise.
    """
    propagator = Propagator(scenario.elements)
    start = start_time(scenario, propagator)
    offset_s: FloatArray = np.arange(scenario.tick_count, dtype=np.float64) * scenario.tick_period_s
    progress = offset_s / scenario.duration_s
    area = service_area(scenario.latitude_deg, scenario.longitude_deg)
    now, tracks = _sight(scenario, propagator, start, area, offset_s)
    reported, _ = _sight(scenario, propagator, start, area, offset_s - scenario.csi_age_s)
    model = ChannelModel(carrier_hz=scenario.carrier_frequency_hz)
    weather = random_stream(scenario.seed, Stream.WEATHER)
    middles_m = np.stack([track.position_m[len(offset_s) // 2] for track in tracks])
    esims_m = area.offset_m[list(HOME_CELL)] + middles_m
    rain = rain_attenuation_db(
        progress, np.concatenate((esims_m, area.offset_m)), scenario.disturbances, weather
    )
    channel = random_stream(scenario.seed, Stream.CHANNEL)
    first = draw_state(model, (ESIMS,), channel)
    stations = place_stations(
        progress=progress,
        esim_position_m=np.stack([track.position_m for track in tracks], axis=1),
        azimuth_deg=first.eavesdropper_azimuth_deg,
        distance_m=first.eavesdropper_distance_m,
        extra_loss_db=first.eavesdropper_extra_loss_db,
        disturbances=scenario.disturbances,
        rng=random_stream(scenario.seed, Stream.STATIONS),
    )
    residual_hz = _residual_doppler_hz(scenario, now.look)
    return Environment(
        start_time=start,
        offset_s=offset_s,
        area=area,
        centre_look=look_from(propagator, _centre(scenario), start, offset_s),
        now=now,
        reported=reported,
        visible=np.all(now.look.elevation_deg >= MIN_ELEVATION_DEG, axis=-1),
        rain_db=rain[:, :ESIMS],
        beam_rain_db=rain[:, ESIMS:],
        residual_doppler_hz=residual_hz,
        ici_factor=ici_factor(residual_hz, SUBCARRIER_SPACING_HZ),
        stations=stations,
        detection_statistic=stations.detection_statistic(
            random_stream(scenario.seed, Stream.DETECTION)
        ),
        state=_state(
            scenario=scenario,
            progress=progress,
            model=model,
            first=first,
            rain_db=rain[:, :ESIMS],
            stations=stations,
            rng=channel,
        ),
        carrier_noise=_carrier_noise(offset_s, random_stream(scenario.seed, Stream.CARRIER_NOISE)),
        model=model,
    )


def start_time(scenario: PassScenario, propagator: Propagator) -> dt.datetime:
    """Simulated UTC of tick 0: the scenario's, or half the duration before the culmination.

    Raises:
        FailedPrecondition: the elements are too old for it, or the satellite does not rise.
    """
    if scenario.start_time is None:
        epoch = scenario.elements.epoch
        culmination = highest_culmination(
            propagator, _centre(scenario), epoch, epoch + dt.timedelta(days=1)
        )
        # Whole seconds: the start is printed and typed by people.
        start = culmination.time - dt.timedelta(seconds=scenario.duration_s / 2)
        start = start.replace(microsecond=0)
    else:
        start = scenario.start_time
    scenario.elements.check_age(start)
    scenario.elements.check_age(start + dt.timedelta(seconds=scenario.duration_s))
    return start


def _centre(scenario: PassScenario) -> Site:
    return Site(scenario.latitude_deg, scenario.longitude_deg)


def _sight(
    scenario: PassScenario,
    propagator: Propagator,
    start: dt.datetime,
    area: ServiceArea,
    offset_s: FloatArray,
) -> tuple[Sight, list[Track]]:
    mobility = random_stream(scenario.seed, Stream.MOBILITY).spawn(ESIMS)
    tracks = [random_waypoint_track(offset_s, rng) for rng in mobility]
    terminals = area.terminals(tracks)
    satellite = propagator.ephemeris(start, offset_s)
    look = look_at(satellite.position_m[:, None, :], satellite.velocity_m_s[:, None, :], terminals)
    amplitude, gain_db = beam_amplitudes(
        satellite.position_m, terminals.position_m, area.centre_m, BeamShaping.ADAPTIVE
    )
    link = LinkGeometry(
        azimuth_deg=look.azimuth_deg,
        elevation_deg=look.elevation_deg,
        slant_range_m=look.range_m,
        beam_amplitude=amplitude,
        satellite_gain_db=gain_db,
    )
    return Sight(look, link), tracks


def _state(
    *,
    scenario: PassScenario,
    progress: FloatArray,
    model: ChannelModel,
    first: ChannelState,
    rain_db: FloatArray,
    stations: Stations,
    rng: np.random.Generator,
) -> ChannelState:
    rho = math.exp(-scenario.tick_period_s / CORRELATION_TIME_S)
    state = state_history(first, model, rho, len(progress), rng)
    shadowing_db = extra_shadowing_db(progress, ESIMS, scenario.disturbances)
    return replace(
        state,
        rain_db=rain_db,
        shadowing_db=state.shadowing_db + shadowing_db,
        eavesdropper_azimuth_deg=stations.azimuth_deg,
        eavesdropper_distance_m=stations.distance_m,
        eavesdropper_extra_loss_db=np.broadcast_to(stations.extra_loss_db, stations.on.shape),
    )


def _carrier_noise(offset_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Noise of each carrier over thermal noise [T, M], linear: a triangle wave in decibels.

    Its values are spread evenly from 0 dB to the maximum, as those of independent scenarios are.
    """
    period_s = rng.uniform(_MIN_NOISE_PERIOD_S, _MAX_NOISE_PERIOD_S, CARRIERS)
    phase = rng.uniform(0.0, 1.0, CARRIERS)
    cycle = (offset_s[:, None] / period_s + phase) % 1.0
    return from_db(MAX_CARRIER_NOISE_DB * np.abs(2 * cycle - 1))


def _residual_doppler_hz(scenario: PassScenario, look: Look) -> FloatArray:
    """Largest residual Doppler [T, U] in Hz between two corrections of an ESIM.

    The correction is exact when it is made and then grows stale with the Doppler rate, on top of
    the oscillator's own offset.
    """
    rng = random_stream(scenario.seed, Stream.DOPPLER)
    interval_s = rng.uniform(MIN_CORRECTION_INTERVAL_S, MAX_CORRECTION_INTERVAL_S, ESIMS)
    offset_hz = OSCILLATOR_SIGMA * scenario.carrier_frequency_hz * rng.standard_normal(ESIMS)
    drift_hz = look.doppler_rate_hz_s(scenario.carrier_frequency_hz) * interval_s
    return np.abs(drift_hz) + np.abs(offset_hz)
