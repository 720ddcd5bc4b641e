"""Where the serving satellite is and where its beams point, from what the simulator reports.

Source: TS 38.331 EphemerisInfo (steps), TS 28.541 Beam (angles in tenths of a degree).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radio_math.beams import CELL_RADIUS_M, CELL_SPACING_M, REFERENCE_ALTITUDE_M, hexagonal_cells
from radio_math.link import Floats

POSITION_STEP_M = 1.3
VELOCITY_STEP_M_S = 0.06
_SEMI_MAJOR_AXIS_M, _ECCENTRICITY_SQUARED = 6_378_137.0, 6.694379990141e-3  # WGS84
_MEAN_RADIUS_M = 6_371_008.8


@dataclass(frozen=True)
class Sight:
    """The satellite as seen from the centre of the service area.

    Attributes:
        azimuth_deg: From north over east.
        elevation_deg: Above the horizon.
        range_m: Slant range.
        at_s: Simulated time since the start of the run.
    """

    azimuth_deg: float
    elevation_deg: float
    range_m: float
    at_s: float


@dataclass(frozen=True)
class BeamDirection:
    """A beam as TS 28.541 describes it, in tenths of a degree.

    Attributes:
        azimuth: In the satellite's horizontal plane, from north over east, -1800 to 1800.
        tilt: Below its horizon, 0 to 900.
        horizontal_width: Half-power width across the direction of sight; None: not known.
        vertical_width: The same along it.
    """

    azimuth: int
    tilt: int
    horizontal_width: int | None
    vertical_width: int | None


def ecef_m(latitude_deg: float, longitude_deg: float) -> Floats:
    """Position [3] in m of a point on the ellipsoid."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    normal = _normal_m(latitude)
    return np.array(
        [
            normal * np.cos(latitude) * np.cos(longitude),
            normal * np.cos(latitude) * np.sin(longitude),
            normal * (1 - _ECCENTRICITY_SQUARED) * np.sin(latitude),
        ]
    )


def satellite_m(latitude_deg: float, longitude_deg: float, sight: Sight) -> Floats:
    """ECEF position [3] in m of a satellite seen from a point on the ellipsoid."""
    azimuth, elevation = np.radians(sight.azimuth_deg), np.radians(sight.elevation_deg)
    east, north, up = _axes(np.radians(latitude_deg), np.radians(longitude_deg))
    direction = (
        np.cos(elevation) * (np.sin(azimuth) * east + np.cos(azimuth) * north)
        + np.sin(elevation) * up
    )
    return np.asarray(ecef_m(latitude_deg, longitude_deg) + sight.range_m * direction)


def position_velocity(
    latitude_deg: float, longitude_deg: float, first: Sight, second: Sight
) -> tuple[float, dict[str, int]]:
    """Simulated time in s, and `positionVelocity` at that time, between two sights.

    At the middle of one second the mean of both positions is 1 m off, and their difference quotient
    is the velocity to within 1 mm/s.
    """
    before, after = (satellite_m(latitude_deg, longitude_deg, sight) for sight in (first, second))
    position = (before + after) / 2 / POSITION_STEP_M
    velocity = (after - before) / (second.at_s - first.at_s) / VELOCITY_STEP_M_S
    names = ("positionX", "positionY", "positionZ", "velocityVX", "velocityVY", "velocityVZ")
    values = [round(float(each)) for each in (*position, *velocity)]
    return (first.at_s + second.at_s) / 2, dict(zip(names, values, strict=True))


def beam_directions(
    latitude_deg: float, longitude_deg: float, sight: Sight, *, cell_radius_m: float, coverage: str
) -> list[BeamDirection]:
    """Directions of the beams of an earth-fixed layout, in the order of the cells.

    Args:
        latitude_deg: Of the centre of the service area.
        longitude_deg: Of it, east positive.
        sight: Where the satellite is.
        cell_radius_m: Of its hexagonal cells.
        coverage: `adaptive_aperture` (half power at the cell's edge), `fixed_aperture` (half power
            at the edge of a 150 km cell below 600 km), or another, whose widths are not told.

    Not modelled: the attitude of the satellite; it looks straight down.
    """
    offsets = hexagonal_cells(spacing_m=CELL_SPACING_M * cell_radius_m / CELL_RADIUS_M)
    satellite = satellite_m(latitude_deg, longitude_deg, sight)
    below = np.arctan2(satellite[2], np.hypot(satellite[0], satellite[1]))
    east, north, up = _axes(below, np.arctan2(satellite[1], satellite[0]))
    directions = []
    for centre_latitude, centre_longitude in _displaced(latitude_deg, longitude_deg, offsets):
        centre = ecef_m(centre_latitude, centre_longitude)
        line = centre - satellite
        distance = float(np.linalg.norm(line))
        tilt = np.degrees(np.arcsin(-np.dot(line, up) / distance))
        azimuth = np.degrees(np.arctan2(np.dot(line, east), np.dot(line, north)))
        _, _, zenith = _axes(np.radians(centre_latitude), np.radians(centre_longitude))
        sine = max(float(-np.dot(line, zenith)) / distance, 0.0)
        widths = _widths(coverage, cell_radius_m, distance, sine)
        directions.append(BeamDirection(round(10 * azimuth), round(10 * tilt), *widths))
    return directions


def _widths(
    coverage: str, cell_radius_m: float, distance_m: float, elevation_sine: float
) -> tuple[int | None, int | None]:
    if coverage == "fixed_aperture":
        width = round(20 * np.degrees(np.arctan(CELL_RADIUS_M / REFERENCE_ALTITUDE_M)))
        return width, width
    if coverage != "adaptive_aperture":
        return None, None
    across, along = (
        round(20 * np.degrees(np.arctan(cell_radius_m * share / distance_m)))
        for share in (1.0, elevation_sine)
    )
    return across, along


def _displaced(
    latitude_deg: float, longitude_deg: float, offsets_m: Floats
) -> Sequence[tuple[float, float]]:
    """Where the cells' centres are: azimuthal equidistant on the sphere of the mean radius."""
    latitude = np.radians(latitude_deg)
    angle = np.hypot(offsets_m[:, 0], offsets_m[:, 1]) / _MEAN_RADIUS_M
    bearing = np.arctan2(offsets_m[:, 0], offsets_m[:, 1])
    sine = np.sin(latitude) * np.cos(angle) + np.cos(latitude) * np.sin(angle) * np.cos(bearing)
    turned = np.arctan2(
        np.sin(bearing) * np.sin(angle) * np.cos(latitude),
        np.cos(angle) - np.sin(latitude) * sine,
    )
    latitudes, longitudes = np.degrees(np.arcsin(sine)), longitude_deg + np.degrees(turned)
    return list(zip(latitudes.tolist(), longitudes.tolist(), strict=True))


def _normal_m(latitude: float) -> float:
    return float(_SEMI_MAJOR_AXIS_M / np.sqrt(1 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2))


def _axes(latitude: float, longitude: float) -> tuple[Floats, Floats, Floats]:
    """Unit vectors to the east, the north and up, [3] each."""
    sin_lat, cos_lat = np.sin(latitude), np.cos(latitude)
    sin_lon, cos_lon = np.sin(longitude), np.cos(longitude)
    return (
        np.array([-sin_lon, cos_lon, 0.0]),
        np.array([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat]),
        np.array([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]),
    )
