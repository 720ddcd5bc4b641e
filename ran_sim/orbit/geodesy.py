"""Points on the WGS84 ellipsoid and the local horizon there."""

import numpy as np
import numpy.typing as npt

from ran_sim.orbit.frames import FloatArray

SEMI_MAJOR_AXIS_M = 6378137.0
FLATTENING = 1 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)


def ecef_position(
    latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike, altitude_m: npt.ArrayLike = 0.0
) -> FloatArray:
    """ECEF position [..., 3] in m of geodetic coordinates (WGS84)."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    altitude = np.asarray(altitude_m, dtype=np.float64)
    normal = SEMI_MAJOR_AXIS_M / np.sqrt(1 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    horizontal = (normal + altitude) * np.cos(latitude)
    return np.stack(
        np.broadcast_arrays(
            horizontal * np.cos(longitude),
            horizontal * np.sin(longitude),
            (normal * (1 - ECCENTRICITY_SQUARED) + altitude) * np.sin(latitude),
        ),
        axis=-1,
    )


def local_axes(
    latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """East, north and up unit vectors, each [..., 3]; up is the ellipsoid's normal.

    The geocentric direction would be off by up to 0.19 degrees.
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

    Exact on the sphere of the mean radius (azimuthal equidistant); off by under 0.3 % of the
    distance on the ellipsoid, which is enough for laying out cells and moving terminals.
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
