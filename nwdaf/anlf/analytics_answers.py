"""From samples to the answer of a request: statistics of the past, predictions of the future."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np

from nf_runtime.errors import FailedPrecondition, NotFound
from nwdaf.anlf.analytics import (
    Accuracy,
    Analytics,
    AnalyticsKind,
    AnalyticsMetadata,
    AnalyticsSeries,
    BeamSample,
    LoadSample,
    Sample,
    Strategy,
    prediction,
    statistics,
)
from nwdaf.anlf.analytics_requests import AnalyticsRequest, Period
from nwdaf.anlf.beam_forecast import PassForecast
from nwdaf.anlf.load_forecast import FEWEST_SAMPLES, Autoregression, skill_against_persistence

_MOST_POINTS = 60
_FULL = 100  # percent

S = TypeVar("S", BeamSample, LoadSample)


def statistics_of(request: AnalyticsRequest, samples: Sequence[S]) -> Analytics:
    """Statistics of the samples, one series for each subject and quantity.

    Raises:
        NotFound: UNAVAILABLE_DATA when no sample is left (the standard answers 204).
    """
    subjects = {
        subject: [
            sample for number, sample in enumerate(each) if _is_drawn(number, request.samp_ratio)
        ]
        for subject, each in _by_subject(request, samples).items()
    }
    if not subjects:
        raise nothing_known()
    used = [sample for each in subjects.values() for sample in each]
    return Analytics(
        kind=AnalyticsKind.STATISTICS,
        start_time=min(sample.time for sample in used),
        end_time=max(sample.time for sample in used),
        series=tuple(
            statistics(subject, quantity, [getattr(sample, quantity) for sample in each])
            for subject, each in subjects.items()
            for quantity in request.quantities
        ),
        metadata=_metadata(used, Strategy.SAMPLES),
    )


def pass_prediction(
    request: AnalyticsRequest,
    period: Period,
    samples: Sequence[BeamSample],
    *,
    lowest_elevation_deg: float,
) -> Analytics:
    """What beams will be like in a period, as long as the satellite stands high enough.

    Raises:
        FailedPrecondition: UNAVAILABLE_DATA when too little was measured of the serving satellite.
        NotFound: UNAVAILABLE_DATA when it has set by then, or for beams that it does not serve.
    """
    serving = samples[-1].satellite_id if samples else ""
    # Only since the last handover: another satellite is on another orbit.
    others = [place for place, sample in enumerate(samples) if sample.satellite_id != serving]
    history = samples[others[-1] + 1 :] if others else samples
    forecast = PassForecast.of(history)
    if forecast is None:
        raise _too_few(f"of satellite {serving}")
    times = _instants(period)
    ahead_s = np.array([(time - forecast.start).total_seconds() for time in times])
    up = forecast.elevation_deg(ahead_s) >= lowest_elevation_deg
    times = [time for time, is_up in zip(times, up, strict=True) if is_up]
    beams = _by_subject(request, history)
    if not times or not beams:
        raise nothing_known()
    return _predicted(
        [
            prediction(beam_id, quantity, times, forecast.of_beam(beam_id, quantity, ahead_s[up]))
            for beam_id in beams
            for quantity in request.quantities
        ],
        history,
        Strategy.ORBIT if forecast.on_orbit else Strategy.HOVERING,
    )


def load_prediction(
    request: AnalyticsRequest, period: Period, samples: Sequence[LoadSample]
) -> Analytics:
    """What the loads of network functions will be in a period.

    Raises:
        FailedPrecondition: UNAVAILABLE_DATA when one of them was sampled too rarely.
        NotFound: UNAVAILABLE_DATA when there are none.
    """
    functions = _by_subject(request, samples)
    if not functions:
        raise nothing_known()
    series, skills = [], []
    for name, loads in functions.items():
        if len(loads) < FEWEST_SAMPLES:
            raise _too_few(f"of the load of {name}")
        step = timedelta(
            seconds=float(np.median(np.diff([load.time.timestamp() for load in loads])))
        )
        # At least one step, however short the period.
        steps = max(int((period.end - loads[-1].time) / step), 1)
        times = [loads[-1].time + (number + 1) * step for number in range(steps)]
        inside = [number for number in range(steps) if times[number] >= period.start]
        places = (inside or [steps - 1])[:: -(-max(len(inside), 1) // _MOST_POINTS)]
        for quantity in request.quantities:
            history = np.array([getattr(load, quantity) for load in loads])
            forecast = Autoregression.through(history).forecast(steps).at(places)
            series.append(prediction(name, quantity, [times[place] for place in places], forecast))
            skills.append(skill_against_persistence(history))
    known = [skill for skill in skills if skill is not None]
    return _predicted(
        series,
        [load for loads in functions.values() for load in loads],
        Strategy.AUTOREGRESSION,
        skill=float(np.mean(known)) if known else None,
    )


def nothing_known() -> NotFound:
    """The error of a period without data."""
    return NotFound(
        "there are no data of what was asked for in that period; ask for all, for a longer period, "
        "or wait for the next measurement",
        reason="UNAVAILABLE_DATA",
        cause="UNAVAILABLE_DATA",
    )


def _predicted(
    series: Sequence[AnalyticsSeries],
    used: Sequence[Sample],
    strategy: Strategy,
    *,
    skill: float | None = None,
) -> Analytics:
    times = [point.time for each in series for point in each.points]
    return Analytics(
        kind=AnalyticsKind.PREDICTION,
        start_time=min(times),
        end_time=max(times),
        series=tuple(series),
        metadata=_metadata(
            used,
            strategy,
            accuracy=Accuracy.of(min(each.confidence or 0.0 for each in series)),
            skill=skill,
        ),
    )


def _metadata(
    used: Sequence[Sample],
    strategy: Strategy,
    *,
    accuracy: Accuracy | None = None,
    skill: float | None = None,
) -> AnalyticsMetadata:
    return AnalyticsMetadata(
        num_samples=len(used),
        data_start=min(sample.time for sample in used),
        data_end=max(sample.time for sample in used),
        strategy=strategy,
        accuracy=accuracy,
        skill=skill,
    )


def _by_subject(request: AnalyticsRequest, samples: Sequence[S]) -> Mapping[str, list[S]]:
    """The samples of each subject that is wanted, at most as many subjects as that."""
    found: dict[str, list[S]] = {}
    for sample in samples:
        if not request.subjects or sample.subject in request.subjects:
            found.setdefault(sample.subject, []).append(sample)
    names = sorted(found, key=_natural_order)
    return {name: found[name] for name in names[: request.max_objects or None]}


def _is_drawn(number: int, samp_ratio: int) -> bool:
    """Whether a sample is among that percentage, evenly spread; the first always is."""
    return number == 0 or number * samp_ratio // _FULL > (number - 1) * samp_ratio // _FULL


def _instants(period: Period) -> list[datetime]:
    """Whole seconds from the start, or fewer instants in a period of more than a minute."""
    length = period.end - period.start
    count = min(max(int(length.total_seconds()), 1), _MOST_POINTS)
    return [period.start + length * number / count for number in range(count + 1)]


def _too_few(of_what: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"there are too few samples {of_what} to predict from; ask for statistics, or again in a "
        "minute",
        reason="UNAVAILABLE_DATA",
        cause="UNAVAILABLE_DATA",
    )


def _natural_order(name: str) -> tuple[int, str]:
    # Beam ids are numbers as a rule; 10 comes after 9.
    return (int(name) if name.isdecimal() else 0, name)
