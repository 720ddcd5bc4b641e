"""Points on the Earth's surface and the local horizon there: WGS84, or the sphere of 3GPP."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ran_sim.orbit.frames import FloatArray


@dataclass(frozen=True)
class Ellipsoid:
    """A figure of the Earth.

    Attributes:
        semi_major_axis_m: equatorial radius.
        flattening: (a - b) / a; 0 for a sphere.
    """

    semi_major_axis_m: float
    flattening: float

    @property
    def eccentricity_squared(self) -> float:
        """First eccentricity squared, f (2 - f)."""
        return self.flattening * (2 - self.flattening)


WGS84 = Ellipsoid(6378137.0, 1 / 298.257223563)
SPHERE = Ellipsoid(6371000.0, 0.0)
"""The spherical Earth of 3GPP's calibrations. Source: TR 38.811 6.6.2."""

SEMI_MAJOR_AXIS_M = WGS84.semi_major_axis_m
FLATTENING = WGS84.flattening


def ecef_position(
    latitude_deg: npt.ArrayLike,
    longitude_deg: npt.ArrayLike,
    altitude_m: npt.ArrayLike = 0.0,
    earth: Ellipsoid = WGS84,
) -> FloatArray:
    """ECEF position [..., 3] in m of geodetic coordinates.

    `x = (N + h) cos(lat) cos(lon)`, `z = (N (1 - e²) + h) sin(lat)`, `N = a / √(1 - e² sin²(lat))`.

    Source: NGA.STND.0036 4.14.
    Not modelled: the geoid; altitude is over the ellipsoid.
    """
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    altitude = np.asarray(altitude_m, dtype=np.float64)
    squared = earth.eccentricity_squared
    normal = earth.semi_major_axis_m / np.sqrt(1 - squared * np.sin(latitude) ** 2)
    horizontal = (normal + altitude) * np.cos(latitude)
    return np.stack(
        np.broadcast_arrays(
            horizontal * np.cos(longitude),
            horizontal * np.sin(longitude),
            (normal * (1 - squared) + altitude) * np.sin(latitude),
        ),
        axis=-1,
    )


def geodetic(
    position_m: FloatArray, earth: Ellipsoid = WGS84
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Latitude [deg], longitude [deg] and altitude [m] of ECEF positions [..., 3].

    Bowring's formula, within 2e-11 degrees and 0.1 micrometres from the ground to the geostationary
    orbit.

    Source: Bowring 1985.
    Not modelled: the geoid; altitude is over the ellipsoid.
    """
    x, y, z = position_m[..., 0], position_m[..., 1], position_m[..., 2]
    squared, semi_major_m = earth.eccentricity_squared, earth.semi_major_axis_m
    semi_minor_m = semi_major_m * (1 - earth.flattening)
    second_squared = squared / (1 - squared)
    axial = np.hypot(x, y)
    radius = np.hypot(axial, z)
    # Tangent of the parametric latitude, whose first estimate allows for the altitude.
    tangent = semi_minor_m * z * (1 + second_squared * semi_minor_m / radius)
    parametric = np.arctan2(tangent, semi_major_m * axial)
    latitude = np.arctan2(
        z + second_squared * semi_minor_m * np.sin(parametric) ** 3,
        axial - squared * semi_major_m * np.cos(parametric) ** 3,
    )
    sin, cos = np.sin(latitude), np.cos(latitude)
    altitude = axial * cos + z * sin - semi_major_m * np.sqrt(1 - squared * sin**2)
    return np.degrees(latitude), np.degrees(np.arctan2(y, x)), np.asarray(altitude)


def local_axes(
    latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """East, north and up unit vectors, each [..., 3]; up is the ellipsoid's normal.

    The geocentric direction would be off by up to 0.19 degrees.

    Source: NGA.STND.0036 4.14.
    Not modelled: the deflection of the vertical (some hundredths of a degree in mountains).
    """
    latitude, longitude = np.broadcast_arrays(np.radians(latitude_deg), np.radians(longitude_deg))
    sin_lat, cos_lat = np.sin(latitude), np.cos(latitude)
    sin_lon, cos_lon = np.sin(longitude), np.cos(longitude)
    east = np.stack((-sin_lon, cos_lon, np.zeros_like(sin_lon)), axis=-1)
    north = np.stack((-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat), axis=-1)
    up = np.stack((cos_lat * cos_lon, cos_lat * sin_lon, sin_lat), axis=-1)
    return east, north, up


def displaced(
    latitude_deg: npt.ArrayLike,
    longitude_deg: npt.ArrayLike,
    east_m: npt.ArrayLike,
    north_m: npt.ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude in degrees of points `east_m`, `north_m` away along the surface.

    Exact on the sphere of the mean radius (azimuthal equidistant).

    Source: Snyder 1987 25.
    Not modelled: the ellipsoid, under 0.3 % of the distance, which is enough for laying out cells
    and moving terminals.
    """
    mean_radius_m = SEMI_MAJOR_AXIS_M * (1 - FLATTENING / 3)
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    angle = np.hypot(east_m, north_m) / mean_radius_m
    bearing = np.arctan2(east_m, north_m)
    sin_new = np.sin(latitude) * np.cos(angle) + np.cos(latitude) * np.sin(angle) * np.cos(bearing)
    new_longitude = longitude + np.arctan2(
        np.sin(bearing) * np.sin(angle) * np.cos(latitude),
        np.cos(angle) - np.sin(latitude) * sin_new,
    )
    wrapped = (np.degrees(new_longitude) + 180.0) % 360.0 - 180.0
    return np.degrees(np.arcsin(np.clip(sin_new, -1.0, 1.0))), wrapped
