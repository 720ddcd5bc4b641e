"""Narrow beams that hop within their cells."""

from dataclasses import dataclass, field

import numpy as np

from radio_math.attitude import seen_from
from radio_math.beams import CELL_RADIUS_M
from radio_math.link import from_db
from radio_math.panels import Element, Panel, pointed_gain_dbi, steered_amplitude
from radio_math.reuse import Indices
from ran_sim.orbit.frames import FloatArray
from ran_sim.spot_beams.coverage import (
    Attitude,
    BeamGains,
    SpotBeamError,
    nadir_attitude,
    unit_vectors,
)


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
        cell_radius_m: the beam stays within it.

    Not modelled: time lost in switching; a spot shared by two ESIMs is visited once for each.
    """

    panel: Panel = field(default_factory=Panel)
    element: Element = field(default_factory=Element)
    spot_spacing_m: float = 14e3
    cell_radius_m: float = CELL_RADIUS_M

    def __post_init__(self) -> None:
        if not self.spot_spacing_m > 0:
            raise SpotBeamError(f"spot_spacing_m is {self.spot_spacing_m:g}; it must be above zero")
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
        """See `SpotBeams.gains`. Source: Balanis 2016 6.10; TR 38.821 6.1.1.1.

        Not modelled: the order of the dwells, and what an ESIM meets between its own.
        """
        attitude = attitude or nadir_attitude(satellite_position_m, satellite_velocity_m_s)
        home, spots = self._spots(esim_position_m, cell_centre_m)
        centre = np.broadcast_to(
            cell_centre_m, (*esim_position_m.shape[:-2], *cell_centre_m.shape[-2:])
        )
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

    def footprint_dbi(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        place_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> FloatArray:
        """See `SpotBeams.footprint_dbi`: each place while the beam of its cell is there for it."""
        attitude = attitude or nadir_attitude(satellite_position_m, satellite_velocity_m_s)
        _, spots = self._spots(place_m, cell_centre_m)
        pointing = seen_from(attitude.commanded, satellite_position_m, spots)
        target = seen_from(attitude.actual, satellite_position_m, place_m)
        return pointed_gain_dbi(self.panel, self.element, target, pointing)

    def _spots(self, place_m: FloatArray, cell_centre_m: FloatArray) -> tuple[Indices, FloatArray]:
        """The cell [..., P] nearest to each place, and the centre [..., P, 3] of its spot there."""
        away = place_m[..., :, None, :] - cell_centre_m[..., None, :, :]  # [..., P, B, 3]
        home = np.argmin(np.sum(away**2, axis=-1), axis=-1)
        centre = np.broadcast_to(cell_centre_m, (*home.shape[:-1], *cell_centre_m.shape[-2:]))
        home_centre = np.take_along_axis(centre, home[..., None], axis=-2)
        return home, self.spot_centres(place_m, home_centre)

    def spot_centres(self, position_m: FloatArray, cell_centre_m: FloatArray) -> FloatArray:
        """Centres [..., 3] of the spots that points [..., 3] of cells [..., 3] lie in.

        The lattice lies in the tangent plane of the cell, its centres at the points' height. A
        point outside of its cell gets the spot at the cell's edge nearest to it.
        """
        up = unit_vectors(cell_centre_m)
        east = unit_vectors(np.cross(np.array([0.0, 0.0, 1.0]), up))
        north = np.cross(up, east)
        offset = position_m - cell_centre_m
        plane = np.stack((np.sum(offset * east, -1), np.sum(offset * north, -1)), axis=-1)
        radius = np.maximum(np.linalg.norm(plane, axis=-1, keepdims=True), self.cell_radius_m)
        spot = nearest_lattice_point(plane * (self.cell_radius_m / radius), self.spot_spacing_m)
        flat = cell_centre_m + spot[..., :1] * east + spot[..., 1:] * north
        return np.asarray(unit_vectors(flat) * np.linalg.norm(position_m, axis=-1, keepdims=True))


def nearest_lattice_point(point_m: FloatArray, spacing_m: float) -> FloatArray:
    """Nearest points [..., 2] of the hexagonal lattice of a spacing, which holds the origin."""
    # Two rectangular lattices make the hexagonal one; the nearer of their nearest points wins.
    cell = spacing_m * np.array([1.0, np.sqrt(3.0)])
    even = np.round(point_m / cell) * cell
    odd = (np.round(point_m / cell - 0.5) + 0.5) * cell
    nearer = np.sum((point_m - odd) ** 2, axis=-1) < np.sum((point_m - even) ** 2, axis=-1)
    return np.where(nearer[..., None], odd, even)
