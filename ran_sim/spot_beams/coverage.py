"""What ways to cover cells have in common: their names, their frames and what they give."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from radio_math.attitude import local_orbital_axes
from radio_math.beams import CELL_RADIUS_M, CELL_SPACING_M, REFERENCE_ALTITUDE_M, hexagonal_cells
from radio_math.channel import LinkGeometry
from radio_math.link import Floats, from_db, to_db
from ran_sim.orbit.frames import FloatArray, rotation_velocity
from ran_sim.orbit.look import Look

_LEAST_GAIN = 1e-20  # -200 dBi: exact nulls stay finite


class SpotBeamError(ValueError):
    """Beams that cannot be had together; the message says what to change."""


class Coverage(StrEnum):
    """How a beam fills its cell.

    FIXED_APERTURE, ADAPTIVE_APERTURE: `radio_math.beams.BeamShaping`.
    PLAIN: one unwidened beam at the cell's centre.
    TAPERED: one beam widened by real weights, half power at the cell's edge; for receiving.
    PHASE_SPOILED: one beam widened by phases alone; all elements at full power, ripples.
    HOPPING: one plain beam that visits the ESIMs of its cell in turn.
    """

    FIXED_APERTURE = "fixed_aperture"
    ADAPTIVE_APERTURE = "adaptive_aperture"
    PLAIN = "plain"
    TAPERED = "tapered"
    PHASE_SPOILED = "phase_spoiled"
    HOPPING = "hopping"


class Steering(StrEnum):
    """What the beams stand still in.

    EARTH_FIXED: each is steered to its cell. EARTH_MOVING: each keeps its direction in the
    satellite's frame, and its footprint moves over the ground at some 7 km/s.
    """

    EARTH_FIXED = "earth_fixed"
    EARTH_MOVING = "earth_moving"


@dataclass(frozen=True)
class Attitude:
    """The antenna's frame as it is believed to be, and as it is.

    Beams are steered by the commanded frame, waves arrive in the actual one: the difference is a
    pointing error of all beams together.

    Attributes:
        commanded: [..., 3, 3], see `radio_math.attitude`.
        actual: [..., 3, 3].
    """

    commanded: FloatArray
    actual: FloatArray


@dataclass(frozen=True)
class BeamGains:
    """What the ESIMs get of the beams.

    Attributes:
        amplitude: [..., U, B] relative to the peak of a beam of mean gain, as `RadioContext` has
            it; signed where the pattern is real, else a magnitude.
        gain_db: [...] that mean gain over isotropic [dBi]: mean of the decibels at the beams'
            centres.
        share: [..., U] part of the time that the beam of an ESIM's cell is there for it; 1 unless
            beams hop.
    """

    amplitude: FloatArray
    gain_db: FloatArray
    share: FloatArray

    def link(self, look: Look) -> LinkGeometry:
        """These gains and the angles [..., U] at which the ESIMs see their source."""
        return LinkGeometry(
            azimuth_deg=look.azimuth_deg,
            elevation_deg=look.elevation_deg,
            slant_range_m=look.range_m,
            beam_amplitude=self.amplitude,
            satellite_gain_db=self.gain_db,
        )

    @property
    def gain_dbi(self) -> FloatArray:
        """Gain of each beam towards each ESIM over isotropic, [..., U, B] [dBi]; at least -200."""
        return _dbi(self.amplitude**2, self.gain_db[..., None, None])

    @property
    def strongest_dbi(self) -> FloatArray:
        """Gain of the beam that is strongest at each ESIM, [..., U] [dBi]; at least -200."""
        return _dbi(np.max(self.amplitude**2, axis=-1), self.gain_db[..., None])


class SpotBeams(Protocol):
    """A way to cover cells."""

    def gains(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        esim_position_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> BeamGains:
        """Gains of the beams towards the ESIMs.

        Args:
            satellite_position_m: [..., 3].
            satellite_velocity_m_s: [..., 3] relative to the turning Earth.
            esim_position_m: [..., U, 3].
            cell_centre_m: [B, 3] or [..., B, 3] centres of the cells.
            attitude: of the antenna; nadir-pointing along the orbit where it is left out.
        """
        ...

    def footprint_dbi(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        place_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> FloatArray:
        """Gain [..., P] over isotropic [dBi] of the best beam at places [..., P, 3] of a map."""
        ...


def nadir_axes(position_m: FloatArray, velocity_m_s: FloatArray) -> FloatArray:
    """Frame [..., 3, 3] of a nadir-pointing satellite from its Earth-fixed motion.

    The orbit plane is that of the inertial velocity v + omega x r.

    Source: Wertz 1978 2.2.
    Not modelled: yaw steering for the solar panels.
    """
    return local_orbital_axes(position_m, velocity_m_s + rotation_velocity(position_m))


def nadir_attitude(position_m: FloatArray, velocity_m_s: FloatArray) -> Attitude:
    """Attitude of a satellite that points to the nadir without error."""
    axes = nadir_axes(position_m, velocity_m_s)
    return Attitude(commanded=axes, actual=axes)


def moving_beam_centres(
    altitude_m: float = REFERENCE_ALTITUDE_M, cell_radius_m: float = CELL_RADIUS_M
) -> FloatArray:
    """Where earth-moving beams look, [B, 3] in the antenna's frame [m].

    The hexagonal layout of the cells below an antenna at the given altitude, on a flat ground.
    """
    offset = hexagonal_cells(spacing_m=CELL_SPACING_M * cell_radius_m / CELL_RADIUS_M)
    return np.concatenate((offset, np.full((len(offset), 1), altitude_m)), axis=-1)


def unit_vectors(vector: Floats) -> Floats:
    """Vectors [..., 3] divided by their lengths."""
    return np.asarray(vector / np.sqrt(np.vecdot(vector, vector))[..., None])


def _dbi(relative_power: Floats, gain_db: Floats) -> Floats:
    return to_db(np.maximum(relative_power * from_db(gain_db), _LEAST_GAIN))
