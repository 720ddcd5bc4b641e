"""From geometry and random parts to the true and the estimated radio context.

Three kinds of things are kept apart, so that independent scenarios and a continuous pass run
through the same lines:

* `LinkGeometry` is what orbit and positions fix (`link_geometry` computes it from vectors);
* `ChannelState` holds every random part. `draw_state` draws it afresh, as a data set of
  independent scenarios does. A simulation draws it once and lets `state_history` carry it through
  all its ticks with rho = exp(-dt / correlation time), so local rays, shadowing and reporting
  errors move smoothly; what a simulation knows better (rain, where the eavesdroppers really are
  as seen from a moving ESIM) it sets with `dataclasses.replace`;
* the pure functions: `true_channel` and `reported_channel` turn geometry and state into channels,
  `beamformers` computes the beamformer grid from the *reported* channel, and `context_of`
  evaluates that grid on either channel. `context_pair` does the usual sequence in one call.

A decision made from an old report is evaluated by keeping the report's beamformers:
`context_of(true_channel(geometry_now, state_now, model), weights_of_the_report, ...)`.

Not modelled: frequency selectivity over the 2 MHz, polarisation, scattering near the satellite
(channels are rank one over the beams), feeder-link noise.
"""

import itertools
import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.arrays import Complexes, element_gain, superposition
from radio_math.beamforming import (
    Beamformers,
    beamformer_path,
    channel_gain,
    leakage_gain,
)
from radio_math.beams import BeamShaping, beam_amplitudes
from radio_math.context import ContextError, RadioContext
from radio_math.ground_stations import (
    SCATTER_ELEVATION_DEG,
    STATION_ELEVATION_DEG,
    StationPrior,
    station_prior,
)
from radio_math.link import Floats, air_mass, free_space_loss_db, from_db, noise_power_w


@dataclass(frozen=True)
class ChannelModel:
    """Constants of the link and statistics of its random parts. Defaults: the reference problem."""

    carrier_hz: float = 20e9
    bandwidth_hz: float = 2e6
    satellite_noise_k: float = 355.0
    gas_zenith_db: float = 0.5
    rician_k_db: float = 15.0
    local_rays: int = 6
    shadowing_sigma_db: float = 2.0
    rain_probability: float = 0.3
    rain_mean_db: float = 2.0
    pointing_sigma_deg: float = 0.3
    ray_correlation: float = 0.95
    gain_sigma_db: float = 1.0
    eavesdroppers: int = 2
    eavesdropper_min_m: float = 2e3
    eavesdropper_max_m: float = 20e3
    eavesdropper_gain_db: float = 35.0
    eavesdropper_noise_k: float = 290.0
    eavesdropper_min_loss_db: float = 5.0
    eavesdropper_max_loss_db: float = 35.0
    eavesdropper_rician_k_db: float = 7.0
    eavesdropper_rays: int = 20
    eavesdropper_azimuth_sigma_deg: float = 1.0
    eavesdropper_gain_sigma_db: float = 2.0
    eavesdropper_ray_correlation: float = 0.8
    calibration_leakage: float = 1e-3  # of the element floor, radiated whatever the weights
    element_floor_db: float = -10.0


