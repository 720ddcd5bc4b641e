"""What the way between ESIMs and satellite takes beside free space, each term by itself.

Axes: T ticks, U ESIMs, P places (the ESIMs, then the centres of the cells).
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from radio_math.arrays import ARRAY_SIDE
from radio_math.channel import ChannelModel, ChannelState
from radio_math.large_scale import Band, band_of
from radio_math.link import SPEED_OF_LIGHT_MPS, air_mass, to_db
from radio_math.scintillation import ionospheric_scintillation_db, magnetic_latitude_deg
from ran_sim.atmosphere.losses import LossTerms, Terminal, slant_losses, slant_sigma_db
from ran_sim.atmosphere.rain_cells import rain_cell_losses_db, rain_rate_mm_h
from ran_sim.atmosphere.site import Exceedance, Sky, site_constants, sky_over
from ran_sim.atmosphere.turbulence import scintillation_series_db
from ran_sim.handover import BoolArray
from ran_sim.orbit.frames import FloatArray
from ran_sim.propagation import Loss, Propagation
from ran_sim.surroundings import roadside_states

# A direct path of no power has no decibels.
_LEAST_K = 1e-30


@dataclass(frozen=True)
class PathLosses:
    """Losses along the slant path [T, U] in dB; negative where shadowing or scintillation gives.

    Attributes:
        gas_db: of oxygen and water vapour.
        cloud_db: of liquid water in clouds.
        rain_db: of rain.
        scintillation_db: of turbulence, or of the ionosphere below 6 GHz.
        shadowing_db: shadow fading, and what disturbances add to it.
        clutter_db: of buildings and trees without line of sight.
    """

    gas_db: FloatArray
    cloud_db: FloatArray
    rain_db: FloatArray
    scintillation_db: FloatArray
    shadowing_db: FloatArray
    clutter_db: FloatArray

    @property
    def total_db(self) -> FloatArray:
        """Sum of all terms [T, U]: they are losses of one moment."""
        return np.asarray(sum(getattr(self, item.name) for item in fields(self)))


@dataclass(frozen=True)
class Way:
    """Where the link's ends are.

    Attributes:
        offset_s: [T] simulated time.
        elevation_deg: [T, P] of the satellite.
        latitude_deg: [P] in the middle of the run.
        longitude_deg: [P] likewise.
        position_m: [T, P, 2] east and north of the service area's centre.
        travelled_m: [T, U] by the ESIMs along their roads.
        crosses_ionosphere: [T] whether the other end is above it; a platform is not.
    """

    offset_s: FloatArray
    elevation_deg: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    position_m: FloatArray
    travelled_m: FloatArray
    crosses_ionosphere: BoolArray

    @property
    def esims(self) -> int:
        """Number of ESIMs, which come first among the places."""
        return int(self.travelled_m.shape[1])


@dataclass(frozen=True)
class Disturbed:
    """What the scenario's disturbances add.

    Attributes:
        front_db: [T, P] zenith attenuation of its rain fronts.
        shadowing_db: [T, U] more shadowing.
    """

    front_db: FloatArray
    shadowing_db: FloatArray


@dataclass(frozen=True)
class LossyPath:
    """The losses of a run, and what the channel of the run is made from.

    Attributes:
        losses: each term.
        state: the channel's random parts with the losses filled in.
        model: the channel's constants that go with them.
        line_of_sight: [T, U].
        beam_rain_db: [T, B] rain over the cells' centres; to the zenith in the reference problem,
            along the slant path else.
    """

    losses: PathLosses
    state: ChannelState
    model: ChannelModel
    line_of_sight: BoolArray
    beam_rain_db: FloatArray


def reference_path(
    way: Way, model: ChannelModel, state: ChannelState, disturbed: Disturbed
) -> LossyPath:
    """The path of the reference problem: a flat atmosphere, Gaussian shadowing, a rain front.

    Args:
        way: the link's ends.
        model: of the reference problem.
        state: its random parts [T, ...].
        disturbed: by the scenario.
    """
    esims, front_db = way.esims, disturbed.front_db
    shadowing_db = state.shadowing_db + disturbed.shadowing_db
    stretched = air_mass(way.elevation_deg[:, :esims])
    nothing = np.zeros(shadowing_db.shape)
    return LossyPath(
        losses=PathLosses(
            gas_db=model.gas_zenith_db * stretched,
            cloud_db=nothing,
            rain_db=front_db[:, :esims] * stretched,
            scintillation_db=nothing,
            shadowing_db=shadowing_db,
            clutter_db=nothing,
        ),
        state=replace(state, rain_db=front_db[:, :esims], shadowing_db=shadowing_db),
        model=model,
        line_of_sight=np.ones(shadowing_db.shape, dtype=np.bool_),
        beam_rain_db=front_db[:, esims:],
    )


def tr38811_path(
    way: Way,
    model: ChannelModel,
    state: ChannelState,
    disturbed: Disturbed,
    *,
    propagation: Propagation,
    rng: np.random.Generator,
) -> LossyPath:
    """The path of TR 38.811 over the ITU-R's atmosphere; arguments as of `reference_path`.

    Rain fronts and shadowing of the scenario's disturbances come on top, the fronts stretched by
    1/sin(el). Each term is drawn whether it is omitted or not, so that omitting one leaves the
    others as they are.

    Raises:
        FailedPrecondition: the ITU-R maps are not installed.
    Source: TR 38.811 6.6, 6.7.2; ITU-R P.618-13 2.2, 2.4; ITU-R P.676-12; ITU-R P.838-3.
    Not modelled: reports that know of the losses only later (they share this moment's losses, at
    the geometry of their own time), wet antennas.
    """
    esims = way.esims
    carrier_hz = model.carrier_hz
    terminal = _terminal(carrier_hz)
    sky = sky_over(
        site_constants(way.latitude_deg, way.longitude_deg),
        carrier_hz / 1e9,
        Exceedance(propagation.exceedance_percent),
    )
    roadside = roadside_states(
        way.travelled_m, way.elevation_deg[:, :esims], propagation.surroundings, carrier_hz, rng
    )
    calm = slant_losses(
        sky, way.elevation_deg, terminal, LossTerms(rain=False, scintillation=False)
    )
    rain_db = _rain_db(sky, way, propagation, terminal, rng)
    rain_db = rain_db + disturbed.front_db * air_mass(way.elevation_deg)
    scintillation_db = _scintillation_db(sky, way, terminal, rng)[:, :esims]

    def kept(loss: Loss, values_db: FloatArray) -> FloatArray:
        return np.zeros(values_db.shape) if loss in propagation.omitted_losses else values_db

    losses = PathLosses(
        gas_db=kept(Loss.GAS, _seen(calm.gas_db)[:, :esims]),
        cloud_db=kept(Loss.CLOUD, _seen(calm.cloud_db)[:, :esims]),
        rain_db=kept(Loss.RAIN, rain_db[:, :esims]),
        scintillation_db=kept(Loss.SCINTILLATION, scintillation_db),
        shadowing_db=kept(Loss.SHADOWING, roadside.shadow_db) + disturbed.shadowing_db,
        clutter_db=kept(Loss.CLUTTER, roadside.clutter_db),
    )
    return LossyPath(
        losses=losses,
        state=replace(
            state,
            rain_db=np.zeros(losses.rain_db.shape),
            shadowing_db=losses.shadowing_db,
            extra_loss_db=losses.total_db - losses.shadowing_db,
            rician_k_db=to_db(np.maximum(roadside.rician_k, _LEAST_K)),
        ),
        model=replace(model, gas_zenith_db=0.0),
        line_of_sight=roadside.line_of_sight,
        beam_rain_db=kept(Loss.RAIN, rain_db[:, esims:]),
    )


def _rain_db(
    sky: Sky, way: Way, propagation: Propagation, terminal: Terminal, rng: np.random.Generator
) -> FloatArray:
    """Attenuation by rain [T, P] in dB along the slant path, 0 below 5 degrees."""
    if propagation.rain_cells is not None:
        rate = rain_rate_mm_h(way.position_m, way.offset_s, propagation.rain_cells, rng)
        return _seen(
            rain_cell_losses_db(rate, way.elevation_deg, sky.site, sky.frequency_ghz, terminal)
        )
    rain_alone = LossTerms(gas=False, cloud=False, scintillation=False)
    return _seen(slant_losses(sky, way.elevation_deg, terminal, rain_alone).rain_db)


def _scintillation_db(
    sky: Sky, way: Way, terminal: Terminal, rng: np.random.Generator
) -> FloatArray:
    """Scintillation [T, P] in dB: of the troposphere as it goes on, or of the ionosphere's fade."""
    frequency_hz = sky.frequency_ghz * 1e9
    if band_of(frequency_hz) is Band.S:
        latitude_deg = magnetic_latitude_deg(way.latitude_deg, way.longitude_deg)
        fade_db = ionospheric_scintillation_db(frequency_hz, latitude_deg)
        return np.where(way.crosses_ionosphere[:, None], fade_db, 0.0)
    # What goes on below the models' range is seen by nobody.
    sigma_db = slant_sigma_db(sky, np.clip(way.elevation_deg, 5.0, 90.0), terminal)
    return scintillation_series_db(sigma_db, way.offset_s, rng)


def _terminal(carrier_hz: float) -> Terminal:
    """The ESIM's array as a dish of the same area: 16 x 16 elements half a wavelength apart."""
    side_m = ARRAY_SIDE / 2 * SPEED_OF_LIGHT_MPS / carrier_hz
    return Terminal(antenna_diameter_m=2 * side_m / np.sqrt(np.pi))


def _seen(losses_db: "np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]") -> FloatArray:
    """A loss without its mask: 0 below 5 degrees, where no tick is visible and none is served."""
    return np.asarray(losses_db.filled(0.0))
