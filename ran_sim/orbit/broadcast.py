"""The satellite's orbit as SIB19 broadcasts it: state vectors or orbital parameters, quantised."""

import math
from dataclasses import dataclass

import numpy as np

from ran_sim.orbit.frames import FloatArray, rotation_velocity
from ran_sim.orbit.spherical import GRAVITATIONAL_PARAMETER_M3_S2

POSITION_STEP_M = 1.3
VELOCITY_STEP_M_S = 0.06
AXIS_STEP_M, AXIS_OFFSET_M = 4.249e-3, 6_500_000.0
ECCENTRICITY_STEP = 1.431e-8
ANGLE_STEP_RAD = 2.341e-8
_MAX_POSITION, _MAX_VELOCITY = 2**25 - 1, 2**17 - 1
_MAX_AXIS, _MAX_ECCENTRICITY, _MAX_ANGLE = 2**33 - 1, 2**20 - 1, 2**28 - 1
_MAX_INCLINATION = 2**26 - 1


@dataclass(frozen=True)
class StateVectorEphemeris:
    """PositionVelocity of EphemerisInfo: the Earth-fixed state at the epoch, in its steps.

    Attributes:
        position: x, y, z in steps of 1.3 m.
        velocity: x, y, z in steps of 0.06 m/s.

    Source: TS 38.331 EphemerisInfo.
    Not modelled: how a terminal extrapolates it.
    """

    position: tuple[int, int, int]
    velocity: tuple[int, int, int]

    @classmethod
    def of_state(cls, position_m: FloatArray, velocity_m_s: FloatArray) -> "StateVectorEphemeris":
        """The nearest broadcast values to an ECEF state, each [3].

        Source: TS 38.331 EphemerisInfo.
        Not modelled: errors of the network's own knowledge of the orbit.

        Raises:
            ValueError: the state does not fit the fields (43 600 km, 7.8 km/s).
        """
        return cls(
            _steps("position", position_m, POSITION_STEP_M, _MAX_POSITION),
            _steps("velocity", velocity_m_s, VELOCITY_STEP_M_S, _MAX_VELOCITY),
        )

    def state(self) -> tuple[FloatArray, FloatArray]:
        """Position [3] in m and velocity [3] in m/s, ECEF at the epoch, as a terminal has them.

        Source: TS 38.331 EphemerisInfo.
        Not modelled: the satellite's motion since the epoch.
        """
        return (
            np.array(self.position) * POSITION_STEP_M,
            np.array(self.velocity) * VELOCITY_STEP_M_S,
        )


@dataclass(frozen=True)
class OrbitalEphemeris:
    """Orbital of EphemerisInfo: osculating Kepler elements at the epoch, in their steps.

    The inertial axes are those of the Earth-fixed frame as it stands at the epoch, so the longitude
    of the ascending node is counted from Greenwich.

    Attributes:
        semi_major_axis: above 6500 km, in steps of 4.249 mm.
        eccentricity: in steps of 1.431e-8.
        periapsis: argument of periapsis, in steps of 2.341e-8 rad, as are the other angles.
        longitude: of the ascending node.
        inclination: -90 to 90 degrees.
        mean_anomaly: at the epoch.

    Source: TS 38.331 EphemerisInfo; Vallado 2013 2.5.
    Not modelled: how a terminal extrapolates it.
    """

    semi_major_axis: int
    eccentricity: int
    periapsis: int
    longitude: int
    inclination: int
    mean_anomaly: int

    @classmethod
    def of_state(cls, position_m: FloatArray, velocity_m_s: FloatArray) -> "OrbitalEphemeris":
        """The nearest broadcast values to the orbit of an ECEF state, each [3].

        Source: TS 38.331 EphemerisInfo; Vallado 2013 2.5.
        Not modelled: the pull of anything but a point mass: the elements are osculating.

        Raises:
            ValueError: the orbit does not fit the fields, such as a retrograde one (inclination
                above 90 degrees), which only state vectors can express.
        """
        kepler = _kepler(position_m, velocity_m_s)
        return cls(
            semi_major_axis=_step(
                "semi_major_axis", kepler[0] - AXIS_OFFSET_M, AXIS_STEP_M, 0, _MAX_AXIS
            ),
            eccentricity=_step("eccentricity", kepler[1], ECCENTRICITY_STEP, 0, _MAX_ECCENTRICITY),
            periapsis=_turn_steps(kepler[2]),
            longitude=_turn_steps(kepler[3]),
            inclination=_step(
                "inclination", kepler[4], ANGLE_STEP_RAD, -_MAX_INCLINATION - 1, _MAX_INCLINATION
            ),
            mean_anomaly=_turn_steps(kepler[5]),
        )

    def state(self) -> tuple[FloatArray, FloatArray]:
        """Position [3] in m and velocity [3] in m/s, ECEF at the epoch, as a terminal has them.

        Kepler's equation `M = E - e sin E` and the rotation by node, inclination and periapsis.

        Source: TS 38.331 EphemerisInfo; Vallado 2013 2.6.
        Not modelled: the satellite's motion since the epoch.
        """
        axis_m = AXIS_OFFSET_M + self.semi_major_axis * AXIS_STEP_M
        eccentricity = self.eccentricity * ECCENTRICITY_STEP
        periapsis, longitude, inclination, mean_anomaly = (
            steps * ANGLE_STEP_RAD
            for steps in (self.periapsis, self.longitude, self.inclination, self.mean_anomaly)
        )
        anomaly = _eccentric_anomaly(mean_anomaly, eccentricity)
        root = math.sqrt(1 - eccentricity**2)
        rate = math.sqrt(GRAVITATIONAL_PARAMETER_M3_S2 / axis_m**3)
        rate /= 1 - eccentricity * math.cos(anomaly)
        plane = np.array(
            (
                (axis_m * (math.cos(anomaly) - eccentricity), axis_m * root * math.sin(anomaly)),
                (-axis_m * rate * math.sin(anomaly), axis_m * rate * root * math.cos(anomaly)),
            )
        )
        cos_n, sin_n = math.cos(longitude), math.sin(longitude)
        cos_i, sin_i = math.cos(inclination), math.sin(inclination)
        cos_p, sin_p = math.cos(periapsis), math.sin(periapsis)
        axes = np.array(
            (
                (
                    cos_n * cos_p - sin_n * sin_p * cos_i,
                    sin_n * cos_p + cos_n * sin_p * cos_i,
                    sin_p * sin_i,
                ),
                (
                    -cos_n * sin_p - sin_n * cos_p * cos_i,
                    -sin_n * sin_p + cos_n * cos_p * cos_i,
                    cos_p * sin_i,
                ),
            )
        )
        position, velocity = plane @ axes
        return position, velocity - rotation_velocity(position)


