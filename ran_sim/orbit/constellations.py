"""Many satellites at once: how they look from a site, and which of them are up.

SGP4 runs over all satellites and instants in compiled code; then the site, not every satellite, is
turned into SGP4's frame, because ranges, angles and their rates are the same in both.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sgp4.api import Satrec, SatrecArray

from radio_math.doppler import doppler_shift_hz
from ran_sim.orbit.earth_rotation import bundled_earth_rotation
from ran_sim.orbit.elements import ElementSet
from ran_sim.orbit.frames import (
    EARTH_ROTATION_RAD_S,
    FloatArray,
    julian_date,
    sidereal_angle_rad,
)
from ran_sim.orbit.passes import Site

_M_PER_KM = 1000.0
# Points computed at a time: their arrays stay in the processor's cache.
_BLOCK_POINTS = 10_000


@dataclass(frozen=True)
class ConstellationLook:
    """S satellites seen from a site at T instants: arrays [S, T].

    Where SGP4 cannot place a satellite, its error code is not zero and everything else is NaN.

    Attributes:
        sgp4_error: SGP4's error code, 0 where there is none.
        elevation_deg: above the horizon of the site; negative below it.
        azimuth_deg: from north over east, [0, 360).
        range_m: slant range.
        range_rate_m_s: negative while the satellite approaches.
    """

    sgp4_error: npt.NDArray[np.uint8]
    elevation_deg: FloatArray
    azimuth_deg: FloatArray
    range_m: FloatArray
    range_rate_m_s: FloatArray

    def doppler_hz(self, carrier_frequency_hz: float) -> FloatArray:
        """Doppler shift [S, T] `-f/c d(range)/dt` in Hz: positive while a satellite approaches.

        Source: TR 38.811 6.7.1.
        Not modelled: terms of second order in v/c.
        """
        return doppler_shift_hz(self.range_rate_m_s, carrier_frequency_hz)

    def visible(self, minimum_elevation_deg: float) -> npt.NDArray[np.bool_]:
        """Whether each satellite stands at or above an elevation, [S, T]; False where unplaced."""
        return self.elevation_deg >= minimum_elevation_deg


@dataclass(frozen=True)
class VisibleSatellites:
    """The satellites that a site has up at one instant, the highest first.

    Attributes:
        index: [V] positions in the constellation.
        elevation_deg: [V] above the horizon of the site.
        unplaced: [E] positions of those that SGP4 could not place, such as decayed ones.
    """

    index: npt.NDArray[np.intp]
    elevation_deg: FloatArray
    unplaced: npt.NDArray[np.intp]


class Constellation:
    """Satellites that are propagated together.

    Args:
        elements: the satellites.
        dut1_s: UT1 - UTC [s]; None takes it from the table of `earth_rotation`.
    """

    def __init__(self, elements: Sequence[ElementSet], *, dut1_s: float | None = None) -> None:
        self._elements = tuple(elements)
        self._dut1_s = dut1_s
        self._records: list[Satrec] = [entry.record() for entry in self._elements]
        self._all = SatrecArray(self._records)

    @property
    def elements(self) -> tuple[ElementSet, ...]:
        """The satellites, in the order of the arrays."""
        return self._elements

    def look_from(
        self, site: Site, start: dt.datetime, offset_s: npt.ArrayLike
    ) -> ConstellationLook:
        """All satellites as a site sees them at `start` plus each of the [T] offsets.

        Source: Vallado 2006; Vallado 2013 4.4.
        Not modelled: light time, refraction, polar motion.
        """
        jd, fr = julian_date(start, np.atleast_1d(np.asarray(offset_s, dtype=np.float64)))
        view = self._view(site, jd, fr)
        shape = (len(self._records), len(jd))
        elevation, azimuth, range_m, range_rate = (np.empty(shape) for _ in range(4))
        errors = np.empty(shape, dtype=np.uint8)
        step = max(1, _BLOCK_POINTS // len(jd))
        for first in range(0, shape[0], step):
            block = slice(first, first + step)
            errors[block], position_km, velocity_km_s = SatrecArray(self._records[block]).sgp4(
                jd, fr
            )
            view.fill(
                position_km,
                velocity_km_s,
                (elevation[block], azimuth[block], range_m[block], range_rate[block]),
            )
        if errors.any():
            # SGP4 leaves numbers for some of its errors; they mean nothing.
            for values in (elevation, azimuth, range_m, range_rate):
                values[errors != 0] = np.nan
        return ConstellationLook(errors, elevation, azimuth, range_m, range_rate)

    def visible_from(
        self, site: Site, at: dt.datetime, minimum_elevation_deg: float
    ) -> VisibleSatellites:
        """The satellites that a site has at or above an elevation at an instant.

        `sin(el) = d·up / |d|` with the line of sight d and the normal of WGS84.

        Source: Vallado 2013 4.4.
        Not modelled: refraction, terrain.
        """
        jd, fr = julian_date(at, np.zeros(1))
        errors, position_km, _ = self._all.sgp4(jd, fr)
        view = self._view(site, jd, fr)
        sight = position_km[:, 0, :] - view.site_km[0]
        squared_km2 = np.einsum("sk,sk->s", sight, sight)
        sine = sight @ view.axes[2, 0] / np.sqrt(squared_km2)
        placed = errors[:, 0] == 0
        up = np.flatnonzero(placed & (sine >= math.sin(math.radians(minimum_elevation_deg))))
        order = up[np.argsort(-sine[up], kind="stable")]
        return VisibleSatellites(
            index=order,
            elevation_deg=np.degrees(np.arcsin(np.minimum(sine[order], 1.0))),
            unplaced=np.flatnonzero(~placed),
        )

    def _view(self, site: Site, jd: FloatArray, fr: FloatArray) -> "_View":
        dut1_s = bundled_earth_rotation().dut1_s(jd, fr) if self._dut1_s is None else self._dut1_s
        angle = sidereal_angle_rad(jd, fr, dut1_s)
        terminals = site.terminals()
        site_km = _turned(terminals.position_m / _M_PER_KM, angle)
        carried = EARTH_ROTATION_RAD_S * np.stack(
            (-site_km[:, 1], site_km[:, 0], np.zeros(len(angle))), axis=-1
        )
        axes = [_turned(axis, angle) for axis in (terminals.east, terminals.north, terminals.up)]
        return _View(site_km, carried, np.stack(axes))


@dataclass(frozen=True)
class _View:
    """A site in the frame TEME at T instants.

    Attributes:
        site_km: [T, 3] position.
        site_km_s: [T, 3] velocity omega x r with which the Earth carries it.
        axes: [3, T, 3] east, north and up.
    """

    site_km: FloatArray
    site_km_s: FloatArray
    axes: FloatArray

    def fill(
        self,
        position_km: FloatArray,
        velocity_km_s: FloatArray,
        into: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    ) -> None:
        """Writes elevation, azimuth, range and range rate of satellites [S, T, 3]."""
        elevation, azimuth, range_m, range_rate = into
        sight = position_km - self.site_km
        x, y, z = (np.ascontiguousarray(sight[..., axis]) for axis in range(3))
        speed = velocity_km_s - self.site_km_s
        range_km = np.sqrt(x * x + y * y + z * z)
        along = x * speed[..., 0] + y * speed[..., 1] + z * speed[..., 2]
        east, north, up = (x * axis[:, 0] + y * axis[:, 1] + z * axis[:, 2] for axis in self.axes)
        np.degrees(np.arctan2(up, np.sqrt(east * east + north * north)), out=elevation)
        # Twice: a tiny negative angle becomes exactly 360 the first time.
        np.remainder(np.degrees(np.arctan2(east, north)) % 360.0, 360.0, out=azimuth)
        np.multiply(range_km, _M_PER_KM, out=range_m)
        np.multiply(along / range_km, _M_PER_KM, out=range_rate)


def _turned(vector: FloatArray, angle_rad: FloatArray) -> FloatArray:
    """An Earth-fixed vector [3] in the frame TEME at T instants, [T, 3]."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    x, y, z = vector
    return np.stack((cos * x - sin * y, sin * x + cos * y, np.full_like(cos, z)), axis=-1)
