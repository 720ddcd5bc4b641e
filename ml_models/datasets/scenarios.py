"""Independent scenarios: where everybody stands, what the channel is, what is reported of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.workers import results
from radio_math.beams import BeamShaping, hexagonal_cells, points_in_cell
from radio_math.channel import (
    ChannelModel,
    ChannelState,
    ContextPair,
    LinkGeometry,
    context_pair,
    draw_state,
    link_geometry,
)
from radio_math.context import CARRIERS, ESIMS, ContextError, RadioContext
from radio_math.doppler import doppler_shift_hz, ici_factor
from radio_math.link import EARTH_RADIUS_M, Floats, from_db, slant_range_m

REFERENCE_ALTITUDE_M = 600e3
_CHUNK = 32  # scenarios drawn together: bounds the memory of their arrays
_CHUNKS_PER_TASK = 8  # of a worker process
_ABSENT_LOSS_DB = 200.0  # of a station that is not there
_RAIN_PATCHINESS = 0.4  # rain over an area falls from 0.6 to 1.4 of its mean
_EARTH_GRAVITY_M3_S2 = 3.986004418e14
_OSCILLATOR_SIGMA = 0.05e-6  # 0.1 ppm of TS 38.101-5 6.4 as two standard deviations
_SUBCARRIER_SPACING_HZ = 120e3  # numerology 3 of TS 38.211


@dataclass(frozen=True)
class ScenarioProfile:
    """The distribution that scenarios are drawn from.

    Attributes:
        geometry: "reference" puts the satellite at 600 km over the service area, off by a
            Gaussian of 60 km an axis (cut at two sigma), with beams of one fixed width; rain and
            residual Doppler come to each ESIM by itself. "pass" is an instant of a pass: altitude
            and elevation of the service area's centre uniform in their ranges, any azimuth, beams
            shaped to their cells; residual Doppler follows from the orbit, an ESIM may know of
            its first station only, and there may be a rain front. "mixed" draws one or the other
            with equal odds for each scenario.
        min_altitude_m, max_altitude_m: range of altitudes of "pass".
        min_elevation_deg, max_elevation_deg: elevation of the area's centre in "pass".
        min_power_dbw, max_power_dbw: total power, uniform in dBW.
        max_doppler_residual: in "reference", residual Doppler over subcarrier spacing, uniform
            from 0.
        min_correction_interval_s, max_correction_interval_s: in "pass", time between an ESIM's
            Doppler corrections, during which the residual grows with the Doppler rate.
        max_carrier_noise_db: noise of a carrier over thermal, uniform from 0 in dB.
        front_probability: in "pass", that a rain front stands over the area, on top of the showers
            of `channel`; 0 leaves fronts to retraining.
        front_mean_db: mean zenith attenuation of a front, exponential [dB].
        absent_probability: in "pass", that a station beyond an ESIM's first is not there.
        channel: link constants and statistics: rain, shadowing, eavesdroppers and reporting
            errors are specialised here.
    """

    geometry: str = "reference"
    min_altitude_m: float = 500e3
    max_altitude_m: float = 620e3
    min_elevation_deg: float = 20.0
    max_elevation_deg: float = 90.0
    min_power_dbw: float = 0.0
    max_power_dbw: float = 25.0
    max_doppler_residual: float = 0.06
    min_correction_interval_s: float = 0.6
    max_correction_interval_s: float = 1.1
    max_carrier_noise_db: float = 6.0
    front_probability: float = 0.0
    front_mean_db: float = 6.0
    absent_probability: float = 0.5
    channel: ChannelModel = field(default_factory=ChannelModel)

    def __post_init__(self) -> None:
        if self.geometry not in {"reference", "pass", "mixed"}:
            raise ContextError(
                f"geometry is {self.geometry!r}; a profile knows reference, pass and mixed"
            )
        for low, high in (
            ("min_altitude_m", "max_altitude_m"),
            ("min_elevation_deg", "max_elevation_deg"),
            ("min_power_dbw", "max_power_dbw"),
            ("min_correction_interval_s", "max_correction_interval_s"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ContextError(f"{low} is above {high}; give a range that is not empty")


@dataclass(frozen=True)
class ServiceArea:
    """How many share an area: ESIMs, and beams as rows and columns of hexagonal cells.

    Attributes:
        esims, rows, columns: the numbers.
        relative_beam_width: of the satellite's antenna; no profile has another than 1.
    """

    esims: int = ESIMS
    rows: int = 2
    columns: int = 4
    relative_beam_width: float = 1.0


class Split(StrEnum):
    """What scenarios are for. A seed means different scenarios in each, whatever the seed."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"

    def seed(self, seed: int, block: int = 0) -> tuple[int, int, int]:
        """The seed of a block of scenarios, for `draw_scenarios`.

        A bare integer is no seed of its own beside these: numpy pads seeds with zeros, so that 7,
        (7, 0) and (7, 0, 0) all name the first block of training scenarios of seed 7.

        Raises:
            ContextError: the seed is negative or does not fit 32 bits.
        """
        if not 0 <= seed < 2**32:
            raise ContextError(f"{seed} is no seed; give one from 0 to 4294967295")
        return seed, block, list(Split).index(self)


