"""Forecast of what beams will be like over the rest of a pass: geometry, rain, Doppler and SINR.

The orbit (`circular_pass`) tells where the satellite will be, `sinr_regression` what that means for
the SINR of a beam without rain. Rain relaxes to its mean.

Not modelled: handovers to come, rain that has not begun, decisions of the inference function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from nwdaf.anlf.analytics import BeamSample
from nwdaf.anlf.circular_pass import CircularPass, NoOrbitError
from nwdaf.anlf.forecasts import FloatArray, Forecast
from nwdaf.anlf.sinr_regression import SinrRegression
from radio_math.arrays import element_gain
from radio_math.link import air_mass, to_db

FEWEST_SAMPLES = 15
"""Measurements of the serving satellite that a forecast needs."""

_RAIN_MEMORY_S = 60.0
# What a circular orbit misses at most; `docs/analytics.md` has the measurement.
_ELEVATION_DEVIATION_DEG = 0.25
_DOPPLER_DEVIATION = 0.006  # of the largest shift


class _Geometry(Protocol):
    def elevation_deg(self, time_s: FloatArray) -> FloatArray: ...

    def range_km(self, time_s: FloatArray) -> FloatArray: ...

    def doppler_hz(self, time_s: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class _Hovering:
    """A platform in the stratosphere, which stays where it was seen."""

    elevation: float
    range: float
    doppler: float

    def elevation_deg(self, time_s: FloatArray) -> FloatArray:
        return np.full_like(time_s, self.elevation)

    def range_km(self, time_s: FloatArray) -> FloatArray:
        return np.full_like(time_s, self.range)

    def doppler_hz(self, time_s: FloatArray) -> FloatArray:
        return np.full_like(time_s, self.doppler)


@dataclass(frozen=True)
class PassForecast:
    """The forecast of one pass.

    Attributes:
        start: the latest measurement; forecasts lie behind it.
        on_orbit: whether geometry follows an orbit; if not, it stays as it was measured.
    """

    start: datetime
    on_orbit: bool
    _geometry: _Geometry
    _rain: Mapping[str, tuple[float, float, float]]
    _sinr: SinrRegression

    @classmethod
    def of(cls, history: Sequence[BeamSample]) -> "PassForecast | None":
        """What the history of one satellite, in order of time, lets expect; None: too little."""
        start = history[-1].time if history else None
        table = _Table.of(history)
        if start is None or len(table.time_s) < FEWEST_SAMPLES:
            return None
        geometry: _Geometry
        try:
            geometry = CircularPass.through(
                table.time_s, table.elevation_deg, table.range_km, table.doppler_hz
            )
        except NoOrbitError:
            geometry = _Hovering(
                float(table.elevation_deg[-1]),
                float(table.range_km[-1]),
                float(table.doppler_hz.mean()),
            )
        return cls(
            start=start,
            on_orbit=isinstance(geometry, CircularPass),
            _geometry=geometry,
            _rain={
                beam_id: (float(rain[-1]), float(rain.mean()), float(rain.std()))
                for beam_id, rain in table.rain_db.items()
            },
            _sinr=SinrRegression.through(
                table.time_s, _gain_db(table.elevation_deg, table.range_km), table.dry_sinr_db
            ),
        )

    def elevation_deg(self, ahead_s: FloatArray) -> FloatArray:
        """Elevation [T] some seconds after `start`."""
        return self._geometry.elevation_deg(ahead_s)

    def of_beam(self, beam_id: str, quantity: str, ahead_s: FloatArray) -> Forecast:
        """A quantity of a beam of the history some seconds [T] after `start`."""
        elevation_deg = self._geometry.elevation_deg(ahead_s)
        match quantity:
            case "elevation_deg":
                return Forecast(elevation_deg, np.full_like(ahead_s, _ELEVATION_DEVIATION_DEG))
            case "doppler_hz":
                doppler_hz = self._geometry.doppler_hz(ahead_s)
                largest_hz = float(np.abs(doppler_hz).max(initial=1.0))
                return Forecast(doppler_hz, np.full_like(ahead_s, _DOPPLER_DEVIATION * largest_hz))
            case "rain_db":
                return self._rain_forecast(beam_id, ahead_s)
            case "sinr_db":
                rain = self._rain_forecast(beam_id, ahead_s)
                dry = self._sinr.forecast(
                    beam_id, ahead_s, _gain_db(elevation_deg, self._geometry.range_km(ahead_s))
                )
                slant = air_mass(elevation_deg)
                return Forecast(
                    dry.mean - rain.mean * slant,
                    np.hypot(dry.deviation, rain.deviation * slant),
                )
        raise ValueError(f"no forecast of {quantity}")

    def _rain_forecast(self, beam_id: str, ahead_s: FloatArray) -> Forecast:
        now, mean, deviation = self._rain[beam_id]
        kept = np.exp(-ahead_s / _RAIN_MEMORY_S)
        return Forecast(mean + (now - mean) * kept, deviation * np.sqrt(1 - kept**2))


@dataclass(frozen=True)
class _Table:
    """A history as arrays [T]; time counts from its end. `dry_sinr_db` is NaN where unmeasured."""

    time_s: FloatArray
    elevation_deg: FloatArray
    range_km: FloatArray
    doppler_hz: FloatArray
    rain_db: Mapping[str, FloatArray]
    dry_sinr_db: Mapping[str, FloatArray]

    @classmethod
    def of(cls, history: Sequence[BeamSample]) -> "_Table":
        ticks: dict[datetime, dict[str, BeamSample]] = {}
        for sample in history:
            ticks.setdefault(sample.time, {})[sample.beam_id] = sample
        each = [next(iter(tick.values())) for tick in ticks.values()]
        time_s = np.array([(sample.time - each[-1].time).total_seconds() for sample in each])
        elevation_deg = np.array([sample.elevation_deg for sample in each])
        rain_db: dict[str, FloatArray] = {}
        dry_sinr_db: dict[str, FloatArray] = {}
        for beam_id in {sample.beam_id for sample in history}:
            there = [tick.get(beam_id) for tick in ticks.values()]
            rain = np.array([np.nan if sample is None else sample.rain_db for sample in there])
            sinr = np.array([np.nan if sample is None else sample.sinr_db for sample in there])
            rain_db[beam_id] = rain[np.isfinite(rain)]
            dry_sinr_db[beam_id] = sinr + rain * air_mass(elevation_deg)
        return cls(
            time_s=time_s,
            elevation_deg=elevation_deg,
            range_km=np.array([sample.range_km for sample in each]),
            doppler_hz=np.array([sample.doppler_hz for sample in each]),
            rain_db=rain_db,
            dry_sinr_db=dry_sinr_db,
        )


def _gain_db(elevation_deg: FloatArray, range_km: FloatArray) -> FloatArray:
    """Gain [T] of path and terminal antenna, but for a constant."""
    return np.asarray(to_db(element_gain(elevation_deg)) - 20 * np.log10(range_km))
