"""Synthetic constellations: Walker shells as element sets that SGP4 flies like real ones."""

import datetime as dt
import enum
import math
from dataclasses import dataclass

from sgp4.earth_gravity import wgs72

from nf_runtime.errors import InvalidArgument
from ran_sim.orbit.elements import LARGEST_LINE_NUMBER, ElementSet, MeanElements
from ran_sim.orbit.geodesy import SPHERE
from ran_sim.orbit.omm import set_of_mean_elements

DEFAULT_FIRST_NUMBER = 90_001
"""Catalogue number of the first satellite, in the range that Space-Track keeps for analysts."""

_MINUTES_PER_DAY = 1440.0
_RETROGRADE_EQUATOR_DEG = 180.0
_M_PER_KM = 1000.0
# Two digits of agreement come with each round; the drag-free J2 term is a thousandth.
_KOZAI_ROUNDS = 8
_LEAST_ALTITUDE_KM, _GREATEST_ALTITUDE_KM = 160.0, 36_000.0


class Pattern(enum.Enum):
    """How the ascending nodes of the planes are spread; the value is the angle in degrees."""

    DELTA = 360.0
    STAR = 180.0


@dataclass(frozen=True)
class WalkerShell:
    """A shell of circular orbits i:T/P/F.

    Attributes:
        altitude_km: over the sphere of 6371 km, as 3GPP counts.
        inclination_deg: i, of every plane.
        satellite_count: T, over all planes.
        plane_count: P.
        phasing: F; neighbouring planes are shifted by F 360/T degrees.
        epoch: UTC of the elements.
        pattern: delta (rosette) or star (polar).
        name: beginning of the satellites' names.
        first_number: catalogue number of the first satellite.
    """

    altitude_km: float
    inclination_deg: float
    satellite_count: int
    plane_count: int
    phasing: int
    epoch: dt.datetime
    pattern: Pattern = Pattern.DELTA
    name: str = "WALKER"
    first_number: int = DEFAULT_FIRST_NUMBER

    def __post_init__(self) -> None:
        if not _LEAST_ALTITUDE_KM <= self.altitude_km <= _GREATEST_ALTITUDE_KM:
            raise _invalid(
                "altitude_km",
                f"{self.altitude_km:g}; use {_LEAST_ALTITUDE_KM:g} to {_GREATEST_ALTITUDE_KM:g}",
            )
        if not 0.0 <= self.inclination_deg <= _RETROGRADE_EQUATOR_DEG:
            raise _invalid("inclination_deg", f"{self.inclination_deg:g}; use 0 to 180")
        if self.plane_count < 1 or self.satellite_count % self.plane_count or not self.per_plane:
            raise _invalid(
                "satellite_count",
                f"{self.satellite_count}, which {self.plane_count} planes cannot share evenly",
            )
        if not 0 <= self.phasing < self.plane_count:
            raise _invalid("phasing", f"{self.phasing}; use 0 to plane_count - 1")
        if self.epoch.tzinfo is None:
            raise _invalid("epoch", "a time without a zone; give UTC")
        if not 1 <= self.first_number <= LARGEST_LINE_NUMBER + 1 - self.satellite_count:
            raise _invalid(
                "first_number",
                f"{self.first_number}; the last satellite's number must not exceed "
                f"{LARGEST_LINE_NUMBER}",
            )

    @property
    def per_plane(self) -> int:
        """Satellites in one plane."""
        return self.satellite_count // self.plane_count

    def element_sets(self) -> list[ElementSet]:
        """The satellites, plane by plane.

        Satellite k of plane p has its node at `p S/P` (S: 360 or 180 degrees) and mean anomaly
        `k 360 P/T + p F 360/T`. The mean motion is the one at which SGP4's own mean semi-major axis
        is the sphere's radius plus the altitude.

        Source: Walker 1984; Vallado 2006.
        Not modelled: drag (B* = 0) and station keeping; gravity's J2 and J3 make the altitude swing
        by up to 10 km about its mean.
        """
        motion = kozai_mean_motion_rev_day(
            SPHERE.semi_major_axis_m / _M_PER_KM + self.altitude_km, self.inclination_deg
        )
        return [
            self._satellite(plane, position, motion)
            for plane in range(self.plane_count)
            for position in range(self.per_plane)
        ]

    def _satellite(self, plane: int, position: int, motion_rev_day: float) -> ElementSet:
        shift_deg = plane * self.phasing * 360.0 / self.satellite_count
        mean = MeanElements(
            inclination_deg=self.inclination_deg,
            ascending_node_deg=plane * self.pattern.value / self.plane_count,
            eccentricity=0.0,
            perigee_deg=0.0,
            mean_anomaly_deg=(position * 360.0 / self.per_plane + shift_deg) % 360.0,
            mean_motion_rev_day=motion_rev_day,
        )
        return set_of_mean_elements(
            self.first_number + plane * self.per_plane + position,
            f"{self.name}-P{plane + 1:02d}-S{position + 1:02d}",
            self.epoch,
            mean,
        )


def reference_shell(epoch: dt.datetime, altitude_km: float = 600.0) -> WalkerShell:
    """A shell at 3GPP's reference altitude (600 or 1200 km): 53 degrees, 360 satellites, 18 planes.

    TR 38.821 fixes altitude and circular orbits; the inclination and the numbers are chosen here so
    that a site at latitude 48 always has several satellites above 10 degrees.

    Source: TR 38.821 4.2.
    Not modelled: any operator's real constellation.
    """
    return WalkerShell(
        altitude_km=altitude_km,
        inclination_deg=53.0,
        satellite_count=360,
        plane_count=18,
        phasing=1,
        epoch=epoch,
        name=f"REF{altitude_km:g}",
    )


def kozai_mean_motion_rev_day(semi_major_axis_km: float, inclination_deg: float) -> float:
    """Kozai mean motion of a circular orbit [rev/day] whose Brouwer semi-major axis is given.

    SGP4 begins by turning Kozai's mean motion, which element sets hold, into Brouwer's
    `n = √(GM/a³)`; this is the way back, by iteration, with the constants of WGS72.

    Source: Vallado 2006 appendix B.
    Not modelled: eccentric orbits.
    """
    brouwer = wgs72.xke * (wgs72.radiusearthkm / semi_major_axis_km) ** 1.5
    cosine = math.cos(math.radians(inclination_deg))
    factor = 0.75 * wgs72.j2 * (3 * cosine**2 - 1)
    kozai = brouwer
    for _ in range(_KOZAI_ROUNDS):
        axis = (wgs72.xke / kozai) ** (2 / 3)
        delta = factor / axis**2
        axis *= 1 - delta**2 - delta * (1 / 3 + 134 * delta**2 / 81)
        kozai = brouwer * (1 + factor / axis**2)
    return float(kozai * _MINUTES_PER_DAY / (2 * math.pi))


def _invalid(name: str, what: str) -> InvalidArgument:
    return InvalidArgument(f"{name} is {what}.", reason="INVALID_FIELD", field=name)