_USUAL_AREA = ServiceArea()


def draw_scenarios(
    profile: ScenarioProfile,
    count: int,
    seed: int | tuple[int, ...],
    *,
    processes: int = 1,
    contexts: Callable[..., ContextPair] = context_pair,
    area: ServiceArea = _USUAL_AREA,
) -> ContextPair:
    """True and estimated contexts of `count` independent scenarios, batch axis first.

    The same arguments give the same numbers, for any number of worker processes. `Split.seed`
    keeps scenarios of training, validation and test apart. A core draws some 180 a second.

    Args:
        profile: the distribution.
        count: scenarios.
        seed: of the scenarios.
        processes: worker processes.
        contexts: makes contexts of geometry, state and model as `context_pair` does; others ask
            what is known of the same situations otherwise. Several processes must be able to
            pickle it.
        area: with other numbers than the reference problem's it has other draws.

    Raises:
        ContextError: count is below one.
    """
    if count < 1:
        raise ContextError(f"{count} scenarios asked for; draw at least one")
    starts = range(0, count, _CHUNK)
    streams = np.random.SeedSequence(seed).spawn(len(starts))
    sizes = [min(_CHUNK, count - start) for start in starts]
    wanted = list(zip(sizes, streams, strict=True))
    tasks = [
        wanted[first : first + _CHUNKS_PER_TASK]
        for first in range(0, len(wanted), _CHUNKS_PER_TASK)
    ]
    drawn = dict(results(partial(_draw_chunks, profile, area, contexts), tasks, processes))
    chunks = [chunk for number in range(len(tasks)) for chunk in drawn[number]]
    return ContextPair(
        true=concatenate([chunk.true for chunk in chunks]),
        estimated=concatenate([chunk.estimated for chunk in chunks]),
    )


def concatenate(contexts: list[RadioContext]) -> RadioContext:
    """Batches of contexts as one batch."""
    return RadioContext(
        **{
            item.name: np.concatenate([np.asarray(getattr(one, item.name)) for one in contexts])
            for item in fields(RadioContext)
        }
    )


def select(context: RadioContext, rows: slice | npt.NDArray[Any]) -> RadioContext:
    """The chosen rows of a batch of contexts."""
    return RadioContext(
        **{item.name: getattr(context, item.name)[rows] for item in fields(RadioContext)}
    )


def at_power(context: RadioContext, power_dbw: float) -> RadioContext:
    """The same contexts with every power budget replaced."""
    budget = np.full_like(np.asarray(context.power_budget_w), float(from_db(power_dbw)))
    values = {item.name: getattr(context, item.name) for item in fields(RadioContext)}
    return RadioContext(**{**values, "power_budget_w": budget})


