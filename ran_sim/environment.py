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

from radio_math.attenuation import MIN_ELEVATION_DEG
from radio_math.channel import ChannelModel, ChannelState, draw_state, state_history
from radio_math.context import CARRIERS, ESIMS
from radio_math.doppler import ici_factor, signal_to_ici
from radio_math.link import from_db
from ran_sim.adversaries import Stations, place_stations
from ran_sim.cells import HOME_CELL, ServiceArea, service_area
from ran_sim.csi import csi_age_s, residual_doppler_hz
from ran_sim.handover import BoolArray, IndexArray
from ran_sim.haps import StationKeeping
from ran_sim.mobility import Track, random_waypoint_track
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.look import Look
from ran_sim.orbit.passes import Site, highest_culmination
from ran_sim.orbit.propagation import Propagator
from ran_sim.path_losses import (
    Disturbed,
    LossyPath,
    PathLosses,
    Way,
    reference_path,
    tr38811_path,
)
from ran_sim.propagation import PropagationModel
from ran_sim.scenarios import PassScenario
from ran_sim.sights import Access, Sight, serving_beams
from ran_sim.surroundings import travelled_m
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
    SURROUNDINGS = 9
    MEASUREMENT = 10
    PLATFORM = 11


def random_stream(seed: int, stream: Stream) -> np.random.Generator:
    """The generator of one stream of a run."""
    return np.random.default_rng([seed, stream])


