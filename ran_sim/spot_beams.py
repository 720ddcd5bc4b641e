"""How the satellite's array covers its cells: said by the configuration, computed here.

A 64 x 64 array has beams of 1.6 degrees, 17 km at the nadir from 600 km; a cell measures 300 km.
So one of these holds (`Coverage`), and each is a `SpotBeams`:

* a reconfigurable circular aperture a cell, as the reference problem has it (`ApertureBeams`);
* one beam a cell, plain (which leaves most of the cell in the dark) or widened by a taper or by
  spoiling its phases, at the price of gain (`PanelBeams`);
* narrow beams that hop within their cell to where an ESIM is (`HoppingBeams`).

Beams are earth-fixed (steered to their cells) or earth-moving (fixed to the satellite's frame, so
that the footprints sweep over the ground). Every angle is taken at the antenna, in its own frame.

Axes: `...` instants, U ESIMs, B beams. Positions and velocities are Earth-fixed (ECEF).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from radio_math.attitude import local_orbital_axes, seen_from
from radio_math.beams import (
    CELL_RADIUS_M,
    CELL_SPACING_M,
    REFERENCE_ALTITUDE_M,
    BeamShaping,
    beam_amplitudes,
    hexagonal_cells,
)
from radio_math.link import Floats, from_db, to_db
from radio_math.panels import (
    Element,
    Panel,
    axis_response,
    flat_top_weights,
    quadratic_phase_weights,
    separable_response,
    steered_amplitude,
)
from ran_sim.orbit.frames import FloatArray, rotation_velocity


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

    @property
    def gain_dbi(self) -> FloatArray:
        """Gain of each beam towards each ESIM over isotropic, [..., U, B] [dBi]; at least -200."""
        power = np.maximum(self.amplitude**2 * from_db(self.gain_db)[..., None, None], 1e-20)
        return to_db(power)


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


def spot_beams(coverage: Coverage, steering: Steering = Steering.EARTH_FIXED) -> SpotBeams:
    """The reference satellite's beams, a 64 x 64 array over cells of 300 km, as configured.

    Raises:
        SpotBeamError: coverage and steering do not go together.
    """
    if coverage is Coverage.FIXED_APERTURE:
        return ApertureBeams(BeamShaping.FIXED, steering)
    if coverage is Coverage.ADAPTIVE_APERTURE:
        return ApertureBeams(BeamShaping.ADAPTIVE, steering)
    if coverage is Coverage.HOPPING:
        if steering is Steering.EARTH_MOVING:
            raise SpotBeamError(
                "hopping beams are steered to spots on the ground; use earth_fixed steering"
            )
        return HoppingBeams()
    return PanelBeams(coverage, steering)


def nadir_axes(position_m: FloatArray, velocity_m_s: FloatArray) -> FloatArray:
    """Frame [..., 3, 3] of a nadir-pointing satellite from its Earth-fixed motion.

    The orbit plane is that of the inertial velocity v + omega x r.

    Source: Wertz 1978 2.2.
    Not modelled: yaw steering for the solar panels.
    """
    return local_orbital_axes(position_m, velocity_m_s + rotation_velocity(position_m))


def moving_beam_centres(
    altitude_m: float = REFERENCE_ALTITUDE_M, cell_radius_m: float = CELL_RADIUS_M
) -> FloatArray:
    """Where earth-moving beams look, [B, 3] in the antenna's frame [m].

    The hexagonal layout of the cells below an antenna at the given altitude, on a flat ground.
    """
    offset = hexagonal_cells(spacing_m=CELL_SPACING_M * cell_radius_m / CELL_RADIUS_M)
    return np.concatenate((offset, np.full((len(offset), 1), altitude_m)), axis=-1)


@dataclass(frozen=True)
class ApertureBeams:
    """One circular aperture a cell: the beams of the reference problem, `radio_math.beams`.

    Attributes:
        shaping: how the width follows the geometry.
        steering: earth-moving beams keep their width, so only FIXED can be earth-moving.
    """

    shaping: BeamShaping = BeamShaping.ADAPTIVE
    steering: Steering = Steering.EARTH_FIXED

    def __post_init__(self) -> None:
        if self.shaping is BeamShaping.ADAPTIVE and self.steering is Steering.EARTH_MOVING:
            raise SpotBeamError(
                "an adaptive aperture follows its earth-fixed cell; use a fixed aperture for "
                "earth_moving beams"
            )

    def gains(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        esim_position_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> BeamGains:
        """See `SpotBeams.gains`. Source: TR 38.811 6.4.1."""
        seen_at, centre = esim_position_m, cell_centre_m
        if attitude is None and self.steering is Steering.EARTH_MOVING:
            axes = nadir_axes(satellite_position_m, satellite_velocity_m_s)
            attitude = Attitude(axes, axes)
        if attitude is not None:
            # Where the ESIMs seem to be to somebody who believes the commanded frame.
            direction = seen_from(attitude.actual, satellite_position_m, esim_position_m)
            away = esim_position_m - satellite_position_m[..., None, :]
            distance = np.linalg.norm(away, axis=-1, keepdims=True)
            seen_at = satellite_position_m[..., None, :] + distance * direction @ attitude.commanded
            if self.steering is Steering.EARTH_MOVING:
                looked_at = moving_beam_centres() @ attitude.commanded
                centre = satellite_position_m[..., None, :] + looked_at
        amplitude, gain_db = beam_amplitudes(satellite_position_m, seen_at, centre, self.shaping)
        return BeamGains(amplitude, gain_db, np.ones(amplitude.shape[:-1]))


@dataclass(frozen=True)
class PanelBeams:
    """One beam of a planar array a cell, plain or widened to the cell.

    A widened beam is a rectangle along the panel's axes round the cell as the satellite sees it,
    half power at the cell's edge; it is never narrower than the array allows.

    Attributes:
        coverage: PLAIN, TAPERED or PHASE_SPOILED.
        steering: earth-fixed or earth-moving.
        panel: the array.
        element: its elements.
        cell_radius_m: what a widened beam covers.
        altitude_m: for which earth-moving beams are laid out.

    Not modelled: a taper's loss of transmit power (its gain is that of a receiving array), the
    phase of a phase-spoiled pattern.
    """

    coverage: Coverage = Coverage.TAPERED
    steering: Steering = Steering.EARTH_FIXED
    panel: Panel = field(default_factory=Panel)
    element: Element = field(default_factory=Element)
    cell_radius_m: float = CELL_RADIUS_M
    altitude_m: float = REFERENCE_ALTITUDE_M

    def __post_init__(self) -> None:
        if self.coverage not in {Coverage.PLAIN, Coverage.TAPERED, Coverage.PHASE_SPOILED}:
            raise SpotBeamError(
                f"a beam of a panel cannot have coverage {self.coverage}; use plain, tapered or "
                "phase_spoiled"
            )
        if not self.cell_radius_m > 0:
            raise SpotBeamError(f"cell_radius_m is {self.cell_radius_m:g}; it must be above zero")

    def gains(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        esim_position_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> BeamGains:
        """See `SpotBeams.gains`. Source: Balanis 2016 6.10."""
        if attitude is None:
            axes = nadir_axes(satellite_position_m, satellite_velocity_m_s)
            attitude = Attitude(axes, axes)
        target = seen_from(attitude.actual, satellite_position_m, esim_position_m)
        if self.steering is Steering.EARTH_MOVING:
            centre = moving_beam_centres(
                self.altitude_m, self.cell_radius_m
            )  # [B, 3] in the antenna's frame
            up = np.array([0.0, 0.0, -1.0])
        else:
            sight = cell_centre_m - satellite_position_m[..., None, :]
            to_frame = np.swapaxes(attitude.commanded, -1, -2)
            centre = sight @ to_frame  # [..., B, 3]
            up = _unit(np.broadcast_to(cell_centre_m, sight.shape)) @ to_frame
        steering = _unit(centre)
        half_width = np.zeros((*steering.shape[:-1], 2))
        if self.coverage is not Coverage.PLAIN:
            middle, half_width = self._box(centre, up)
            ahead = np.sqrt(np.maximum(1 - np.sum(middle**2, axis=-1, keepdims=True), 0.0))
            steering = np.concatenate((middle, ahead), axis=-1)
        response, at_centre = self._response(target, steering, half_width)
        peak_db = to_db(at_centre) + self.element.gain_dbi(steering[..., 2])
        gain_db = np.broadcast_to(peak_db.mean(axis=-1), target.shape[:-2])
        element = from_db(self.element.gain_dbi(target[..., 2]) - gain_db[..., None])
        amplitude = response * np.sqrt(element)[..., None]
        return BeamGains(amplitude, gain_db, np.ones(amplitude.shape[:-1]))

    def _response(
        self, target: Floats, steering: Floats, half_width: Floats
    ) -> tuple[Floats, Floats]:
        """Response [..., U, B] over one element, and its square [..., B] at the beams' centres."""
        if self.coverage is Coverage.PLAIN:
            amplitude = np.sqrt(self.panel.elements) * steered_amplitude(
                self.panel, target, steering
            )
            return amplitude, np.full(steering.shape[:-1], float(self.panel.elements))
        width_rad = self.panel.phase_step_rad(half_width)
        along_x, along_y = (
            shaping.weights(width_rad[..., axis]) for axis, shaping in enumerate(self._shapings)
        )
        response = separable_response(self.panel, along_x, along_y, target, steering)
        at_centre = np.abs(along_x.sum(axis=-1) * along_y.sum(axis=-1)) ** 2
        real = self.coverage is Coverage.TAPERED
        return response.real if real else np.abs(response), at_centre

    def _box(self, centre: Floats, up: Floats) -> tuple[Floats, Floats]:
        """The rectangle of direction cosines round each cell: middle and half width [..., B, 2].

        A step p on the ground turns the sight s by (p - (p.s) s) / distance, so the direction
        cosine along x changes most along the ground's part of x - u s. The two edges that way span
        the rectangle; its middle is not the cell's centre, because the near half looks larger.
        """
        distance = np.linalg.norm(centre, axis=-1, keepdims=True)
        sight = centre / distance
        across = np.eye(3)[:2] - sight[..., :2, None] * sight[..., None, :]  # [..., B, 2, 3]
        level = (
            across - np.sum(across * up[..., None, :], axis=-1, keepdims=True) * up[..., None, :]
        )
        way = self.cell_radius_m * _unit(level)
        ahead, behind = (_unit(centre[..., None, :] + step) for step in (way, -way))
        last, first = (np.diagonal(edge, axis1=-2, axis2=-1)[..., :2] for edge in (ahead, behind))
        return (last + first) / 2, (last - first) / 2

    @cached_property
    def _shapings(self) -> "tuple[_Widening, _Widening]":
        tapered = self.coverage is Coverage.TAPERED
        along_x = _Widening.for_axis(self.panel.columns, tapered=tapered)
        if self.panel.rows == self.panel.columns:
            return along_x, along_x
        return along_x, _Widening.for_axis(self.panel.rows, tapered=tapered)