def _draw_chunks(
    profile: ScenarioProfile,
    area: ServiceArea,
    contexts: Callable[..., ContextPair],
    wanted: list[tuple[int, np.random.SeedSequence]],
) -> list[ContextPair]:
    return [
        _draw_chunk(profile, area, count, np.random.default_rng(stream), contexts)
        for count, stream in wanted
    ]


def _draw_chunk(
    profile: ScenarioProfile,
    area: ServiceArea,
    count: int,
    rng: np.random.Generator,
    contexts: Callable[..., ContextPair],
) -> ContextPair:
    on_pass = np.full(count, profile.geometry == "pass")
    if profile.geometry == "mixed":
        on_pass = rng.integers(0, 2, count) == 0
    satellite = np.where(
        on_pass[:, None],
        _satellite_on_pass(profile, count, rng),
        _satellite_overhead(count, rng),
    )
    cells = hexagonal_cells(area.rows, area.columns)
    own_cell = rng.integers(0, len(cells), (count, area.esims))
    offset = cells[own_cell] + points_in_cell((count, area.esims), rng)
    residual = np.where(
        on_pass[:, None],
        _residual_on_pass(profile, satellite, _on_sphere(offset), rng),
        rng.uniform(0, profile.max_doppler_residual, (count, area.esims)),
    )
    noise_db = rng.uniform(0, profile.max_carrier_noise_db, (count, CARRIERS))
    power_dbw = rng.uniform(profile.min_power_dbw, profile.max_power_dbw, count)
    state = draw_state(profile.channel, (count, area.esims), rng)
    common = _on_pass(profile, state, rng)
    state = replace(
        state,
        rain_db=_where(on_pass, common.rain_db, state.rain_db),
        eavesdropper_extra_loss_db=_where(
            on_pass, common.eavesdropper_extra_loss_db, state.eavesdropper_extra_loss_db
        ),
    )
    shaped = [
        _geometry(satellite, offset, cells, shaping, area.relative_beam_width)
        for shaping in (BeamShaping.FIXED, BeamShaping.ADAPTIVE)
    ]
    geometry = LinkGeometry(
        **{
            item.name: _where(on_pass, getattr(shaped[1], item.name), getattr(shaped[0], item.name))
            for item in fields(LinkGeometry)
        }
    )
    return contexts(
        geometry,
        state,
        profile.channel,
        ici_factor=ici_factor(residual, 1.0),
        carrier_noise=from_db(noise_db),
        power_budget_w=from_db(power_dbw),
    )


def _residual_on_pass(
    profile: ScenarioProfile, satellite_m: Floats, esim_m: Floats, rng: np.random.Generator
) -> Floats:
    """Residual Doppler over subcarrier spacing [N, U] just before each ESIM's next correction.

    It grows with the Doppler rate f/c d2r/dt2 of a circular orbit, in a random direction over
    ground, for the ESIM's correction interval; its oscillator's own offset comes on top.
    Not modelled: the earth's rotation.
    """
    count = len(satellite_m)
    radius = np.linalg.norm(satellite_m, axis=-1, keepdims=True)
    up = satellite_m / radius
    sideways = np.cross(up, rng.standard_normal((count, 3)))
    speed = np.sqrt(_EARTH_GRAVITY_M3_S2 / radius)
    velocity = speed * sideways / np.linalg.norm(sideways, axis=-1, keepdims=True)
    pull = -(speed**2) / radius * up
    offset = satellite_m[:, None, :] - esim_m  # [N, U, 3]
    distance = np.linalg.norm(offset, axis=-1)
    range_rate = np.sum(offset * velocity[:, None, :], axis=-1) / distance
    range_acceleration = (
        speed**2 + np.sum(offset * pull[:, None, :], axis=-1) - range_rate**2
    ) / distance
    rate_hz_s = doppler_shift_hz(range_acceleration, profile.channel.carrier_hz)
    interval_s = rng.uniform(
        profile.min_correction_interval_s, profile.max_correction_interval_s, distance.shape
    )
    oscillator_hz = (
        _OSCILLATOR_SIGMA * profile.channel.carrier_hz * rng.standard_normal(distance.shape)
    )
    residual_hz = np.abs(rate_hz_s) * interval_s + np.abs(oscillator_hz)
    return np.asarray(residual_hz / _SUBCARRIER_SPACING_HZ)


