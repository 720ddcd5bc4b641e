"""The physics of a downlink over a map: six channels on a grid of latitudes and longitudes.

It is what a physics-informed digital twin is fed with, a time-stamped array [T, 6, H, W]:
free-space path loss, antenna gain, atmospheric attenuation, Doppler, land cover, scintillation.

Where the satellite stands below 5 degrees there is no link and no model for one. Such a cell is
False in `valid` and NaN in every channel but land cover: never 0 dB, which would read as a perfect
sky. Files in JSON have null there (`ran_sim.tensor_files`).

Axes: T instants, H latitudes, W longitudes, B beams.
"""

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nf_runtime.errors import InvalidArgument
from radio_math.attenuation import MIN_ELEVATION_DEG
from radio_math.link import free_space_loss_db
from radio_math.scintillation import ionospheric_scintillation_db, magnetic_latitude_deg
from ran_sim.atmosphere.losses import ALL_TERMS, LossTerms, Terminal, slant_losses
from ran_sim.atmosphere.site import Exceedance, Sky, site_constants, sky_over
from ran_sim.land_cover import Codes, LandCover
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.look import Terminals, look_at
from ran_sim.spot_beams import Attitude, SpotBeams

MAX_CELLS = 4_000_000
_GHZ = 1e9


class Channel(IntEnum):
    """The channels in the order of the array's second axis."""

    FREE_SPACE_PATH_LOSS = 0
    ANTENNA_GAIN = 1
    ATMOSPHERIC_ATTENUATION = 2
    DOPPLER = 3
    LAND_COVER = 4
    SCINTILLATION = 5


UNITS = {
    Channel.FREE_SPACE_PATH_LOSS: "dB",
    Channel.ANTENNA_GAIN: "dBi",
    Channel.ATMOSPHERIC_ATTENUATION: "dB",
    Channel.DOPPLER: "Hz",
    Channel.LAND_COVER: "class index",
    Channel.SCINTILLATION: "dB",
}


