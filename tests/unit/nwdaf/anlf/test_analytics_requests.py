"""Which period a request is about, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from nwdaf.anlf.analytics import AnalyticsKind
from nwdaf.anlf.analytics_requests import (
    AnalyticsRequest,
    check_request,
    common_features,
    period_of,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ASKED = AnalyticsRequest("QOS_SUSTAINABILITY")
PAST, FUTURE = AnalyticsKind.STATISTICS, AnalyticsKind.PREDICTION


def s(seconds: float) -> timedelta:
    """A length of time."""
    return timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("fields", "kind", "start_s", "end_s"),
    [
        ({}, PAST, -60, 0),
        ({"window": s(10)}, PAST, -10, 0),
        ({"offset_period": s(-30)}, PAST, -30, 0),
        ({"offset_period": s(30)}, FUTURE, 0, 30),
        ({"start": NOW - s(50)}, PAST, -50, 0),
        ({"start": NOW - s(50), "end": NOW - s(20)}, PAST, -50, -20),
        ({"start": NOW - s(50), "end": NOW}, PAST, -50, 0),
        ({"end": NOW - s(20)}, PAST, -80, -20),
        ({"start": NOW}, FUTURE, 0, 60),
        ({"start": NOW + s(10)}, FUTURE, 10, 70),
        ({"start": NOW + s(10), "end": NOW + s(20)}, FUTURE, 10, 20),
        ({"end": NOW + s(20)}, FUTURE, 0, 20),
    ],
)
def test_the_period_behind_now_is_statistics_the_one_ahead_a_prediction(
    fields: dict[str, Any], kind: AnalyticsKind, start_s: float, end_s: float
) -> None:
    """Whichever way the period is given."""
    period = period_of(replace(ASKED, **fields), now=NOW)
    assert (period.kind, period.start, period.end) == (kind, NOW + s(start_s), NOW + s(end_s))


@settings(deadline=None)
@given(before=st.floats(0.001, 80_000), after=st.floats(0.001, 3_000))
def test_a_period_on_both_sides_of_now_is_refused(before: float, after: float) -> None:
    """BOTH_STAT_PRED_NOT_ALLOWED, TS 29.520 4.3.2.2."""
    with pytest.raises(InvalidArgument) as raised:
        period_of(replace(ASKED, start=NOW - s(before), end=NOW + s(after)), now=NOW)
    assert raised.value.metadata["cause"] == "BOTH_STAT_PRED_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start": NOW, "end": NOW - s(1)}, "end_ts"),
        ({"start": NOW - s(100_000), "end": NOW}, "start_ts"),
        ({"offset_period": s(4_000)}, "end_ts"),
    ],
)
def test_periods_out_of_range_are_refused(fields: dict[str, Any], field: str) -> None:
    """Backwards, longer than a day, more than an hour ahead."""
    with pytest.raises(InvalidArgument) as raised:
        period_of(replace(ASKED, **fields), now=NOW)
    assert raised.value.metadata == {"field": field, "cause": "OPTIONAL_QUERY_PARAM_INCORRECT"}


@pytest.mark.parametrize(
    ("fields", "field", "cause"),
    [
        ({"event": ""}, "event", "MANDATORY_QUERY_PARAM_MISSING"),
        ({"event": "VS_NTN_EAVESDROPPER"}, "event", "MANDATORY_QUERY_PARAM_INCORRECT"),
        ({"event": "UE_MOBILITY"}, "event", "MANDATORY_QUERY_PARAM_INCORRECT"),
        ({"window": s(0)}, "window", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"window": s(-1)}, "window", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"window": s(200_000)}, "window", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"window": s(9), "end": NOW}, "window", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"offset_period": s(0)}, "offset_period", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"samp_ratio": 101}, "samp_ratio", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"samp_ratio": -1}, "samp_ratio", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"max_objects": -1}, "max_object_nbr", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ({"supported_features": "xyz"}, "supported_features", "OPTIONAL_QUERY_PARAM_INCORRECT"),
    ],
)
def test_bad_parameters_have_the_standard_s_cause(
    fields: dict[str, Any], field: str, cause: str
) -> None:
    """Only `event-id` is mandatory."""
    with pytest.raises(InvalidArgument) as raised:
        check_request(replace(ASKED, **fields), wall_time=NOW)
    assert raised.value.reason == "INVALID_FIELD"
    assert raised.value.metadata == {"field": field, "cause": cause}


def test_an_answer_that_comes_too_late_is_none() -> None:
    """`timeAnaNeeded` is wall-clock time."""
    check_request(replace(ASKED, needed_until=NOW), wall_time=NOW)
    with pytest.raises(FailedPrecondition) as raised:
        check_request(replace(ASKED, needed_until=NOW - s(1)), wall_time=NOW)
    assert raised.value.metadata["cause"] == "UNSATISFIED_REQUESTED_ANALYTICS_TIME"


@pytest.mark.parametrize(
    ("requested", "common"),
    [("", ""), ("0", "0"), ("10", "10"), ("80", "80"), ("fff", "90"), ("8", "0"), ("40", "0")],
)
def test_features_have_the_numbers_of_analyticsinfo(requested: str, common: str) -> None:
    """QoSSustainability is 5 and NfLoad 8 here; 4 and 7 are those of EventsSubscription."""
    assert common_features(requested) == common


def test_aliases_are_events_too() -> None:
    """The quantities of an event depend on its kind."""
    assert replace(ASKED, event="BEAM_QUALITY").quantities == ASKED.quantities
    assert replace(ASKED, event="DOPPLER").quantities == ("doppler_hz", "elevation_deg")
