"""Statistics of measurements."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ran_events import START

from nf_runtime.errors import InvalidArgument, NotFound
from nwdaf.anlf.analytics import BeamSample, analyse, checked_window, quantities_of


def sample(offset_s: float, *, beam_id: str = "1", sinr_db: float = 0.0) -> BeamSample:
    """A sample of one beam."""
    return BeamSample(
        time=START + timedelta(seconds=offset_s),
        beam_id=beam_id,
        sinr_db=sinr_db,
        rain_db=1.0,
        doppler_hz=100.0,
        elevation_deg=45.0,
    )


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=50))
def test_statistics_are_those_of_numpy(values: list[float]) -> None:
    """Count, mean, deviation, extremes and percentiles of the samples of a beam."""
    samples = [sample(number, sinr_db=value) for number, value in enumerate(values)]

    (series,) = analyse(samples, quantities=["sinr_db"], beam_ids=()).series

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
    analytics = analyse(samples, quantities=["sinr_db", "rain_db"], beam_ids=())
    assert [(entry.beam_id, entry.quantity) for entry in analytics.series] == [
        (beam_id, quantity) for beam_id in ("1", "9", "10") for quantity in ("sinr_db", "rain_db")
    ]


def test_the_time_span_is_that_of_the_chosen_beams() -> None:
    """From the first to the last sample that counted."""
    samples = [sample(0, beam_id="2"), sample(3), sample(7)]
    analytics = analyse(samples, quantities=["sinr_db"], beam_ids={"1"})
    assert analytics.start_time == START + timedelta(seconds=3)
    assert analytics.end_time == START + timedelta(seconds=7)


@pytest.mark.parametrize("samples", [[], [sample(0, beam_id="2")]])
def test_without_samples_there_are_no_analytics(samples: list[BeamSample]) -> None:
    """UNAVAILABLE_DATA, also when only other beams were measured."""
    with pytest.raises(NotFound) as raised:
        analyse(samples, quantities=["sinr_db"], beam_ids={"1"})
    assert raised.value.reason == "UNAVAILABLE_DATA"


def test_the_default_window_is_a_minute() -> None:
    """As the API says."""
    assert checked_window(None) == timedelta(seconds=60)


@pytest.mark.parametrize("window", [timedelta(0), timedelta(seconds=-1), timedelta(days=2)])
def test_windows_out_of_range_are_refused(window: timedelta) -> None:
    """Nothing, the future and a pile of history alike."""
    with pytest.raises(InvalidArgument):
        checked_window(window)


@pytest.mark.parametrize("event", ["", "VS_NTN_EAVESDROPPER", "NF_LOAD"])
def test_events_without_statistics_are_refused(event: str) -> None:
    """Measurements say nothing about them."""
    with pytest.raises(InvalidArgument):
        quantities_of(event)


def test_aliases_have_statistics_too() -> None:
    """The quantities of an event depend on its kind."""
    assert quantities_of("QOS_SUSTAINABILITY") == quantities_of("BEAM_QUALITY")
    assert quantities_of("DOPPLER") == ("doppler_hz", "elevation_deg")