@dataclass(frozen=True)
class GeoGrid:
    """A grid of places.

    Attributes:
        latitude_deg: [H] WGS84.
        longitude_deg: [W] east, from -180 to 360.
    """

    latitude_deg: FloatArray
    longitude_deg: FloatArray

    def __post_init__(self) -> None:
        cells = self.latitude_deg.size * self.longitude_deg.size
        if not 0 < cells <= MAX_CELLS:
            raise _invalid("grid", f"has {cells} cells; use 1 to {MAX_CELLS}")
        if not (np.abs(self.latitude_deg) <= 90).all():  # noqa: PLR2004 - the poles
            raise _invalid("latitude_deg", "leaves the range of -90 to 90 degrees")
        if not ((self.longitude_deg >= -180) & (self.longitude_deg <= 360)).all():  # noqa: PLR2004
            raise _invalid("longitude_deg", "leaves the range of -180 to 360 degrees")

    @classmethod
    def around(
        cls, latitude_deg: float, longitude_deg: float, *, span_deg: float, cells: int
    ) -> "GeoGrid":
        """A square of degrees of cells x cells places round a centre."""
        steps = np.linspace(-span_deg / 2, span_deg / 2, cells)
        return cls(latitude_deg + steps, longitude_deg + steps)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.latitude_deg.size, self.longitude_deg.size

    def mesh(self) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude of every cell, [H, W] each."""
        latitude, longitude = np.meshgrid(self.latitude_deg, self.longitude_deg, indexing="ij")
        return latitude, longitude


class Motion(Protocol):
    """What moves above the grid: an `Ephemeris` of a satellite or a `PlatformMotion`."""

    @property
    def offset_s(self) -> FloatArray:
        """[T] seconds after the start."""
        ...

    @property
    def position_m(self) -> FloatArray:
        """[T, 3] ECEF."""
        ...

    @property
    def velocity_m_s(self) -> FloatArray:
        """[T, 3] relative to the turning Earth."""
        ...


@dataclass(frozen=True)
class Emitter:
    """What sends from above.

    Attributes:
        name: of the satellite or platform.
        beams: its beams.
        cell_centre_m: [B, 3] the cells they cover, ECEF.
        crosses_ionosphere: whether the path does; False for platforms.
    """

    name: str
    beams: SpotBeams
    cell_centre_m: FloatArray
    crosses_ionosphere: bool = True


@dataclass(frozen=True)
class PhysicsTensor:
    """Six channels over a map at T instants.

    Attributes:
        values: [T, 6, H, W] in the units of `UNITS`, NaN where `valid` is False but for land cover.
        valid: [T, H, W] whether the satellite stands high enough for a link.
        time_utc: [T] instants.
        grid: the places.
        emitter: name of the satellite or platform.
        carrier_hz: frequency.
        exceedance_percent: setting of the weather dial.
        land_classes: names of the land-cover classes by index.
        land_source: where the classes come from.
    """

    values: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    time_utc: tuple[dt.datetime, ...]
    grid: GeoGrid
    emitter: str
    carrier_hz: float
    exceedance_percent: float
    land_classes: tuple[str, ...]
    land_source: str

    def channel(self, channel: Channel) -> npt.NDArray[np.float32]:
        """One channel, [T, H, W]."""
        return self.values[:, channel]

    def metadata(self) -> dict[str, Any]:
        """What the numbers mean, as JSON values."""
        return {
            "channels": [channel.name.lower() for channel in Channel],
            "units": [UNITS[channel] for channel in Channel],
            "axes": ["time", "channel", "latitude", "longitude"],
            "time_utc": [instant.isoformat() for instant in self.time_utc],
            "emitter": self.emitter,
            "carrier_hz": self.carrier_hz,
            "exceedance_percent": self.exceedance_percent,
            "minimum_elevation_deg": MIN_ELEVATION_DEG,
            "missing": "NaN and valid = false: the emitter stands too low",
            "land_classes": list(self.land_classes),
            "land_source": self.land_source,
        }


@dataclass(frozen=True)
class PhysicsMap:
    """Everything about a grid that does not move, made once; `tensor` then takes milliseconds.

    Attributes:
        grid: the places.
        receivers: [H * W] motionless receivers on the ellipsoid.
        sky: [H, W] the atmosphere's constants.
        terminal: the receiver, as far as the atmosphere cares.
        terms: which losses count.
        land: [H, W] codes.
        land_cover: what the codes mean.
        magnetic_latitude_deg: [H, W].
    """

    grid: GeoGrid
    receivers: Terminals
    sky: Sky
    terminal: Terminal
    terms: LossTerms
    land: Codes
    land_cover: LandCover
    magnetic_latitude_deg: FloatArray

    def tensor(
        self,
        start: dt.datetime,
        motion: Motion,
        emitter: Emitter,
        attitude: Attitude | None = None,
    ) -> PhysicsTensor:
        """The six channels at the instants of a motion.

        * path loss 20 log10(4 pi d f / c) over the slant range;
        * gain of the beam that is strongest at the cell, over isotropic;
        * attenuation by gas, cloud and rain, each at the dial's exceedance, added;
        * Doppler -f v / c, positive where the emitter approaches;
        * index of the land-cover class;
        * scintillation of the troposphere at that exceedance, and of the ionosphere below 6 GHz.

        Args:
            start: UTC of offset 0.
            motion: of the emitter.
            emitter: its beams.
            attitude: of its antenna at each instant; see `SpotBeams.gains`.

        Source: TR 38.811 6.6; ITU-R P.618-13 2.2, 2.4.
        Not modelled: the height of the ground, moving rain, interference, what the class of the
        ground does to the link (that is the channel's reader's to learn).
        """
        offset_s = motion.offset_s
        shape = self.grid.shape
        values = np.empty((len(offset_s), len(Channel), *shape), dtype=np.float32)
        valid = np.empty((len(offset_s), *shape), dtype=np.bool_)
        for index in range(len(offset_s)):
            turned = (
                None
                if attitude is None
                else Attitude(attitude.commanded[index], attitude.actual[index])
            )
            self._fill(
                values[index],
                valid[index],
                position_m=motion.position_m[index],
                velocity_m_s=motion.velocity_m_s[index],
                emitter=emitter,
                attitude=turned,
            )
        return PhysicsTensor(
            values=values,
            valid=valid,
            time_utc=tuple(start + dt.timedelta(seconds=float(offset)) for offset in offset_s),
            grid=self.grid,
            emitter=emitter.name,
            carrier_hz=self.carrier_hz,
            exceedance_percent=self.sky.exceedance.percent,
            land_classes=self.land_cover.classes,
            land_source=self.land_cover.source,
        )

    @property
    def carrier_hz(self) -> float:
        """Carrier frequency."""
        return self.sky.frequency_ghz * _GHZ

    def _fill(
        self,
        values: npt.NDArray[np.float32],
        valid: npt.NDArray[np.bool_],
        *,
        position_m: FloatArray,
        velocity_m_s: FloatArray,
        emitter: Emitter,
        attitude: Attitude | None,
    ) -> None:
        """Writes the six channels [6, H, W] and the mask [H, W] of one instant."""
        look = look_at(position_m, velocity_m_s, self.receivers)
        gain_dbi = emitter.beams.footprint_dbi(
            position_m, velocity_m_s, self.receivers.position_m, emitter.cell_centre_m, attitude
        )
        shape = self.grid.shape
        elevation_deg = look.elevation_deg.reshape(shape)
        losses = slant_losses(self.sky, elevation_deg, self.terminal, self.terms)
        attenuation_db = losses.gas_db.data + losses.cloud_db.data + losses.rain_db.data
        scintillation_db = losses.scintillation_db.data
        if emitter.crosses_ionosphere and self.terms.scintillation:
            scintillation_db = scintillation_db + ionospheric_scintillation_db(
                self.carrier_hz, self.magnetic_latitude_deg
            )
        valid[:] = elevation_deg >= MIN_ELEVATION_DEG
        loss_db = free_space_loss_db(look.range_m, self.carrier_hz)
        for channel, found in (
            (Channel.FREE_SPACE_PATH_LOSS, loss_db),
            (Channel.ANTENNA_GAIN, gain_dbi),
            (Channel.ATMOSPHERIC_ATTENUATION, attenuation_db),
            (Channel.DOPPLER, look.doppler_hz(self.carrier_hz)),
            (Channel.SCINTILLATION, scintillation_db),
        ):
            values[channel] = np.where(valid, found.reshape(shape), np.nan)
        values[Channel.LAND_COVER] = self.land


def physics_map(
    grid: GeoGrid,
    *,
    frequency_ghz: float,
    exceedance: Exceedance,
    land_cover: LandCover,
    terminal: Terminal | None = None,
    terms: LossTerms = ALL_TERMS,
) -> PhysicsMap:
    """The part of the tensor that does not move: some 2 ms a cell, from the ITU-R's maps.

    Source: ITU-R P.618-13 2.2; ITU-R P.453-13.
    Not modelled: the height of the ground in the geometry, weather that moves.

    Raises:
        InvalidArgument: frequency or exceedance is out of range, or the land cover too small.
        FailedPrecondition: the maps are not installed.
    """
    latitude, longitude = grid.mesh()
    sky = sky_over(site_constants(latitude, longitude), frequency_ghz, exceedance)
    flat = (latitude.ravel(), longitude.ravel())
    position = ecef_position(*flat)
    east, north, up = local_axes(*flat)
    return PhysicsMap(
        grid=grid,
        receivers=Terminals(position, np.zeros_like(position), east, north, up),
        sky=sky,
        terminal=terminal or Terminal(),
        terms=terms,
        land=land_cover.codes_at(latitude, longitude),
        land_cover=land_cover,
        magnetic_latitude_deg=magnetic_latitude_deg(latitude, longitude),
    )


def _invalid(field: str, what: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {what}.", reason="INVALID_FIELD", field=field)