def _kepler(position_m: FloatArray, velocity_m_s: FloatArray) -> tuple[float, ...]:
    """Semi-major axis, eccentricity, periapsis, node, inclination, mean anomaly [m, rad]."""
    velocity = velocity_m_s + rotation_velocity(position_m)
    radius = float(np.linalg.norm(position_m))
    momentum = np.cross(position_m, velocity)
    axis_m = 1 / (2 / radius - float(velocity @ velocity) / GRAVITATIONAL_PARAMETER_M3_S2)
    laplace = np.cross(velocity, momentum) / GRAVITATIONAL_PARAMETER_M3_S2 - position_m / radius
    inclination = math.atan2(math.hypot(momentum[0], momentum[1]), momentum[2])
    node = math.atan2(momentum[0], -momentum[1])
    to_node = np.array((math.cos(node), math.sin(node), 0.0))
    beyond_node = np.cross(momentum, to_node) / np.linalg.norm(momentum)
    eccentricity = float(np.linalg.norm(laplace))
    periapsis = math.atan2(float(laplace @ beyond_node), float(laplace @ to_node))
    latitude = math.atan2(float(position_m @ beyond_node), float(position_m @ to_node))
    true_anomaly = latitude - periapsis
    anomaly = math.atan2(
        math.sqrt(1 - eccentricity**2) * math.sin(true_anomaly),
        eccentricity + math.cos(true_anomaly),
    )
    mean_anomaly = anomaly - eccentricity * math.sin(anomaly)
    return axis_m, eccentricity, periapsis, node, inclination, mean_anomaly


def _eccentric_anomaly(mean_anomaly: float, eccentricity: float) -> float:
    anomaly = mean_anomaly
    # The field ends at an eccentricity of 0.015: each round brings two more digits.
    for _ in range(10):
        anomaly = mean_anomaly + eccentricity * math.sin(anomaly)
    return anomaly


def _steps(name: str, values: FloatArray, step: float, maximum: int) -> tuple[int, int, int]:
    x, y, z = (_step(name, float(value), step, -maximum - 1, maximum) for value in values)
    return x, y, z


def _step(name: str, value: float, step: float, minimum: int, maximum: int) -> int:
    found = round(value / step)
    if not minimum <= found <= maximum:
        raise ValueError(
            f"{name} is {value:g}; TS 38.331 has room for {minimum * step:g} to {maximum * step:g}"
        )
    return found


def _turn_steps(angle_rad: float) -> int:
    # Rounding up the last step of a turn leads past the field: that is its beginning again.
    found = round(angle_rad % (2 * math.pi) / ANGLE_STEP_RAD)
    return found if found <= _MAX_ANGLE else 0
