"""SGP4: where a satellite is, in the Earth-fixed frame."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sgp4.api import SGP4_ERRORS

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.earth_rotation import bundled_earth_rotation
from ran_sim.orbit.elements import ElementSet
from ran_sim.orbit.frames import (
    FloatArray,
    julian_date,
    sidereal_angle_rad,
    teme_to_ecef,
    utc_of,
)

_METRES_PER_KM = 1000.0


@dataclass(frozen=True)
class Ephemeris:
    """A satellite's motion at T instants, Earth-fixed.

    Attributes:
        offset_s: [T] seconds after the start.
        position_m: [T, 3] ECEF.
        velocity_m_s: [T, 3] ECEF, relative to the turning Earth.
    """

    offset_s: FloatArray
    position_m: FloatArray
    velocity_m_s: FloatArray


class Propagator:
    """SGP4 of one element set, with the gravity constants that elements are fitted with (WGS72).

    Args:
        elements: the satellite.
        dut1_s: UT1 - UTC [s]; None takes it from the table of `earth_rotation`.
    """

    def __init__(self, elements: ElementSet, *, dut1_s: float | None = None) -> None:
        self._elements = elements
        self._dut1_s = dut1_s
        self._satellite = elements.record()

    @property
    def elements(self) -> ElementSet:
        """The element set that is propagated."""
        return self._elements

    def teme(self, jd: FloatArray, fr: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Position [T, 3] in m and velocity [T, 3] in m/s in SGP4's own frame (TEME).

        Source: Vallado 2006.
        Not modelled: manoeuvres, and what the elements do not know of the air's density.

        Raises:
            FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
        """
        errors, position_km, velocity_km_s = self._satellite.sgp4_array(jd, fr)
        if np.any(errors):
            first = int(np.argmax(errors != 0))
            code = int(errors[first])
            at = utc_of(jd[first], fr[first])
            raise FailedPrecondition(
                f"SGP4 cannot place {self._elements.name} at {at:%Y-%m-%d %H:%M:%S} UTC: "
                f"{SGP4_ERRORS.get(code, 'unknown error')}; "
                "use other elements or a time nearer to their epoch.",
                reason="ELEMENTS_UNUSABLE",
                field="tle_line2",
                satellite_id=self._elements.satellite_id,
                sgp4_error=str(code),
            )
        return position_km * _METRES_PER_KM, velocity_km_s * _METRES_PER_KM

    def ephemeris(self, start: dt.datetime, offset_s: npt.ArrayLike) -> Ephemeris:
        """Earth-fixed motion at `start` plus each of the [T] offsets.

        Source: Vallado 2006.
        Not modelled: what `frames.teme_to_ecef` leaves out.

        Raises:
            FailedPrecondition: SGP4 reports an error, such as a decayed orbit.
        """
        offsets = np.atleast_1d(np.asarray(offset_s, dtype=np.float64))
        jd, fr = julian_date(start, offsets)
        dut1_s = bundled_earth_rotation().dut1_s(jd, fr) if self._dut1_s is None else self._dut1_s
        position, velocity = teme_to_ecef(*self.teme(jd, fr), sidereal_angle_rad(jd, fr, dut1_s))
        return Ephemeris(offset_s=offsets, position_m=position, velocity_m_s=velocity)
