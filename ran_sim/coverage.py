"""What a scenario chooses to serve with: beams over their cells, a platform beside satellites."""

import math
from dataclasses import dataclass

import numpy as np

from radio_math.attenuation import MIN_ELEVATION_DEG
from radio_math.beams import CELL_RADIUS_M, CELL_SPACING_M, hexagonal_cells
from radio_math.link import EARTH_RADIUS_M
from ran_sim.haps import Platform
from ran_sim.orbit.geodesy import ecef_position
from ran_sim.ranges import check_range, invalid_field, is_identity
from ran_sim.spot_beams import (
    Coverage,
    PanelBeams,
    SpotBeamError,
    SpotBeams,
    Steering,
    spot_beams,
)

_PANEL_COVERAGES = frozenset({Coverage.PLAIN, Coverage.TAPERED, Coverage.PHASE_SPOILED})


@dataclass(frozen=True)
class BeamChoice:
    """How the satellite's array covers its cells; the default is that of the reference problem.

    Attributes:
        coverage: how a beam fills its cell; hopping beams serve maps only.
        steering: what the beams stand still in.
        cell_radius_m: of the hexagonal cells.
    """

    coverage: Coverage = Coverage.ADAPTIVE_APERTURE
    steering: Steering = Steering.EARTH_FIXED
    cell_radius_m: float = CELL_RADIUS_M

    def __post_init__(self) -> None:
        if self.coverage is Coverage.HOPPING:
            raise invalid_field(
                "beams.coverage",
                "hopping, whose beams light an ESIM a share of the time, which no decision here "
                "knows of; use another coverage, or `aimlctl sim tensor` for a map of it",
            )
        check_range("beams.cell_radius_km", self.cell_radius_m / 1e3, 1.0, CELL_RADIUS_M / 1e3)
        try:
            self.beams()
        except SpotBeamError as error:
            raise invalid_field("beams.steering", f"{self.steering.value}, but {error}") from error

    def beams(self) -> SpotBeams:
        """The satellite's beams.

        Raises:
            InvalidArgument: cells of this radius cannot be covered this way.
        """
        if self.cell_radius_m == CELL_RADIUS_M:
            return spot_beams(self.coverage, self.steering)
        if self.coverage not in _PANEL_COVERAGES or self.steering is Steering.EARTH_MOVING:
            raise invalid_field(
                "beams.cell_radius_km",
                f"{self.cell_radius_m / 1e3:g}, which needs coverage plain, tapered or "
                "phase_spoiled and earth_fixed steering; use them or leave it at 150",
            )
        return PanelBeams(self.coverage, self.steering, cell_radius_m=self.cell_radius_m)


@dataclass(frozen=True)
class PlatformChoice:
    """A high-altitude platform as a second access layer.

    Attributes:
        platform: where it keeps its station, and how well.
        satellite_elevation_deg: elevation of a satellite over the centre of the service area at
            which satellite and platform are worth the same; the hysteresis of the handover lies on
            both sides of it.
    """

    platform: Platform
    satellite_elevation_deg: float = 30.0

    def __post_init__(self) -> None:
        if not is_identity(self.platform.name):
            raise invalid_field("platform.name", f"{self.platform.name!r}; use it like scenario_id")
        check_range("platform.satellite_elevation_deg", self.satellite_elevation_deg, 0.0, 90.0)

    def check_reach(self, latitude_deg: float, longitude_deg: float, cell_radius_m: float) -> None:
        """Refuses a platform that stands too low for the edge of the service area.

        Raises:
            InvalidArgument: naming the altitude.
        """
        here = self.platform
        offsets = hexagonal_cells(spacing_m=CELL_SPACING_M * cell_radius_m / CELL_RADIUS_M)
        edge_m = float(np.hypot(offsets[:, 0], offsets[:, 1]).max()) + cell_radius_m
        away = ecef_position(latitude_deg, longitude_deg) - ecef_position(
            here.latitude_deg, here.longitude_deg
        )
        edge_m += float(np.linalg.norm(away)) + here.wander_radius_m
        # The horizon sinks by the angle that the edge subtends at the Earth's centre.
        elevation_deg = math.degrees(math.atan2(here.altitude_m, edge_m) - edge_m / EARTH_RADIUS_M)
        if elevation_deg < MIN_ELEVATION_DEG:
            raise invalid_field(
                "platform.altitude_m",
                f"{here.altitude_m:g}, which stands {elevation_deg:.1f} degrees above the horizon "
                f"of an ESIM {edge_m / 1e3:.0f} km away; use a higher platform over the service "
                "area, or a smaller beams.cell_radius_km",
            )
