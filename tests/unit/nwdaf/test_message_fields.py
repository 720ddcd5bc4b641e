"""Times, lengths, pages and ids of messages."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from nf_runtime.errors import InvalidArgument
from nwdaf.message_fields import (
    checked_id,
    duration_of,
    length_of,
    page_size_of,
    position_of,
    time_of,
    timestamp_of,
    token_of,
)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001
def test_times_survive_the_way_there_and_back(time: datetime) -> None:
    """To the microsecond."""
    aware = time.replace(tzinfo=UTC)
    assert time_of(timestamp_of(aware), "f") == aware


@given(st.timedeltas(min_value=timedelta(days=-300_000), max_value=timedelta(days=300_000)))
def test_lengths_survive_the_way_there_and_back(length: timedelta) -> None:
    """To the microsecond, also negative ones."""
    assert length_of(duration_of(length), "f") == length


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_timestamp_is_a_time_or_refused(seconds: int, nanos: int) -> None:
    """Whatever a client sends, the answer is a time in UTC or INVALID_FIELD."""
    with suppress(InvalidArgument):
        assert time_of(Timestamp(seconds=seconds, nanos=nanos), "f").tzinfo is UTC


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_duration_is_a_length_or_refused(seconds: int, nanos: int) -> None:
    """Whatever a client sends."""
    with suppress(InvalidArgument):
        assert abs(length_of(Duration(seconds=seconds, nanos=nanos), "f")) <= timedelta(365_000)


@pytest.mark.parametrize(("asked", "given_"), [(0, 100), (7, 7), (1_000, 1_000), (5_000, 1_000)])
def test_page_sizes_have_a_default_and_a_bound(asked: int, given_: int) -> None:
    """0 means 100, and never more than 1000."""
    assert page_size_of(asked) == given_


def test_negative_page_sizes_are_refused() -> None:
    """INVALID_FIELD."""
    with pytest.raises(InvalidArgument):
        page_size_of(-1)


@given(st.none() | st.integers(0, 10**18 - 1))
def test_page_tokens_survive_the_way_there_and_back(position: int | None) -> None:
    """And none is the first page."""
    assert position_of(token_of(position)) == position


@given(st.text(min_size=1))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    """Whatever a client sends, the answer is a position or INVALID_FIELD."""
    with suppress(InvalidArgument):
        position = position_of(text)
        assert position is not None
        assert 0 <= position < 10**18


def test_ids_are_bounded() -> None:
    """200 characters fit, one more does not."""
    assert checked_id("x" * 200, "f") == "x" * 200
    with pytest.raises(InvalidArgument):
        checked_id("x" * 201, "f")
