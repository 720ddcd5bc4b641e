"""Statistics and predictions of samples."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ran_events import START

from nf_runtime.errors import FailedPrecondition, NotFound
from nwdaf.anlf.analytics import (
    Accuracy,
    AnalyticsKind,
    BeamSample,
    LoadSample,
    Strategy,
    prediction,
)
from nwdaf.anlf.analytics_answers import load_prediction, pass_prediction, statistics_of
from nwdaf.anlf.analytics_requests import AnalyticsRequest, Period
from nwdaf.anlf.forecasts import Forecast

BEAMS = AnalyticsRequest("VS_NTN_BEAM_QUALITY")
LOADS = AnalyticsRequest("NF_LOAD")


def at(offset_s: float) -> timedelta:
    """A time of the run."""
    return START + timedelta(seconds=offset_s)


def ahead(start_s: float, end_s: float) -> Period:
    """A period of the future."""
    return Period(AnalyticsKind.PREDICTION, at(start_s), at(end_s))


def sample(
    offset_s: float, *, beam_id: str = "1", sinr_db: float = 0.0, satellite_id: str = "1"
) -> BeamSample:
    """A sample of one beam under a platform that hovers."""
    return BeamSample(
        time=at(offset_s),
        beam_id=beam_id,
        sinr_db=sinr_db,
        rain_db=1.0,
        doppler_hz=100.0,
        elevation_deg=45.0,
        range_km=28.3,
        satellite_id=satellite_id,
    )


def load(offset_s: float, cpu_usage_percent: float, *, name: str = "oam") -> LoadSample:
    """A sample of the load of one function."""
    return LoadSample(at(offset_s), name, cpu_usage_percent, memory_usage_percent=100.0)


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=50))
def test_statistics_are_those_of_numpy(values: list[float]) -> None:
    """Count, mean, deviation, extremes and percentiles of the samples of a beam."""
    samples = [sample(number, sinr_db=value) for number, value in enumerate(values)]

    series = statistics_of(BEAMS, samples).series[0]

    assert series.num_samples == len(values)
    assert series.mean == pytest.approx(np.mean(values))
    assert series.standard_deviation == pytest.approx(np.std(values))
    assert (series.minimum, series.maximum) == (min(values), max(values))
    assert (series.p5, series.p50, series.p95) == pytest.approx(
        tuple(np.percentile(values, (5, 50, 95)))
    )


def test_beams_are_kept_apart_and_in_order() -> None:
    """Ten comes after nine."""
    samples = [sample(0, beam_id=beam_id) for beam_id in ("10", "9", "1")]
    analytics = statistics_of(BEAMS, samples)
    assert [(entry.subject, entry.quantity) for entry in analytics.series] == [
        (beam_id, quantity)
        for beam_id in ("1", "9", "10")
        for quantity in ("sinr_db", "rain_db", "elevation_deg")
    ]


def test_metadata_tell_of_the_samples_that_counted() -> None:
    """`numSamples` and `dataWindow` of the chosen beams only."""
    samples = [sample(0, beam_id="2"), sample(3), sample(7)]
    analytics = statistics_of(replace(BEAMS, subjects=frozenset({"1"})), samples)
    assert (analytics.start_time, analytics.end_time) == (at(3), at(7))
    assert (analytics.metadata.data_start, analytics.metadata.data_end) == (at(3), at(7))
    assert (analytics.metadata.num_samples, analytics.metadata.strategy) == (2, Strategy.SAMPLES)


@pytest.mark.parametrize("samples", [[], [sample(0, beam_id="2")]])
def test_without_samples_there_are_no_analytics(samples: list[BeamSample]) -> None:
    """UNAVAILABLE_DATA, also when only other beams were measured."""
    with pytest.raises(NotFound) as raised:
        statistics_of(replace(BEAMS, subjects=frozenset({"1"})), samples)
    assert raised.value.reason == "UNAVAILABLE_DATA"


@settings(deadline=None)
@given(st.integers(1, 100), st.integers(1, 500))
def test_sampling_ratios_draw_that_share_evenly(ratio: int, count: int) -> None:
    """`sampRatio` percent of the samples, to within one, and never none."""
    request = replace(BEAMS, samp_ratio=ratio)
    series = statistics_of(request, [sample(number) for number in range(count)]).series[0]
    assert series.num_samples >= 1
    assert abs(series.num_samples - count * ratio / 100) <= 1


def test_at_most_so_many_objects_are_told() -> None:
    """`maxObjectNbr` beams, the first by name."""
    samples = [sample(0, beam_id=str(number)) for number in range(1, 9)]
    analytics = statistics_of(replace(BEAMS, max_objects=2), samples)
    assert {series.subject for series in analytics.series} == {"1", "2"}


def test_a_platform_is_expected_to_stay() -> None:
    """What flies below all orbits hovers: geometry stays, the SINR goes back to its mean."""
    samples = [sample(number, sinr_db=10.0 + (number == 59)) for number in range(60)]
    analytics = pass_prediction(BEAMS, ahead(60, 90), samples, lowest_elevation_deg=10.0)
    sinr, rain, elevation = analytics.series
    assert analytics.metadata.strategy is Strategy.HOVERING
    assert elevation.mean == pytest.approx(45.0)
    assert rain.mean == pytest.approx(1.0)
    assert sinr.points[-1].value == pytest.approx(10.0, abs=0.2)
    assert analytics.metadata.accuracy is Accuracy.HIGHEST
    assert all(point.p5 < point.value < point.p95 for point in sinr.points)


def test_only_the_serving_satellite_counts() -> None:
    """Samples of before a handover are of another orbit; alone they are too few."""
    samples = [sample(number, satellite_id="1" if number < 50 else "2") for number in range(60)]
    with pytest.raises(FailedPrecondition) as raised:
        pass_prediction(BEAMS, ahead(60, 90), samples, lowest_elevation_deg=10.0)
    assert (raised.value.reason, raised.value.metadata["cause"]) == (
        "UNAVAILABLE_DATA",
        "UNAVAILABLE_DATA",
    )


def test_below_the_lowest_elevation_nothing_is_predicted() -> None:
    """The satellite serves nobody there."""
    samples = [sample(number) for number in range(60)]
    with pytest.raises(NotFound):
        pass_prediction(BEAMS, ahead(60, 90), samples, lowest_elevation_deg=50.0)


def test_loads_are_predicted_with_their_skill() -> None:
    """Every function by itself, in the rhythm of its samples, with the error beside persistence."""
    rng = np.random.default_rng(1)
    samples = [load(5 * n, 40 + 5 * rng.standard_normal()) for n in range(200)]
    analytics = load_prediction(LOADS, ahead(1000, 1060), samples)
    cpu, memory = analytics.series
    assert [series.quantity for series in analytics.series] == [
        "cpu_usage_percent",
        "memory_usage_percent",
    ]
    assert cpu.mean == pytest.approx(40, abs=2)
    assert (memory.mean, memory.standard_deviation) == pytest.approx((100, 0), abs=1e-6)
    assert [point.time for point in cpu.points] == [at(1000 + 5 * n) for n in range(13)]
    # White noise around a level: persistence errs by sqrt(2) times as much as the level.
    assert analytics.metadata.skill == pytest.approx(1 - 1 / np.sqrt(2), abs=0.1)


def test_few_samples_of_a_load_are_too_few() -> None:
    """UNAVAILABLE_DATA says of whom."""
    with pytest.raises(FailedPrecondition, match="load of oam"):
        load_prediction(LOADS, ahead(100, 160), [load(5 * n, 1.0) for n in range(20)])


def test_the_distribution_of_a_period_mixes_those_of_its_instants() -> None:
    """Ten each of 0 and 10, known exactly: the mean is 5, the percentiles are 0 and 10."""
    times = [at(number) for number in range(20)]
    forecast = Forecast(np.repeat([0.0, 10.0], 10), np.full(20, 1e-9))
    series = prediction("1", "sinr_db", times, forecast)
    assert (series.mean, series.standard_deviation) == pytest.approx((5.0, 5.0))
    assert (series.p5, series.p95) == pytest.approx((0.0, 10.0), abs=1e-6)
    assert series.confidence == pytest.approx(100.0)


def test_confidence_is_the_probability_to_come_near() -> None:
    """A deviation as large as the tolerance: 68 %, which is MEDIUM."""
    series = prediction("1", "sinr_db", [at(0)], Forecast(np.zeros(1), np.full(1, 3.0)))
    assert series.confidence == pytest.approx(68.27, abs=0.01)
    assert Accuracy.of(series.confidence) is Accuracy.MEDIUM