def _on_pass(
    profile: ScenarioProfile, state: ChannelState, rng: np.random.Generator
) -> ChannelState:
    """The state with a rain front over the area, and with stations that are not there."""
    count = len(state.rain_db)
    raining = rng.random((count, 1)) < profile.front_probability
    severity_db = rng.exponential(profile.front_mean_db, (count, 1))
    patches = rng.uniform(1 - _RAIN_PATCHINESS, 1 + _RAIN_PATCHINESS, state.rain_db.shape)
    absent = rng.random(state.eavesdropper_extra_loss_db.shape) < profile.absent_probability
    absent[..., 0] = False
    return replace(
        state,
        rain_db=state.rain_db + raining * severity_db * patches,
        eavesdropper_extra_loss_db=state.eavesdropper_extra_loss_db + absent * _ABSENT_LOSS_DB,
    )


def _satellite_overhead(count: int, rng: np.random.Generator) -> Floats:
    offset = np.clip(rng.normal(0, 60e3, (count, 2)), -120e3, 120e3)
    return _on_sphere(offset) * (EARTH_RADIUS_M + REFERENCE_ALTITUDE_M) / EARTH_RADIUS_M


def _satellite_on_pass(profile: ScenarioProfile, count: int, rng: np.random.Generator) -> Floats:
    altitude = rng.uniform(profile.min_altitude_m, profile.max_altitude_m, count)
    elevation_deg = rng.uniform(profile.min_elevation_deg, profile.max_elevation_deg, count)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    distance = slant_range_m(altitude, elevation_deg)
    flat = distance * np.cos(np.radians(elevation_deg))
    height = EARTH_RADIUS_M + distance * np.sin(np.radians(elevation_deg))
    return np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), height], axis=-1)


def _geometry(
    satellite_m: Floats,
    offset_m: Floats,
    cells_m: Floats,
    shaping: BeamShaping,
    relative_beam_width: float,
) -> LinkGeometry:
    """Geometry on a sphere that is turned so that the service area's centre is its pole."""
    esim_m = _on_sphere(offset_m)
    up = esim_m / EARTH_RADIUS_M
    north = np.array([0.0, 1.0, 0.0]) - up * up[..., 1:2]
    return link_geometry(
        satellite_m=satellite_m,
        esim_m=esim_m,
        esim_up=up,
        esim_north=north / np.linalg.norm(north, axis=-1, keepdims=True),
        cell_centre_m=np.broadcast_to(
            _on_sphere(cells_m), (*satellite_m.shape[:-1], *cells_m.shape[:-1], 3)
        ),
        shaping=shaping,
        relative_beam_width=relative_beam_width,
    )


def _on_sphere(offset_m: Floats) -> Floats:
    """Points [..., 3] at the given distance and bearing (east, north) of the pole."""
    length = np.linalg.norm(offset_m, axis=-1, keepdims=True)
    angle = length / EARTH_RADIUS_M
    bearing = offset_m / np.maximum(length, 1e-9)
    unit = np.concatenate([np.sin(angle) * bearing, np.cos(angle)], axis=-1)
    return np.asarray(EARTH_RADIUS_M * unit)


def _where(condition: npt.NDArray[np.bool_], yes: Floats, no: Floats) -> Floats:
    return np.where(condition.reshape(-1, *([1] * (yes.ndim - 1))), yes, no)
