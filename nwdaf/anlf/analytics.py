"""Statistics of what the radio access network measured (Nnwdaf_AnalyticsInfo, TS 29.520 5.2).

Not modelled: predictions, confidence, and data from any other source than the satellite's own
measurement reports.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from nf_runtime.errors import InvalidArgument, NotFound
from nwdaf.anlf.subscriptions import EVENT_KINDS
from nwdaf.anlf.triggers import EventKind

DEFAULT_WINDOW = timedelta(seconds=60)
MAX_WINDOW = timedelta(days=1)

# Which quantities an event's statistics are about.
_QUANTITIES: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.BEAM_QUALITY: ("sinr_db", "rain_db", "elevation_deg"),
    EventKind.DOPPLER: ("doppler_hz", "elevation_deg"),
}


@dataclass(frozen=True)
class BeamSample:
    """One beam at one instant of simulated time."""

    time: datetime
    beam_id: str
    sinr_db: float
    rain_db: float
    doppler_hz: float
    elevation_deg: float


@dataclass(frozen=True)
class AnalyticsSeries:
    """Statistics of one quantity of one beam, in the unit that the quantity's name ends in."""

    beam_id: str
    quantity: str
    num_samples: int
    mean: float
    standard_deviation: float
    minimum: float
    p5: float
    p50: float
    p95: float
    maximum: float


@dataclass(frozen=True)
class Analytics:
    """`AnalyticsData`: the series, and the simulated time of the first and last sample."""

    start_time: datetime
    end_time: datetime
    series: tuple[AnalyticsSeries, ...]


def quantities_of(event: str) -> tuple[str, ...]:
    """The quantities that the statistics of an event are made of.

    Raises:
        InvalidArgument: INVALID_FIELD for an event without statistics.
    """
    kind = EVENT_KINDS.get(event)
    if kind is None or kind not in _QUANTITIES:
        known = ", ".join(token for token, kind in EVENT_KINDS.items() if kind in _QUANTITIES)
        raise InvalidArgument(
            f"there are no analytics of event {event!r}; ask for one of {known}",
            reason="INVALID_FIELD",
            field="event",
        )
    return _QUANTITIES[kind]


def checked_window(window: timedelta | None) -> timedelta:
    """The window asked for, or the default of 60 s.

    Raises:
        InvalidArgument: INVALID_FIELD unless it is above zero and at most a day.
    """
    if window is None:
        return DEFAULT_WINDOW
    if not timedelta(0) < window <= MAX_WINDOW:
        raise InvalidArgument(
            "window is a length of time above zero and at most a day",
            reason="INVALID_FIELD",
            field="window",
        )
    return window


def analyse(
    samples: Sequence[BeamSample], *, quantities: Sequence[str], beam_ids: Collection[str]
) -> Analytics:
    """One series for each beam and quantity; all beams if `beam_ids` is empty.

    Raises:
        NotFound: UNAVAILABLE_DATA when no sample is left (the standard answers 204).
    """
    wanted = [sample for sample in samples if not beam_ids or sample.beam_id in beam_ids]
    if not wanted:
        raise NotFound(
            "there are no measurements of these beams in the window; ask for all beams, a longer "
            "window, or wait for the next measurement",
            reason="UNAVAILABLE_DATA",
        )
    beams: dict[str, list[BeamSample]] = {}
    for sample in wanted:
        beams.setdefault(sample.beam_id, []).append(sample)
    return Analytics(
        start_time=min(sample.time for sample in wanted),
        end_time=max(sample.time for sample in wanted),
        series=tuple(
            _series(beam_id, quantity, [getattr(sample, quantity) for sample in beams[beam_id]])
            for beam_id in sorted(beams, key=_beam_order)
            for quantity in quantities
        ),
    )


def _series(beam_id: str, quantity: str, values: Sequence[float]) -> AnalyticsSeries:
    array = np.asarray(values, dtype=np.float64)
    p5, p50, p95 = (float(value) for value in np.percentile(array, (5, 50, 95)))
    return AnalyticsSeries(
        beam_id=beam_id,
        quantity=quantity,
        num_samples=len(values),
        mean=float(array.mean()),
        standard_deviation=float(array.std()),
        minimum=float(array.min()),
        p5=p5,
        p50=p50,
        p95=p95,
        maximum=float(array.max()),
    )


def _beam_order(beam_id: str) -> tuple[int, str]:
    # Beam ids are numbers as a rule; 10 comes after 9.
    return (int(beam_id) if beam_id.isdecimal() else 0, beam_id)