@dataclass(frozen=True)
class Environment:
    """A run's radio environment.

    Attributes:
        start_time: simulated UTC of tick 0.
        offset_s: [T] simulated time since then.
        area: the cells.
        access: what may serve them.
        serving_satellite: [T] index among the scenario's `access_ids`.
        serving_beam: [T, U] index of the beam that serves each ESIM.
        centre_look: [T] the satellite from the centre of the service area.
        now: satellite and ESIMs at each tick.
        csi_age_s: [T] age of what is reported.
        reported: satellite and ESIMs at that age, which is what reports are made of.
        visible: [T] whether every ESIM has the satellite high enough.
        losses: [T, U] what the way takes beside free space.
        line_of_sight: [T, U] whether nothing stands in the way.
        beam_rain_db: [T, B] attenuation by rain over the cells' centres.
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
    access: Access
    serving_satellite: IndexArray
    serving_beam: IndexArray
    centre_look: Look
    now: Sight
    csi_age_s: FloatArray
    reported: Sight
    visible: BoolArray
    losses: PathLosses
    line_of_sight: BoolArray
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
        FailedPrecondition: the elements are too old or decayed, the satellite does not rise, or
            the scenario's atmosphere needs maps that are not installed.
    """
    propagators = [Propagator(elements) for elements in scenario.satellites]
    start = start_time(scenario, propagators[0])
    offset_s: FloatArray = np.arange(scenario.tick_count, dtype=np.float64) * scenario.tick_period_s
    area = service_area(scenario.latitude_deg, scenario.longitude_deg, scenario.beams.cell_radius_m)
    access = Access(
        propagators,
        scenario.beams.beams(),
        start,
        area,
        platform=_station_keeping(scenario),
        platform_worth_deg=(
            scenario.platform.satellite_elevation_deg if scenario.platform else -math.inf
        ),
    )
    serving = access.serving(offset_s, scenario.handover)
    tracks = tracks_at(scenario, offset_s)
    now = access.sight(serving, offset_s, tracks)
    age_s = _csi_age_s(scenario, now)
    earlier_s = offset_s - age_s
    reported = access.sight(serving, earlier_s, tracks_at(scenario, earlier_s))
    ephemeris = access.followed(serving, offset_s)
    channel = random_stream(scenario.seed, Stream.CHANNEL)
    first = draw_state(ChannelModel(carrier_hz=scenario.carrier_frequency_hz), (ESIMS,), channel)
    position_m = np.stack([track.position_m for track in tracks], axis=1)
    stations = place_stations(
        progress=offset_s / scenario.duration_s,
        esim_position_m=position_m,
        azimuth_deg=first.eavesdropper_azimuth_deg,
        distance_m=first.eavesdropper_distance_m,
        extra_loss_db=first.eavesdropper_extra_loss_db,
        disturbances=scenario.disturbances,
        position_error_m=scenario.knowledge.station_error_m,
        rng=random_stream(scenario.seed, Stream.STATIONS),
    )
    path = _path(
        scenario,
        state=state_history(
            first,
            ChannelModel(carrier_hz=scenario.carrier_frequency_hz),
            math.exp(-scenario.tick_period_s / CORRELATION_TIME_S),
            len(offset_s),
            channel,
        ),
        way=_way(
            area,
            position_m,
            offset_s,
            now,
            area.elevation_deg(ephemeris),
            crosses_ionosphere=serving < len(propagators),
        ),
    )
    residual_hz = residual_doppler_hz(
        now.look.doppler_rate_hz_s(scenario.carrier_frequency_hz),
        now.satellite_speed_m_s,
        scenario.carrier_frequency_hz,
        scenario.knowledge.ephemeris_error_m,
        random_stream(scenario.seed, Stream.DOPPLER),
    )
    return Environment(
        start_time=start,
        offset_s=offset_s,
        area=area,
        access=access,
        serving_satellite=serving,
        serving_beam=serving_beams(
            now, np.array(HOME_CELL), scenario.tick_period_s, scenario.handover
        ),
        centre_look=access.centre_look(serving, offset_s),
        now=now,
        csi_age_s=age_s,
        reported=reported,
        visible=np.all(now.look.elevation_deg >= MIN_ELEVATION_DEG, axis=-1),
        losses=path.losses,
        line_of_sight=path.line_of_sight,
        beam_rain_db=path.beam_rain_db,
        residual_doppler_hz=residual_hz,
        ici_factor=interference_factor(scenario, residual_hz),
        stations=stations,
        detection_statistic=stations.detection_statistic(
            scenario.knowledge.detector_deflection, random_stream(scenario.seed, Stream.DETECTION)
        ),
        state=replace(
            path.state,
            eavesdropper_azimuth_deg=stations.azimuth_deg,
            eavesdropper_distance_m=stations.distance_m,
            eavesdropper_extra_loss_db=np.broadcast_to(stations.extra_loss_db, stations.on.shape),
        ),
        carrier_noise=_carrier_noise(offset_s, random_stream(scenario.seed, Stream.CARRIER_NOISE)),
        model=path.model,
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
    end = start + dt.timedelta(seconds=scenario.duration_s)
    for elements in scenario.satellites:
        elements.check_age(start)
        elements.check_age(end)
    return start


def _centre(scenario: PassScenario) -> Site:
    return Site(scenario.latitude_deg, scenario.longitude_deg)


def tracks_at(scenario: PassScenario, offset_s: FloatArray) -> list[Track]:
    """The ways of the ESIMs of a run, at instants [T]."""
    mobility = random_stream(scenario.seed, Stream.MOBILITY).spawn(ESIMS)
    return [random_waypoint_track(offset_s, rng, scenario.beams.cell_radius_m) for rng in mobility]


def _station_keeping(scenario: PassScenario) -> StationKeeping | None:
    if scenario.platform is None:
        return None
    rng = random_stream(scenario.seed, Stream.PLATFORM)
    return StationKeeping.drawn(scenario.platform.platform, rng)


def _csi_age_s(scenario: PassScenario, now: Sight) -> FloatArray:
    delay_s = scenario.knowledge.processing_delay_s
    if delay_s is None:
        return np.full(len(now.satellite_speed_m_s), scenario.csi_age_s)
    return csi_age_s(now.look.range_m, delay_s)


def interference_factor(scenario: PassScenario, residual_hz: FloatArray) -> FloatArray:
    """Epsilon of the decision problem, which the reference problem takes to second order."""
    if scenario.propagation.model is PropagationModel.REFERENCE:
        return ici_factor(residual_hz, SUBCARRIER_SPACING_HZ)
    return 1 / signal_to_ici(residual_hz, SUBCARRIER_SPACING_HZ)


def _way(
    area: ServiceArea,
    position_m: FloatArray,
    offset_s: FloatArray,
    now: Sight,
    cell_elevation_deg: FloatArray,
    *,
    crosses_ionosphere: BoolArray,
) -> Way:
    esims_m = area.offset_m[list(HOME_CELL)] + position_m
    cells_m = np.broadcast_to(area.offset_m, (len(offset_s), *area.offset_m.shape))
    places_m = np.concatenate((esims_m, cells_m), axis=1)
    latitude, longitude = area.at(places_m[len(offset_s) // 2])
    return Way(
        offset_s=offset_s,
        elevation_deg=np.concatenate((now.look.elevation_deg, cell_elevation_deg), axis=1),
        latitude_deg=latitude,
        longitude_deg=longitude,
        position_m=places_m,
        travelled_m=travelled_m(position_m),
        crosses_ionosphere=crosses_ionosphere,
    )


def _path(scenario: PassScenario, *, state: ChannelState, way: Way) -> LossyPath:
    progress = way.offset_s / scenario.duration_s
    model = ChannelModel(carrier_hz=scenario.carrier_frequency_hz)
    disturbed = Disturbed(
        front_db=rain_attenuation_db(
            progress,
            way.position_m[len(progress) // 2],
            scenario.disturbances,
            random_stream(scenario.seed, Stream.WEATHER),
        ),
        shadowing_db=extra_shadowing_db(progress, ESIMS, scenario.disturbances),
    )
    if scenario.propagation.model is PropagationModel.REFERENCE:
        return reference_path(way, model, state, disturbed)
    surroundings = random_stream(scenario.seed, Stream.SURROUNDINGS)
    return tr38811_path(
        way, model, state, disturbed, propagation=scenario.propagation, rng=surroundings
    )


def _carrier_noise(offset_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Noise of each carrier over thermal noise [T, M], linear: a triangle wave in decibels.

    Its values are spread evenly from 0 dB to the maximum, as those of independent scenarios are.
    """
    period_s = rng.uniform(_MIN_NOISE_PERIOD_S, _MAX_NOISE_PERIOD_S, CARRIERS)
    phase = rng.uniform(0.0, 1.0, CARRIERS)
    cycle = (offset_s[:, None] / period_s + phase) % 1.0
    return from_db(MAX_CARRIER_NOISE_DB * np.abs(2 * cycle - 1))
