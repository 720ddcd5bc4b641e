"""A satellite as a site sees it, sample by sample, with the losses of the link."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from aimlctl.sim.path_losses import Losses, Weather, losses_along
from radio_math.attenuation import MIN_ELEVATION_DEG
from ran_sim.orbit.earth_rotation import bundled_earth_rotation
from ran_sim.orbit.elements import ElementSet
from ran_sim.orbit.frames import julian_date
from ran_sim.orbit.look import Look
from ran_sim.orbit.passes import Pass, Site, look_from, passes
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.timing import one_way_delay_s

_M_PER_KM = 1e3
_MS_PER_S = 1e3
_HZ_PER_GHZ = 1e9

GEOMETRY = (
    "range_km",
    "elevation_deg",
    "azimuth_deg",
    "range_rate_km_s",
    "doppler_hz",
    "doppler_rate_hz_s",
    "one_way_delay_ms",
)
LOSSES = tuple(field.name for field in fields(Losses))
COLUMNS = ("time_utc", *GEOMETRY, "visible", *LOSSES)
"""Columns of a sample: geometry always, losses only where the satellite is visible."""


@dataclass(frozen=True)
class PassOrder:
    """What to compute.

    Attributes:
        elements: the satellite.
        site: where it is seen from.
        start: first sample.
        end: the last instant.
        offset_s: of every sample after the start.
        frequency_ghz: carrier frequency.
        minimum_elevation_deg: below it the satellite does not count as visible.
        weather: the model of the losses.
    """

    elements: ElementSet
    site: Site
    start: dt.datetime
    end: dt.datetime
    offset_s: Sequence[float]
    frequency_ghz: float
    minimum_elevation_deg: float
    weather: Weather


@dataclass(frozen=True)
class PassTable:
    """The samples of a pass.

    Attributes:
        time: [T] UTC of the samples.
        look: geometry at them, below the horizon too.
        visible: [T] whether the satellite stands at or above the mask.
        losses: of the V visible samples, in their order.
        passes: every pass above the mask within the time.
        frequency_ghz: carrier frequency.
        warnings: sentences about what the numbers are worth.
    """

    time: list[dt.datetime]
    look: Look
    visible: npt.NDArray[np.bool_]
    losses: Losses
    passes: list[Pass]
    frequency_ghz: float
    warnings: list[str]

    def columns(self) -> Mapping[str, list[Any]]:
        """Every column as plain values; None where there is nothing to say."""
        frequency_hz = self.frequency_ghz * _HZ_PER_GHZ
        geometry = (
            self.look.range_m / _M_PER_KM,
            self.look.elevation_deg,
            self.look.azimuth_deg,
            self.look.range_rate_m_s / _M_PER_KM,
            self.look.doppler_hz(frequency_hz),
            self.look.doppler_rate_hz_s(frequency_hz),
            one_way_delay_s(self.look.range_m) * _MS_PER_S,
        )
        columns: dict[str, list[Any]] = {"time_utc": [printed(time) for time in self.time]}
        columns |= {name: values.tolist() for name, values in zip(GEOMETRY, geometry, strict=True)}
        columns["visible"] = self.visible.tolist()
        columns |= {name: self._spread(getattr(self.losses, name)) for name in LOSSES}
        return columns

    def samples(self) -> Iterator[dict[str, Any]]:
        """Every sample by the names of its columns."""
        columns = self.columns()
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def _spread(self, values: npt.NDArray[np.float64] | None) -> list[float | None]:
        spread: list[float | None] = [None] * len(self.time)
        if values is not None:
            for position, value in zip(np.flatnonzero(self.visible), values.tolist(), strict=True):
                # No number must stay no number: JSON has no NaN, and 0 dB would be a lie.
                spread[position] = value if math.isfinite(value) else None
        return spread


def pass_table(order: PassOrder, *, allow_stale: bool) -> PassTable:
    """The samples of an order.

    Raises:
        FailedPrecondition: the elements are too old, or SGP4 reports an error.
        InvalidArgument: the loss model does not take the frequency, place or exceedance.
    """
    warnings = {
        order.elements.check_age(at, allow_stale=allow_stale): None
        for at in (order.start, order.end)
    }
    propagator = Propagator(order.elements)
    look = look_from(propagator, order.site, order.start, order.offset_s)
    visible = look.elevation_deg >= order.minimum_elevation_deg
    losses = losses_along(
        order.weather,
        order.site,
        order.frequency_ghz,
        look.range_m[visible],
        look.elevation_deg[visible],
    )
    warnings |= dict.fromkeys(_notes(order, look, visible, losses))
    return PassTable(
        time=[order.start + dt.timedelta(seconds=offset) for offset in order.offset_s],
        look=look,
        visible=visible,
        losses=losses,
        passes=passes(propagator, order.site, order.start, order.end, order.minimum_elevation_deg),
        frequency_ghz=order.frequency_ghz,
        warnings=[warning for warning in warnings if warning],
    )


def printed(time: dt.datetime | None) -> str | None:
    """A time in UTC as it is printed; None stays None."""
    if time is None:
        return None
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _notes(
    order: PassOrder, look: Look, visible: npt.NDArray[np.bool_], losses: Losses
) -> Iterator[str]:
    jd, fr = julian_date(order.start, np.zeros(1))
    if not bundled_earth_rotation().covers(float(jd[0] + fr[0])):
        yield (
            "The bundled table of the Earth's rotation does not reach this time: UT1 is taken as "
            "UTC, which moves the satellite by at most 0.42 km."
        )
    if losses.gas_db is not None and (look.elevation_deg[visible] < MIN_ELEVATION_DEG).any():
        yield (
            f"Below {MIN_ELEVATION_DEG:g} degrees the models of the atmosphere end: their terms "
            "keep their values from there, which is less than the truth."
        )
