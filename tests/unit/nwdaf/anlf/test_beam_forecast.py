"""Forecasts of beams beside persistence, over simulated passes."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from support.pass_samples import beam_samples
from support.passes import other_element_set

from nwdaf.anlf.analytics import BeamSample
from nwdaf.anlf.beam_forecast import FEWEST_SAMPLES, PassForecast

HISTORY = timedelta(seconds=300)
HORIZONS_S = ((1, 15), (15, 60), (60, 300))


@pytest.fixture(scope="module")
def clear_passes() -> Sequence[Sequence[BeamSample]]:
    """A pass of each of two satellites without rain."""
    return [
        beam_samples(duration_s=420.0, seed=1, disturbances=(), **satellite)
        for satellite in ({}, {"elements": other_element_set()})
    ]


def errors(
    samples: Sequence[BeamSample], quantity: str, now_s: float
) -> dict[tuple[int, int], list[tuple[float, float, bool]]]:
    """By horizon: |forecast - later|, |now - later|, and whether it lies within p5 to p95."""
    now = samples[0].time + timedelta(seconds=now_s)
    history = [sample for sample in samples if now - HISTORY <= sample.time <= now]
    forecast = PassForecast.of(history)
    assert forecast is not None
    latest = {sample.beam_id: getattr(sample, quantity) for sample in history}
    later = defaultdict(list)
    for sample in samples:
        if sample.time > now and sample.beam_id in latest:
            later[sample.beam_id].append(sample)
    found = defaultdict(list)
    for beam_id, measured in later.items():
        ahead_s = np.array([(each.time - forecast.start).total_seconds() for each in measured])
        made = forecast.of_beam(beam_id, quantity, ahead_s)
        low, high = made.quantile(0.05), made.quantile(0.95)
        for place, sample in enumerate(measured):
            value = getattr(sample, quantity)
            for horizon in HORIZONS_S:
                if horizon[0] <= ahead_s[place] < horizon[1]:
                    found[horizon].append(
                        (
                            abs(made.mean[place] - value),
                            abs(latest[beam_id] - value),
                            bool(low[place] <= value <= high[place]),
                        )
                    )
    return found


def pooled(
    passes: Sequence[Sequence[BeamSample]], quantity: str
) -> dict[tuple[int, int], tuple[float, float, float]]:
    """Mean errors of forecast and persistence, and the share within the band, by horizon."""
    all_of_them = defaultdict(list)
    for samples in passes:
        for now_s in (60, 140, 220, 300):
            for horizon, rows in errors(samples, quantity, now_s).items():
                all_of_them[horizon] += rows
    return {horizon: tuple(np.mean(rows, axis=0)) for horizon, rows in all_of_them.items()}


def test_the_sinr_is_forecast_better_than_by_persistence(
    clear_passes: Sequence[Sequence[BeamSample]],
) -> None:
    """Over the rest of a clear pass, at every horizon; most measurements lie within the band.

    `docs/analytics.md` has these figures and those with rain.
    """
    found = pooled(clear_passes, "sinr_db")
    for (near_s, far_s), (forecast_db, persistence_db, within) in sorted(found.items()):
        print(f"{near_s} to {far_s} s: {forecast_db:.2f} dB, {persistence_db:.2f}, {within:.0%}")  # noqa: T201
    gains = {horizon: 1 - row[0] / row[1] for horizon, row in found.items()}
    assert gains[1, 15] > 0.0
    assert gains[15, 60] > 0.1
    assert gains[60, 300] > 0.03
    assert min(row[2] for row in found.values()) > 0.75


@pytest.mark.parametrize("quantity", ["doppler_hz", "elevation_deg"])
def test_geometry_is_forecast_within_its_band(
    clear_passes: Sequence[Sequence[BeamSample]], quantity: str
) -> None:
    """At least nine of ten measurements lie between p5 and p95, and persistence is far off."""
    for forecast, persistence, within in pooled(clear_passes, quantity).values():
        assert within > 0.9
        assert persistence > 10 * forecast


def test_rain_now_lowers_the_forecast_and_relaxes_to_its_mean() -> None:
    """Through the slant path: more so at a low elevation."""
    samples = beam_samples(duration_s=120.0)
    now = next(sample.time for sample in samples if sample.rain_db > 5) + timedelta(seconds=5)
    history = [sample for sample in samples if sample.time <= now]
    forecast = PassForecast.of(history)
    assert forecast is not None
    latest = next(sample for sample in reversed(history) if sample.rain_db > 5)
    mean = np.mean([each.rain_db for each in history if each.beam_id == latest.beam_id])
    rain = forecast.of_beam(latest.beam_id, "rain_db", np.array([0.0, 600.0]))
    assert rain.mean == pytest.approx([latest.rain_db, mean], abs=0.01)
    assert rain.deviation[1] > rain.deviation[0] == 0.0


def test_too_short_a_history_tells_nothing() -> None:
    """None, which becomes UNAVAILABLE_DATA."""
    samples = beam_samples(duration_s=60.0)
    few = [sample for sample in samples if sample.time < samples[0].time + timedelta(seconds=10)]
    assert PassForecast.of(few) is None
    assert PassForecast.of([]) is None
    assert FEWEST_SAMPLES > 10


def test_other_quantities_have_no_forecast() -> None:
    """A mistake of the caller."""
    forecast = PassForecast.of(beam_samples(duration_s=60.0))
    assert forecast is not None
    with pytest.raises(ValueError, match="no forecast of azimuth_deg"):
        forecast.of_beam("1", "azimuth_deg", np.array([1.0]))
