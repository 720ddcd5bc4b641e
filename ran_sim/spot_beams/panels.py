"""Beams of a planar array, plain or widened to their cells."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from radio_math.attitude import seen_from
from radio_math.beams import CELL_RADIUS_M, REFERENCE_ALTITUDE_M
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
from ran_sim.orbit.frames import FloatArray
from ran_sim.spot_beams.coverage import (
    Attitude,
    BeamGains,
    Coverage,
    SpotBeamError,
    Steering,
    moving_beam_centres,
    nadir_attitude,
    unit_vectors,
)


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
        """See `SpotBeams.gains`. Source: Balanis 2016 6.10.

        Not modelled: cells seen obliquely are not rectangles; see the class.
        """
        attitude = attitude or nadir_attitude(satellite_position_m, satellite_velocity_m_s)
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
            up = unit_vectors(np.broadcast_to(cell_centre_m, sight.shape)) @ to_frame
        steering = unit_vectors(centre)
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

    def footprint_dbi(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        place_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> FloatArray:
        """See `SpotBeams.footprint_dbi`."""
        return self.gains(
            satellite_position_m, satellite_velocity_m_s, place_m, cell_centre_m, attitude
        ).strongest_dbi

    def _response(
        self, target: Floats, steering: Floats, half_width: Floats
    ) -> tuple[Floats, Floats]:
        """Response [..., U, B] over one element, and its square [..., B] at the beams' centres."""
        if self.coverage is Coverage.PLAIN:
            amplitude = np.sqrt(self.panel.elements) * steered_amplitude(
                self.panel, target, steering
            )
            return amplitude, np.full(steering.shape[:-1], float(self.panel.elements))
        along_x, along_y = self._weights(self.panel.phase_step_rad(half_width))
        response = separable_response(self.panel, along_x, along_y, target, steering)
        at_centre = np.abs(along_x.sum(axis=-1) * along_y.sum(axis=-1)) ** 2
        return np.abs(response) if np.iscomplexobj(response) else response, at_centre

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
        way = self.cell_radius_m * unit_vectors(level)
        ahead, behind = (unit_vectors(centre[..., None, :] + step) for step in (way, -way))
        last, first = (np.diagonal(edge, axis1=-2, axis2=-1)[..., :2] for edge in (ahead, behind))
        return (last + first) / 2, (last - first) / 2

    def _weights(self, width_rad: Floats) -> tuple[Any, Any]:
        """Weights [..., B, Nx] and [..., B, Ny] for half widths [..., B, 2] in phase."""
        along_x, along_y = self._widenings
        if along_x is along_y:
            both = along_x.weights(np.moveaxis(width_rad, -1, 0))
            return both[0], both[1]
        return along_x.weights(width_rad[..., 0]), along_y.weights(width_rad[..., 1])

    @cached_property
    def _widenings(self) -> "tuple[_Widening, _Widening]":
        tapered = self.coverage is Coverage.TAPERED
        along_x = _Widening.for_axis(self.panel.columns, tapered=tapered)
        if self.panel.rows == self.panel.columns:
            return along_x, along_x
        return along_x, _Widening.for_axis(self.panel.rows, tapered=tapered)


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
