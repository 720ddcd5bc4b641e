"""The rest of a satellite pass, from the elevation and range that were measured so far.

Seen from one place, a satellite on a circular orbit moves on a great circle with a nearly constant
angular rate: the central angle g between place and sub-satellite point obeys
cos g = cos g_min cos(w (t - t0)). Four numbers (orbit radius, rate, time and central angle of
culmination) therefore tell elevation, range and Doppler of the whole pass, and a minute of
measurements determines them.

Source: Ali, Al-Dhahir, Hershey 1998, "Doppler characterization for LEO satellites".
Not modelled: eccentricity, the oblate Earth, and the slow change of the rate by Earth rotation;
`docs/analytics.md` has what that costs.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from nwdaf.anlf.forecasts import FloatArray

EARTH_RADIUS_KM = 6371.0
_GM_KM3_S2 = 398_600.4418  # WGS 84
_EARTH_RATE_RAD_S = 7.292_115e-5
# Below it nothing orbits for long; a platform in the stratosphere lies far below it.
_LOWEST_ORBIT_KM = 160.0
# A degree of elevation counts as much as this many kilometres of range.
_KM_PER_DEG = 10.0


class NoOrbitError(ValueError):
    """What was measured is on no orbit."""


@dataclass(frozen=True)
class CircularPass:
    """One pass over one place. Times are seconds on the axis of the measurements.

    Attributes:
        radius_km: of the orbit, from the Earth's centre.
        rate_rad_s: angular rate of the sub-satellite point, as seen from the turning Earth.
        culmination_s: when the satellite stands highest.
        least_angle_rad: central angle between place and satellite at that time.
        doppler_hz_per_km_s: what a range rate of 1 km/s shifts the carrier by, negative.
    """

    radius_km: float
    rate_rad_s: float
    culmination_s: float
    least_angle_rad: float
    doppler_hz_per_km_s: float

    @classmethod
    def through(
        cls,
        time_s: FloatArray,
        elevation_deg: FloatArray,
        range_km: FloatArray,
        doppler_hz: FloatArray,
    ) -> Self:
        """The pass that fits measurements [T] of one satellite best, in least squares.

        Raises:
            NoOrbitError: What was measured flies too low to be on an orbit.
        """
        sine = np.sin(np.radians(elevation_deg))
        radius_km = float(
            np.sqrt(EARTH_RADIUS_KM**2 + range_km**2 + 2 * EARTH_RADIUS_KM * range_km * sine).mean()
        )
        if radius_km < EARTH_RADIUS_KM + _LOWEST_ORBIT_KM:
            raise NoOrbitError("what was measured flies too low to be on an orbit")
        start = _start(time_s, (EARTH_RADIUS_KM + range_km * sine) / radius_km, radius_km)

        def misses(parameters: FloatArray) -> FloatArray:
            elevation, distance = _seen(*_scaled(parameters), time_s)
            return np.concatenate([distance - range_km, _KM_PER_DEG * (elevation - elevation_deg)])

        # Imported late: the start of the function must not wait for SciPy.
        from scipy.optimize import least_squares  # noqa: PLC0415

        radius_km, rate, culmination_s, least_angle = _scaled(least_squares(misses, start).x)
        range_rate = _range_rate_km_s(radius_km, rate, culmination_s, least_angle, time_s)
        return cls(
            radius_km=radius_km,
            rate_rad_s=rate,
            culmination_s=culmination_s,
            least_angle_rad=least_angle,
            doppler_hz_per_km_s=float(np.linalg.lstsq(range_rate[:, None], doppler_hz)[0][0]),
        )

    def elevation_deg(self, time_s: FloatArray) -> FloatArray:
        """Elevation above the horizon [T]; negative when the satellite has set."""
        return self._seen(time_s)[0]

    def range_km(self, time_s: FloatArray) -> FloatArray:
        """Slant range [T]."""
        return self._seen(time_s)[1]

    def doppler_hz(self, time_s: FloatArray) -> FloatArray:
        """Doppler shift [T]; positive while the satellite approaches."""
        return self.doppler_hz_per_km_s * _range_rate_km_s(
            self.radius_km, self.rate_rad_s, self.culmination_s, self.least_angle_rad, time_s
        )

    def _seen(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _seen(
            self.radius_km, self.rate_rad_s, self.culmination_s, self.least_angle_rad, time_s
        )


def _seen(
    radius_km: float, rate: float, culmination_s: float, least_angle: float, time_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Elevation [deg] and range [km], each [T]."""
    cosine = np.cos(least_angle) * np.cos(rate * (time_s - culmination_s))
    distance = np.sqrt(EARTH_RADIUS_KM**2 + radius_km**2 - 2 * EARTH_RADIUS_KM * radius_km * cosine)
    sine = (radius_km * cosine - EARTH_RADIUS_KM) / distance
    return np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), distance


def _range_rate_km_s(
    radius_km: float, rate: float, culmination_s: float, least_angle: float, time_s: FloatArray
) -> FloatArray:
    angle = rate * (time_s - culmination_s)
    distance = _seen(radius_km, rate, culmination_s, least_angle, time_s)[1]
    return np.asarray(
        EARTH_RADIUS_KM * radius_km * np.cos(least_angle) * rate * np.sin(angle) / distance
    )


def _start(time_s: FloatArray, cosine: FloatArray, radius_km: float) -> FloatArray:
    """Where the search begins: the best rate of a grid, for each of which the rest is linear."""
    own_rate = np.sqrt(_GM_KM3_S2 / radius_km**3)

    def solved(rate: float) -> tuple[float, FloatArray]:
        columns = np.stack([np.cos(rate * time_s), np.sin(rate * time_s)], axis=1)
        weights = np.linalg.lstsq(columns, cosine, rcond=None)[0]
        return float(np.sum((columns @ weights - cosine) ** 2)), weights

    # The Earth turns away under an eastbound satellite and towards a westbound one.
    rates = np.linspace(own_rate - _EARTH_RATE_RAD_S, own_rate + _EARTH_RATE_RAD_S, 21)
    best = min(map(float, rates), key=lambda rate: solved(rate)[0])
    (in_phase, quadrature) = solved(best)[1]
    least_angle = np.arccos(min(np.hypot(in_phase, quadrature), 1.0))
    return np.array(
        [radius_km / 1e3, best * 1e3, np.arctan2(quadrature, in_phase) / best, least_angle]
    )


def _scaled(parameters: FloatArray) -> tuple[float, float, float, float]:
    """Parameters of the search are of the order of one, or least squares would stop early."""
    radius, rate, culmination_s, least_angle = (float(value) for value in parameters)
    return radius * 1e3, rate * 1e-3, culmination_s, least_angle