@dataclass(frozen=True)
class HoppingBeams:
    """One plain beam a cell that dwells on the spots of its cell that hold an ESIM, in turn.

    Each cell is divided into a hexagonal lattice of spots, fixed to the Earth. Dwells are short
    against a tick, so the gains are those over one round: an ESIM meets the beam of its own cell
    while it dwells on its spot, for a `share` of the time, and the beams of other cells with their
    mean power over their dwells (amplitudes are magnitudes). A cell without ESIMs lights its
    centre.

    Attributes:
        panel: the array.
        element: its elements.
        spot_spacing_m: between the centres of neighbouring spots. 14 km puts the corner between
            three spots at half power for the 16.6 km of a 64 x 64 array at the nadir of 600 km.

    Not modelled: time lost in switching; a spot shared by two ESIMs is visited once for each.
    """

    panel: Panel = field(default_factory=Panel)
    element: Element = field(default_factory=Element)
    spot_spacing_m: float = 14e3

    def __post_init__(self) -> None:
        if not self.spot_spacing_m > 0:
            raise SpotBeamError(f"spot_spacing_m is {self.spot_spacing_m:g}; it must be above zero")

    def gains(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        esim_position_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> BeamGains:
        """See `SpotBeams.gains`. Source: Balanis 2016 6.10; TR 38.821 6.1.1.1."""
        if attitude is None:
            axes = nadir_axes(satellite_position_m, satellite_velocity_m_s)
            attitude = Attitude(axes, axes)
        centre = np.broadcast_to(
            cell_centre_m, (*esim_position_m.shape[:-2], *cell_centre_m.shape[-2:])
        )
        away = esim_position_m[..., :, None, :] - centre[..., None, :, :]  # [..., U, B, 3]
        home = np.argmin(np.sum(away**2, axis=-1), axis=-1)  # [..., U]
        home_centre = np.take_along_axis(centre, home[..., None], axis=-2)
        spots = self.spot_centres(esim_position_m, home_centre)
        lit = np.concatenate((spots, centre), axis=-2)  # [..., U + B, 3]
        steering = seen_from(attitude.commanded, satellite_position_m, lit)
        target = seen_from(attitude.actual, satellite_position_m, esim_position_m)
        power = self.panel.elements * steered_amplitude(self.panel, target, steering) ** 2
        in_cell = home[..., None] == np.arange(centre.shape[-2])  # [..., U, B]
        count = in_cell.sum(axis=-2)  # [..., B]
        dwell = np.concatenate(
            (
                in_cell / np.maximum(count, 1)[..., None, :],
                (count == 0)[..., None, :] * np.eye(centre.shape[-2]),
            ),
            axis=-2,
        )  # [..., U + B, B] part of a round that beam b lights spot s
        own = np.diagonal(power, axis1=-2, axis2=-1)  # [..., U]: the first U spots are theirs
        mean = np.where(in_cell, own[..., None], power @ dwell)
        esims = esim_position_m.shape[-2]
        at_spot_db = self.panel.array_gain_db + self.element.gain_dbi(steering[..., :esims, 2])
        gain_db = at_spot_db.mean(axis=-1)
        element = from_db(self.element.gain_dbi(target[..., 2]) - gain_db[..., None])
        share = np.take_along_axis(1 / np.maximum(count, 1), home, axis=-1)
        return BeamGains(np.sqrt(mean * element[..., None]), gain_db, share)

    def spot_centres(self, position_m: FloatArray, cell_centre_m: FloatArray) -> FloatArray:
        """Centres [..., 3] of the spots that points [..., 3] of cells [..., 3] lie in.

        The lattice lies in the tangent plane of the cell, its centres at the points' height.
        """
        up = _unit(cell_centre_m)
        east = _unit(np.cross(np.array([0.0, 0.0, 1.0]), up))
        north = np.cross(up, east)
        offset = position_m - cell_centre_m
        plane = np.stack((np.sum(offset * east, -1), np.sum(offset * north, -1)), axis=-1)
        spot = nearest_lattice_point(plane, self.spot_spacing_m)
        flat = cell_centre_m + spot[..., :1] * east + spot[..., 1:] * north
        return np.asarray(_unit(flat) * np.linalg.norm(position_m, axis=-1, keepdims=True))


def nearest_lattice_point(point_m: FloatArray, spacing_m: float) -> FloatArray:
    """Nearest points [..., 2] of the hexagonal lattice of a spacing, which holds the origin."""
    # Two rectangular lattices make the hexagonal one; the nearer of their nearest points wins.
    cell = spacing_m * np.array([1.0, np.sqrt(3.0)])
    even = np.round(point_m / cell) * cell
    odd = (np.round(point_m / cell - 0.5) + 0.5) * cell
    nearer = np.sum((point_m - odd) ** 2, axis=-1) < np.sum((point_m - even) ** 2, axis=-1)
    return np.where(nearer[..., None], odd, even)


@dataclass(frozen=True)
class _Widening:
    """Weights of one axis by the half-power half width they are to have.

    How wide a beam becomes depends on the design width, the number of elements and, for spoiled
    phases, on ripple; so it is measured once, on a grid of design widths, and looked up.
    """

    count: int
    tapered: bool
    design_rad: Floats  # [D] rising
    half_power_rad: Floats  # [D] rising

    @classmethod
    def for_axis(cls, count: int, *, tapered: bool) -> "_Widening":
        design = np.linspace(0.0, 0.95 * np.pi, 192)
        phase = np.linspace(0.0, np.pi, 2048)
        made = _weights(count, design, tapered=tapered)
        power = np.abs(axis_response(made, phase)) ** 2  # [D, P]
        strong = power >= power[:, :1] / 2
        outermost = len(phase) - 1 - np.argmax(strong[:, ::-1], axis=1)
        # Ripple may make a wider design a little narrower; a lookup needs an order.
        return cls(count, tapered, design, np.maximum.accumulate(phase[outermost]))

    def weights(self, half_width_rad: Floats) -> Any:
        """Weights [..., N] of unit norm, half power at a half width [...]; the nearest there is."""
        design = np.interp(half_width_rad, self.half_power_rad, self.design_rad)
        return _weights(self.count, design, tapered=self.tapered)


def _weights(count: int, design_rad: Floats, *, tapered: bool) -> Any:
    made = flat_top_weights if tapered else quadratic_phase_weights
    return made(count, design_rad)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))
