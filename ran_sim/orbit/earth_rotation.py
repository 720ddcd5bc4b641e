"""UT1 - UTC (dUT1): how far the turning Earth is ahead of the clock.

The bundled table holds a value for every fifth day since 1973, predictions for the last year
included. It was made from the IERS file finals2000A.all by::

    python -m ran_sim.orbit.earth_rotation finals2000A.all ran_sim/orbit/tables/earth_rotation.json
"""

import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ran_sim.orbit.frames import FloatArray

STEP_DAYS = 5
_MJD_0 = 2400000.5
_MS_PER_S = 1e3
_LEAP_SECOND_S = 0.5
# Columns of finals2000A, counted from 0: modified Julian date, flag and UT1 - UTC of Bulletin A,
# and UT1 - UTC of Bulletin B, which is final where it is given.
_MJD, _FLAG, _UT1_UTC, _UT1_UTC_FINAL = slice(7, 15), 57, slice(58, 68), slice(154, 165)
_PREDICTED = "P"


@dataclass(frozen=True)
class EarthRotation:
    """UT1 - UTC over a span of time.

    Attributes:
        mjd: [N] instants of the table, modified Julian dates UTC, evenly spaced.
        continuous_s: [N] UT1 - UTC without the leap seconds since the first instant.
        leap_mjd: [L] days that began with a leap second just inserted.
        predicted_mjd: first day whose value is a prediction.
    """

    mjd: FloatArray
    continuous_s: FloatArray
    leap_mjd: FloatArray
    predicted_mjd: float

    def covers(self, jd: float) -> bool:
        """Whether the table holds a Julian date (UTC)."""
        return bool(self.mjd[0] <= jd - _MJD_0 <= self.mjd[-1])

    def dut1_s(self, jd: FloatArray, fr: FloatArray) -> FloatArray:
        """UT1 - UTC [s] at split Julian dates (UTC), of their shape.

        Interpolated between the days of the table, without smoothing over leap seconds. Outside the
        table it is zero, which UTC keeps within 0.9 s by definition: at most 0.42 km on the
        equator; `covers` tells.

        Source: IERS finals2000A, UT1-UTC of Bulletin B, of Bulletin A where that ends.
        Not modelled: zonal tides between the days of the table and corrections to the tables
        since (1.2 ms, 0.5 m since 1990; 5 ms before).
        """
        mjd = np.asarray(jd - _MJD_0 + fr)
        leaps = np.searchsorted(self.leap_mjd, mjd, side="right")
        value = np.interp(mjd, self.mjd, self.continuous_s) + leaps
        inside = (mjd >= self.mjd[0]) & (mjd <= self.mjd[-1])
        return np.where(inside, value, 0.0)


@functools.cache
def bundled_earth_rotation() -> EarthRotation:
    """The table that comes with the package, read once."""
    text = (
        resources.files("ran_sim.orbit").joinpath("tables/earth_rotation.json").read_text("utf-8")
    )
    table = json.loads(text)
    continuous_s = np.array(table["continuous_ms"]) / _MS_PER_S
    return EarthRotation(
        mjd=table["first_mjd"] + table["step_days"] * np.arange(len(continuous_s), dtype=float),
        continuous_s=continuous_s,
        leap_mjd=np.array(table["leap_mjd"], dtype=float),
        predicted_mjd=float(table["predicted_mjd"]),
    )


def table_of_finals(text: str, step_days: int = STEP_DAYS) -> dict[str, Any]:
    """The document of the bundled table from the text of the IERS file finals2000A.

    Source: IERS finals2000A.
    """
    days, values, predicted_mjd = [], [], 0
    for line in text.splitlines():
        if not line[_UT1_UTC].strip():
            break
        days.append(int(float(line[_MJD])))
        values.append(float(line[_UT1_UTC_FINAL].strip() or line[_UT1_UTC]))
        if line[_FLAG] == _PREDICTED and not predicted_mjd:
            predicted_mjd = days[-1]
    # UT1 drifts by milliseconds a day: half a second from one day to the next is a leap second.
    jumps = np.round(np.diff(values) / (2 * _LEAP_SECOND_S)).astype(int)
    leap_mjd = [day for day, jump in zip(days[1:], jumps, strict=True) for _ in range(jump)]
    continuous = np.array(values) - np.concatenate(([0], np.cumsum(jumps)))
    return {
        "source": "IERS finals2000A.all: UT1-UTC of Bulletin B, of Bulletin A where that ends",
        "made_by": "python -m ran_sim.orbit.earth_rotation finals2000A.all FILE",
        "first_mjd": days[0],
        "step_days": step_days,
        "predicted_mjd": predicted_mjd,
        "leap_mjd": leap_mjd,
        "continuous_ms": [round(value * _MS_PER_S, 1) for value in continuous[::step_days]],
    }


def main(argv: Sequence[str]) -> None:
    """Reads the IERS file of the first argument and writes the table to the second."""
    finals, table = (Path(argument) for argument in argv)
    document = table_of_finals(finals.read_text(encoding="ascii"))
    table.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
