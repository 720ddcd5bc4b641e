"""The closed forms of 3GPP's calibrations: a circular orbit over a sphere that does not turn.

The satellite passes through the zenith of the terminal. For anything else use `look`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from radio_math.doppler import doppler_shift_hz
from radio_math.link import slant_range_m
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import SPHERE

GRAVITATIONAL_PARAMETER_M3_S2 = 3.986004418e14


@dataclass(frozen=True)
class CircularOrbit:
    """A circular orbit over the sphere of 6371 km.

    Attributes:
        altitude_m: over the sphere.
    """

    altitude_m: float

    @property
    def radius_m(self) -> float:
        """Distance from the centre, R + h [m]."""
        return SPHERE.semi_major_axis_m + self.altitude_m

    @property
    def speed_m_s(self) -> float:
        """Orbital speed `v = √(GM / (R + h))` [m/s].

        Source: TR 38.811 6.7.1.
        Not modelled: J2 (0.1 %).
        """
        return float(np.sqrt(GRAVITATIONAL_PARAMETER_M3_S2 / self.radius_m))

    @property
    def angular_rate_rad_s(self) -> float:
        """Orbital angular rate `w = v / (R + h)` [rad/s].

        Source: TR 38.811 6.7.1.
        Not modelled: J2 (0.1 %).
        """
        return self.speed_m_s / self.radius_m

    def range_m(self, elevation_deg: Any) -> FloatArray:
        """Slant range [...] in m at an elevation, `√(R² sin²(el) + h² + 2 R h) - R sin(el)`.

        Source: TR 38.811 eq. 6.6-3.
        Not modelled: the ellipsoid, whose radius is 7 km greater to 14 km smaller.
        """
        return slant_range_m(self.altitude_m, elevation_deg)

    def range_rate_m_s(self, elevation_deg: Any) -> FloatArray:
        """Range rate [...] in m/s while the satellite rises: `-v R/(R+h) cos(el)`.

        Source: TR 38.811 6.7.1.
        Not modelled: the turning of the Earth (up to 7 %) and the terminal's own speed.
        """
        ratio = SPHERE.semi_major_axis_m / self.radius_m
        return np.asarray(-self.speed_m_s * ratio * np.cos(np.radians(elevation_deg)))

    def range_acceleration_m_s2(self, elevation_deg: Any) -> FloatArray:
        """Derivative of the range rate [...] in m/s².

        With the angle θ between terminal and satellite at the centre and `r² = R² + a² - 2 R a
        cos θ`: `r'' = (R a w² cos θ - r'²) / r`. At the zenith it is `w² R (R + h) / h`.

        Source: TR 38.811 6.7.1.
        Not modelled: the turning of the Earth.
        """
        elevation = np.radians(elevation_deg)
        earth_m, range_m = SPHERE.semi_major_axis_m, self.range_m(elevation_deg)
        angle = np.arccos(np.clip(earth_m / self.radius_m * np.cos(elevation), -1, 1)) - elevation
        pull = earth_m * self.radius_m * self.angular_rate_rad_s**2 * np.cos(angle)
        return np.asarray((pull - self.range_rate_m_s(elevation_deg) ** 2) / range_m)

    def doppler_hz(self, elevation_deg: Any, carrier_frequency_hz: float) -> FloatArray:
        """Doppler shift [...] in Hz while the satellite rises, `f/c v R/(R+h) cos(el)`: positive.

        Source: TR 38.811 6.7.1.
        Not modelled: the turning of the Earth (up to 7 %) and the terminal's own speed.
        """
        return doppler_shift_hz(self.range_rate_m_s(elevation_deg), carrier_frequency_hz)

    def doppler_rate_hz_s(self, elevation_deg: Any, carrier_frequency_hz: float) -> FloatArray:
        """Rate of the Doppler shift [...] in Hz/s, `-f/c r''`: negative.

        Source: TR 38.811 6.7.1.
        Not modelled: the turning of the Earth.
        """
        return doppler_shift_hz(self.range_acceleration_m_s2(elevation_deg), carrier_frequency_hz)
