"""The service area: eight earth-fixed cells and the ESIMs that drive in them."""

from dataclasses import dataclass

import numpy as np

from radio_math.beams import CELL_RADIUS_M, CELL_SPACING_M, hexagonal_cells
from ran_sim.mobility import Track
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import displaced, ecef_position, local_axes
from ran_sim.orbit.look import Terminals
from ran_sim.orbit.passes import Site
from ran_sim.orbit.propagation import Ephemeris

HOME_CELL = (0, 1, 2, 3, 4, 5, 6, 7, 0, 7)
"""[U] the cell, and so the beam, that each ESIM stays in: one in each, two in opposite corners."""

REFERENCE_CARRIER = (0, 1, 2, 3, 2, 3, 0, 1, 3, 2)
"""[U] carriers of the reference allocation: no two ESIMs of one cell or of neighbouring cells share
one, so that a beam's reference SINR tells of its link and not of its neighbours."""


@dataclass(frozen=True)
class ServiceArea:
    """Cells of 150 km radius or less, hexagonal 2 x 4, laid out round a centre.

    Attributes:
        site: the centre.
        cell_radius_m: of the hexagons.
        offset_m: [B, 2] east and north of the centre.
        latitude_deg: [B] of the cells' centres.
        longitude_deg: [B] of the cells' centres.
        centre_m: [B, 3] ECEF of the cells' centres.
    """

    site: Site
    cell_radius_m: float
    offset_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    centre_m: FloatArray

    def terminals(self, tracks: list[Track]) -> Terminals:
        """The ESIMs' motion, Earth-fixed, arrays [T, U, 3]; one track an ESIM."""
        cells = np.array(HOME_CELL)
        position = np.stack([track.position_m for track in tracks], axis=1)  # [T, U, 2]
        velocity = np.stack([track.velocity_m_s for track in tracks], axis=1)
        latitude, longitude = displaced(
            self.latitude_deg[cells], self.longitude_deg[cells], position[..., 0], position[..., 1]
        )
        east, north, up = local_axes(latitude, longitude)
        return Terminals(
            position_m=ecef_position(latitude, longitude),
            velocity_m_s=velocity[..., :1] * east + velocity[..., 1:] * north,
            east=east,
            north=north,
            up=up,
        )

    def at(self, position_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude [...] in degrees of places [..., 2] east and north of the centre.

        Not modelled: that the cells' own planes, in which ESIMs move, are turned a little against
        the centre's.
        """
        return displaced(
            self.site.latitude_deg, self.site.longitude_deg, position_m[..., 0], position_m[..., 1]
        )

    def elevation_deg(self, satellite: Ephemeris) -> FloatArray:
        """Elevation [T, B] of a satellite over the horizon of each cell's centre."""
        _, _, up = local_axes(self.latitude_deg, self.longitude_deg)
        sight = satellite.position_m[:, None, :] - self.centre_m
        sine = np.sum(sight * up, axis=-1) / np.linalg.norm(sight, axis=-1)
        return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def service_area(
    latitude_deg: float, longitude_deg: float, cell_radius_m: float = CELL_RADIUS_M
) -> ServiceArea:
    """The eight cells round a centre."""
    offsets = hexagonal_cells(spacing_m=CELL_SPACING_M * cell_radius_m / CELL_RADIUS_M)
    latitude, longitude = displaced(latitude_deg, longitude_deg, offsets[:, 0], offsets[:, 1])
    return ServiceArea(
        Site(latitude_deg, longitude_deg),
        cell_radius_m,
        offsets,
        latitude,
        longitude,
        ecef_position(latitude, longitude),
    )