@dataclass(frozen=True)
class LinkGeometry:
    """What orbit and positions fix, for U ESIMs and B beams.

    Attributes:
        azimuth_deg: [..., U] of the satellite as each ESIM sees it, clockwise from north.
        elevation_deg: [..., U] likewise, above the horizon.
        slant_range_m: [..., U].
        beam_amplitude: [..., U, B] signed, see `RadioContext`.
        satellite_gain_db: [...] mean peak gain of the beams, which amplitudes are relative to.
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    slant_range_m: Floats
    beam_amplitude: Floats
    satellite_gain_db: Floats

    def at(self, index: int | slice) -> "LinkGeometry":
        """Entries of the outermost leading axis, which a pass takes for its ticks."""
        return LinkGeometry(**{item.name: getattr(self, item.name)[index] for item in fields(self)})


@dataclass(frozen=True)
class ChannelState:
    """Every random part of the channel of U ESIMs with E eavesdroppers each.

    Complex parts are standard circular Gaussian, errors carry their unit and standard deviation.
    `ray_innovation` and `scatter_innovation` are the parts of the reported rays that the true ones
    do not have.
    `rain_db` is attenuation at the zenith, zero when dry; `extra_loss_db` is what a simulation
    adds along the slant path, zero in the reference problem.
    """

    ray_azimuth_deg: Floats  # [..., U, R]
    ray_elevation_deg: Floats  # [..., U, R]
    ray_coefficient: Complexes  # [..., U, R]
    ray_innovation: Complexes  # [..., U, R]
    shadowing_db: Floats  # [..., U]
    rain_db: Floats  # [..., U]
    extra_loss_db: Floats  # [..., U]
    rician_k_db: Floats  # [..., U]
    pointing_error_deg: Floats  # [..., U, 2] elevation, cross-elevation
    gain_error_db: Floats  # [..., U]
    eavesdropper_azimuth_deg: Floats  # [..., U, E]
    eavesdropper_elevation_deg: Floats  # [..., U, E]
    eavesdropper_distance_m: Floats  # [..., U, E]
    eavesdropper_extra_loss_db: Floats  # [..., U, E]
    scatter_azimuth_deg: Floats  # [..., U, E, R_e] relative to the station's azimuth
    scatter_elevation_deg: Floats  # [..., U, E, R_e]
    scatter_coefficient: Complexes  # [..., U, E, R_e]
    azimuth_error_deg: Floats  # [..., U, E]
    leakage_error_db: Floats  # [..., U, E]
    scatter_innovation: Complexes  # [..., U, E, R_e]

    def at(self, index: int | slice) -> "ChannelState":
        """Entries of the outermost leading axis, which `state_history` puts the ticks on."""
        return ChannelState(**{item.name: getattr(self, item.name)[index] for item in fields(self)})


@dataclass(frozen=True)
class Channel:
    """A channel, true or as reported.

    Attributes:
        response: [..., U, N] array response h_u to the satellite, element gain included.
        snr_per_w: [..., U] beta_u, SNR per watt of an isotropic radiator.
        leakage_factors: [..., U, N, E] channel to each station; leakage is sum |f_e^H w|^2 a watt.
        leakage_floor: [..., U] leakage per watt that no beamformer removes.
    """

    response: Complexes
    snr_per_w: Floats
    leakage_factors: Complexes
    leakage_floor: Floats


def link_geometry(
    *,
    satellite_m: Floats,
    esim_m: Floats,
    esim_up: Floats,
    esim_north: Floats,
    cell_centre_m: Floats,
    shaping: BeamShaping,
    relative_beam_width: float = 1.0,
) -> LinkGeometry:
    """Look angles, ranges and beam amplitudes from vectors.

    Args:
        satellite_m: [..., 3] satellite, in any earth-fixed axes with the origin at the earth's
            centre (ECEF, or a sphere turned to the service area).
        esim_m: [..., U, 3] ESIMs in the same axes.
        esim_up: [..., U, 3] unit vectors to the local zenith (the ellipsoid's normal in ECEF).
        esim_north: [..., U, 3] unit vectors to the local north.
        cell_centre_m: [..., B, 3] centres of the earth-fixed cells.
        shaping: how beam widths follow the geometry.
        relative_beam_width: of all beams to those of `shaping`.

    Source: TR 38.811 6.4.1 (beams).
    Not modelled: refraction, which lifts a satellite at 10 degrees by 0.1 degrees.

    Raises:
        ContextError: an ESIM has the satellite at or below its horizon.
    """
    look = satellite_m[..., None, :] - esim_m
    slant_range_m = np.linalg.norm(look, axis=-1)
    up = np.sum(look * esim_up, axis=-1)
    north = np.sum(look * esim_north, axis=-1)
    east = np.sum(look * np.cross(esim_north, esim_up), axis=-1)
    elevation_deg = np.degrees(np.arctan2(up, np.hypot(north, east)))
    if (elevation_deg <= 0).any():
        raise ContextError(
            f"the satellite stands {float(elevation_deg.min()):.1f} degrees above the horizon of "
            "an ESIM; ask for contexts only while all ESIMs see it"
        )
    amplitude, gain_db = beam_amplitudes(
        satellite_m, esim_m, cell_centre_m, shaping, relative_beam_width
    )
    azimuth_deg = np.degrees(np.arctan2(east, north)) % 360
    return LinkGeometry(azimuth_deg, elevation_deg, slant_range_m, amplitude, gain_db)


def draw_state(
    model: ChannelModel, shape: tuple[int, ...], rng: np.random.Generator
) -> ChannelState:
    """Independent random parts for ESIMs of shape [..., U].

    Rays and scatter are circular Gaussian of unit power, shadowing and errors Gaussian with the
    model's standard deviations, rain exponential with a probability, places uniform.

    Source: Adam 2025 section 5 (the scenario, the distributions are this project's).
    Not modelled: dependence of any two of them.
    """
    rays = (*shape, model.local_rays)
    stations = (*shape, model.eavesdroppers)
    scatter = (*stations, model.eavesdropper_rays)
    raining = rng.random(shape) < model.rain_probability
    return ChannelState(
        ray_azimuth_deg=rng.uniform(0, 360, rays),
        ray_elevation_deg=rng.uniform(5, 60, rays),
        ray_coefficient=_circular_gaussian(rays, rng),
        ray_innovation=_circular_gaussian(rays, rng),
        shadowing_db=model.shadowing_sigma_db * rng.standard_normal(shape),
        rain_db=np.where(raining, rng.exponential(model.rain_mean_db, shape), 0.0),
        extra_loss_db=np.zeros(shape),
        rician_k_db=np.full(shape, model.rician_k_db),
        pointing_error_deg=model.pointing_sigma_deg * rng.standard_normal((*shape, 2)),
        gain_error_db=model.gain_sigma_db * rng.standard_normal(shape),
        eavesdropper_azimuth_deg=rng.uniform(0, 360, stations),
        eavesdropper_elevation_deg=rng.uniform(*STATION_ELEVATION_DEG, stations),
        eavesdropper_distance_m=rng.uniform(
            model.eavesdropper_min_m, model.eavesdropper_max_m, stations
        ),
        eavesdropper_extra_loss_db=rng.uniform(
            model.eavesdropper_min_loss_db, model.eavesdropper_max_loss_db, stations
        ),
        scatter_azimuth_deg=rng.uniform(-20, 20, scatter),
        scatter_elevation_deg=rng.uniform(*SCATTER_ELEVATION_DEG, scatter),
        scatter_coefficient=_circular_gaussian(scatter, rng),
        azimuth_error_deg=model.eavesdropper_azimuth_sigma_deg * rng.standard_normal(stations),
        leakage_error_db=model.eavesdropper_gain_sigma_db * rng.standard_normal(stations),
        scatter_innovation=_circular_gaussian(scatter, rng),
    )


def state_history(
    first: ChannelState, model: ChannelModel, rho: float, count: int, rng: np.random.Generator
) -> ChannelState:
    """`count` states on a new leading axis [T, ...]: the first, then each one step later.

    Gaussian parts step as x' = rho x + sqrt(1 - rho^2) sigma n. Directions of rays and everything
    about the eavesdropper stations but their reporting errors stay; rain stays. rho = 1 repeats
    the first, rho = 0 draws everything afresh at each step.

    Raises:
        ContextError: rho is not within 0 to 1.
    Source: Gudmundson 1991 (exponential correlation).
    Not modelled: Doppler spectra of the rays, which an autoregression of first order has not.
    """
    if not 0 <= rho <= 1:
        raise ContextError(f"rho is {rho}; a correlation over time lies within 0 to 1")
    sigmas = {
        "ray_coefficient": np.sqrt(0.5),
        "ray_innovation": np.sqrt(0.5),
        "shadowing_db": model.shadowing_sigma_db,
        "pointing_error_deg": model.pointing_sigma_deg,
        "gain_error_db": model.gain_sigma_db,
        "scatter_coefficient": np.sqrt(0.5),
        "azimuth_error_deg": model.eavesdropper_azimuth_sigma_deg,
        "leakage_error_db": model.eavesdropper_gain_sigma_db,
        "scatter_innovation": np.sqrt(0.5),
    }
    # All Gaussian parts side by side, so that a step is one operation on one row.
    start = np.concatenate([_reals(getattr(first, name)) for name in sigmas])
    sigma = np.concatenate(
        [np.full(_reals(getattr(first, name)).size, value) for name, value in sigmas.items()]
    )
    values = np.empty((count, start.size))
    values[0] = start
    values[1:] = rng.standard_normal((count - 1, start.size))
    values[1:] *= np.sqrt(1 - rho**2) * sigma
    for before, after in itertools.pairwise(values):
        np.add(after, rho * before, out=after)
    history = {
        item.name: np.broadcast_to(
            getattr(first, item.name), (count, *getattr(first, item.name).shape)
        )
        for item in fields(first)
    }
    column = 0
    for name in sigmas:
        part = getattr(first, name)
        width = _reals(part).size
        history[name] = _parts(values[:, column : column + width], part)
        column += width
    return ChannelState(**history)


def snr_per_w(geometry: LinkGeometry, state: ChannelState, model: ChannelModel) -> Floats:
    """SNR at the satellite per watt of an isotropic radiator, beta_u, [..., U] [1/W], linear.

    beta = G_sat / (FSPL A k T B), with A the sum of gas, rain, shadowing and extra losses in dB;
    gas and rain at the zenith are stretched by 1/sin(el). Fading of the local rays is not in it.

    Source: TR 38.821 6.1.3.1.
    Not modelled: noise of the sky and of rain, which the satellite's temperature stands for.
    """
    loss_db = (
        free_space_loss_db(geometry.slant_range_m, model.carrier_hz)
        + (model.gas_zenith_db + state.rain_db) * air_mass(geometry.elevation_deg)
        + state.shadowing_db
        + state.extra_loss_db
    )
    noise_w = noise_power_w(model.satellite_noise_k, model.bandwidth_hz)
    return np.asarray(from_db(geometry.satellite_gain_db[..., None] - loss_db) / noise_w)


def true_channel(geometry: LinkGeometry, state: ChannelState, model: ChannelModel) -> Channel:
    """The channel as it is: direct path sqrt(K / (K + 1)) and rays sqrt(1 / (K + 1) / R), [..., U].

    Source: Tse 2005 2.4.2 (Rician fading).
    Not modelled: as the module says.
    """
    error_free = np.zeros_like(state.pointing_error_deg)
    none = np.zeros_like(state.azimuth_error_deg)
    return Channel(
        response=_response(geometry, state, model, error_free, state.ray_coefficient),
        snr_per_w=snr_per_w(geometry, state, model),
        leakage_factors=_leakage_factors(state, model, state.scatter_coefficient, none, none),
        leakage_floor=_leakage_floor(state, model, none),
    )


def reported_channel(geometry: LinkGeometry, state: ChannelState, model: ChannelModel) -> Channel:
    """The channel as the ESIMs report it, [..., U]: mispointed, aged, off in gain and azimuth.

    Rays are rho r + sqrt(1 - rho^2) n of the true ones r; gains and azimuths carry Gaussian errors.
    A silent station's scattered rays cannot be measured, only foretold from its surroundings:
    their correlation is `eavesdropper_ray_correlation`, at 0 nothing but the direct path is known.

    Source: Adam 2025 section 5 (imperfect and outdated knowledge, sizes are this project's).
    Not modelled: a report that says how sure it is.
    """
    rays = _known_rays(state.ray_coefficient, state.ray_innovation, model.ray_correlation)
    scatter = _known_rays(
        state.scatter_coefficient, state.scatter_innovation, model.eavesdropper_ray_correlation
    )
    gain_error = from_db(state.gain_error_db)
    return Channel(
        response=_response(geometry, state, model, state.pointing_error_deg, rays),
        snr_per_w=snr_per_w(geometry, state, model) * gain_error,
        leakage_factors=_leakage_factors(
            state, model, scatter, state.azimuth_error_deg, state.leakage_error_db
        ),
        leakage_floor=_leakage_floor(state, model, state.leakage_error_db),
    )


@lru_cache(maxsize=8)
def prior_of_stations(model: ChannelModel) -> StationPrior:
    """What an ESIM knows of its stations before any report: the model's statistics.

    Source: Adam 2025 section 5 (eavesdroppers are earth stations).
    Not modelled: terrain, or what an ESIM could learn of the place where it is.
    """
    near_m, far_m = model.eavesdropper_min_m, model.eavesdropper_max_m
    low_db, high_db = model.eavesdropper_min_loss_db, model.eavesdropper_max_loss_db
    # Means over uniform distances of 1 / d^2, and over uniform decibels of the linear loss.
    distance_m = math.sqrt(near_m * far_m)
    loss = float(from_db(-low_db))
    if high_db > low_db:
        loss = float(from_db(-low_db) - from_db(-high_db)) / (
            (high_db - low_db) * math.log(10) / 10
        )
    gain_db = model.eavesdropper_gain_db - float(free_space_loss_db(distance_m, model.carrier_hz))
    noise_w = noise_power_w(model.eavesdropper_noise_k, model.bandwidth_hz)
    level = model.eavesdroppers * loss * float(from_db(gain_db)) / float(noise_w)
    return station_prior(level, float(from_db(model.eavesdropper_rician_k_db)))


def beamformers(reported: Channel, model: ChannelModel) -> Beamformers:
    """Beamformers [..., U] at the points of the grid.

    ESIMs know the report, and the statistics of the model it comes from.

    Source: Khisti 2010 section III. Not modelled: as `beamformer_path`.
    """
    return beamformer_path(reported.response, reported.leakage_factors, prior_of_stations(model))


def context_of(
    channel: Channel,
    weights: Beamformers,
    geometry: LinkGeometry,
    *,
    ici_factor: Floats,
    carrier_noise: Floats,
    power_budget_w: Floats,
) -> RadioContext:
    """The radio context of a channel when the ESIMs use the given grid of beamformers.

    Args:
        channel: true or reported.
        weights: from `beamformers` of the report.
        geometry: gives the beam amplitudes.
        ici_factor: [..., U] from `radio_math.doppler.ici_factor`.
        carrier_noise: [..., M] noise over thermal, linear, at least 1.
        power_budget_w: [...] total power [W].

    gain = beta |h^H w|^2 and leakage = |F^H w|^2 + floor, per watt, at each point of the grid.

    Source: Adam 2025 section 5; Khisti 2010 section III.
    Not modelled: as the module says.
    """
    gain = channel.snr_per_w[..., None] * channel_gain(channel.response, weights)
    leakage = leakage_gain(channel.leakage_factors, weights) + channel.leakage_floor[..., None]
    return RadioContext(
        beam_amplitude=geometry.beam_amplitude,
        gain_per_w=gain,
        leakage_per_w=leakage,
        ici_factor=ici_factor,
        carrier_noise=carrier_noise,
        power_budget_w=power_budget_w,
    )


@dataclass(frozen=True)
class ContextPair:
    """One situation twice: as it is, and as the decision maker sees it."""

    true: RadioContext
    estimated: RadioContext


def context_pair(
    geometry: LinkGeometry,
    state: ChannelState,
    model: ChannelModel,
    *,
    ici_factor: Floats,
    carrier_noise: Floats,
    power_budget_w: Floats,
) -> ContextPair:
    """True and estimated radio context of the same instant; arguments as in `context_of`.

    Both use the beamformers of the report. Source: Adam 2025 section 5. Not modelled: as the module
    says.
    """
    reported = reported_channel(geometry, state, model)
    weights = beamformers(reported, model)

    def seen(channel: Channel) -> RadioContext:
        return context_of(
            channel,
            weights,
            geometry,
            ici_factor=ici_factor,
            carrier_noise=carrier_noise,
            power_budget_w=power_budget_w,
        )

    return ContextPair(true=seen(true_channel(geometry, state, model)), estimated=seen(reported))


def _circular_gaussian(shape: tuple[int, ...], rng: np.random.Generator) -> Complexes:
    return np.asarray((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2))


def _reals(part: Floats | Complexes) -> Floats:
    """All numbers of a part in one row; a complex part gives its real, then its imaginary ones."""
    halves = (part.real, part.imag) if np.iscomplexobj(part) else (part,)
    return np.concatenate([half.ravel() for half in halves])


def _parts(rows: Floats, like: Floats | Complexes) -> Floats | Complexes:
    """The parts [T, ...] of rows [T, numbers] that `_reals` made of parts like this one."""
    shape = (len(rows), *like.shape)
    if not np.iscomplexobj(like):
        return rows.reshape(shape)
    real, imaginary = np.split(rows, 2, axis=1)
    return np.asarray((real + 1j * imaginary).reshape(shape))


def _response(
    geometry: LinkGeometry,
    state: ChannelState,
    model: ChannelModel,
    pointing_error_deg: Floats,
    ray_coefficient: Complexes,
) -> Complexes:
    elevation = geometry.elevation_deg + pointing_error_deg[..., 0]
    # Cross-elevation becomes azimuth by 1/cos(el); near the zenith any azimuth is as good.
    cosine = np.maximum(np.cos(np.radians(geometry.elevation_deg)), 0.02)
    azimuth = geometry.azimuth_deg + pointing_error_deg[..., 1] / cosine
    k_factor = from_db(state.rician_k_db)
    direct_power = element_gain(geometry.elevation_deg) * k_factor / (k_factor + 1)
    scattered_share = 1 / (k_factor + 1)[..., None] / model.local_rays
    ray_amplitude = np.sqrt(element_gain(state.ray_elevation_deg) * scattered_share)
    return superposition(
        _joined(np.sqrt(direct_power), ray_amplitude * ray_coefficient),
        _joined(azimuth, state.ray_azimuth_deg),
        _joined(elevation, state.ray_elevation_deg),
    )


def _joined(direct: Any, scattered: Any) -> Any:
    """The direct path [...] and the scattered ones [..., R] as paths [..., 1 + R]."""
    shape = np.broadcast_shapes(direct.shape, scattered.shape[:-1])
    paths = np.empty((*shape, 1 + scattered.shape[-1]), dtype=scattered.dtype)
    paths[..., 0], paths[..., 1:] = direct, scattered
    return paths


def _eavesdropper_snr_per_w(
    state: ChannelState, model: ChannelModel, error_db: npt.NDArray[np.float64]
) -> Floats:
    gain_db = (
        model.eavesdropper_gain_db
        - free_space_loss_db(state.eavesdropper_distance_m, model.carrier_hz)
        - state.eavesdropper_extra_loss_db
        + error_db
    )
    noise_w = noise_power_w(model.eavesdropper_noise_k, model.bandwidth_hz)
    return np.asarray(from_db(gain_db) / noise_w)


def _known_rays(coefficient: Complexes, innovation: Complexes, rho: float) -> Complexes:
    """Reported coefficients of rays, whose correlation with the true ones is rho."""
    return np.asarray(rho * coefficient + np.sqrt(1 - rho**2) * innovation)


def _leakage_factors(
    state: ChannelState,
    model: ChannelModel,
    scatter: Complexes,
    azimuth_error_deg: Floats,
    error_db: Floats,
) -> Complexes:
    snr = _eavesdropper_snr_per_w(state, model, error_db)  # [..., U, E]
    k_factor = float(from_db(model.eavesdropper_rician_k_db))
    azimuth = state.eavesdropper_azimuth_deg + azimuth_error_deg
    direct_power = snr * element_gain(state.eavesdropper_elevation_deg) * k_factor / (k_factor + 1)
    scatter_power = (
        snr[..., None]
        * element_gain(state.scatter_elevation_deg)
        / (k_factor + 1)
        / model.eavesdropper_rays
    )
    stations = superposition(  # [..., U, E, N] of [..., U, E, 1 + R_e] paths
        _joined(np.sqrt(direct_power), np.sqrt(scatter_power) * scatter),
        _joined(azimuth, azimuth[..., None] + state.scatter_azimuth_deg),
        _joined(state.eavesdropper_elevation_deg, state.scatter_elevation_deg),
    )
    return np.asarray(np.swapaxes(stations, -1, -2))


def _leakage_floor(state: ChannelState, model: ChannelModel, error_db: Floats) -> Floats:
    floor = model.calibration_leakage * float(from_db(model.element_floor_db))
    return np.asarray(floor * _eavesdropper_snr_per_w(state, model, error_db).sum(axis=-1))
