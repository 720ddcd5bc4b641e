"""CloudEvents in Kafka's binary mode."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.events import alarm_event

from nf_runtime.events.catalogue import Reliability
from nf_runtime.events.cloud_event import (
    PUBLISHED_AT_HEADER,
    CloudEvent,
    UnreadableEventError,
    decode,
    encode,
)

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def reliability(**changes: Any) -> Reliability:
    """Data with a bounded field."""
    values = {
        "model_name": "gan-gdm",
        "model_version": 3,
        "window": 50,
        "mean_reliability": 0.9,
        "low_share": 0.1,
        "sim_offset_s": 12.5,
    }
    return Reliability(**(values | changes))


def with_header(name: str, value: bytes | None) -> list[tuple[str, bytes]]:
    """The headers of a good event with one changed, or left out."""
    headers = dict(encode(alarm_event(), key="k").headers)
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    return list(headers.items())


def test_event_comes_back_as_it_went() -> None:
    """All attributes and the data survive."""
    event = alarm_event("7", traceparent=TRACEPARENT)
    message = encode(event, key="beam-3")
    assert message.topic == "oam.events"
    assert message.key == b"beam-3"
    assert decode(message.headers, message.value) == event


def test_headers_are_those_of_the_kafka_binding() -> None:
    """Attributes have the ce_ prefix; content type and traceparent do not."""
    headers = dict(encode(alarm_event(traceparent=TRACEPARENT), key="k").headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"org.aimlnf.oam.alarm.v1"
    assert headers["ce_time"] == b"2026-01-01T00:00:00Z"
    assert headers["content-type"] == b"application/json"
    assert headers["traceparent"] == TRACEPARENT.encode()


def test_encoding_is_deterministic() -> None:
    """The same event gives the same bytes, whatever zone its time was written in."""
    event = alarm_event()
    elsewhere = replace(event, time=event.time.astimezone(timezone(timedelta(hours=5))))
    assert encode(event, key="k") == encode(elsewhere, key="k")


def test_publication_time_is_read_from_the_transport_header() -> None:
    """The publisher's stamp is handed out; rubbish in it is no reason to fail."""
    message = encode(alarm_event(), key="k")
    for stamp, expected in ((b"123", 123), (b"-1", None), (b"soon", None), ("²".encode(), None)):
        event = decode([*message.headers, (PUBLISHED_AT_HEADER, stamp)], message.value)
        assert event.published_at_ns == expected


def test_unknown_fields_are_ignored() -> None:
    """A newer producer may add fields."""
    message = encode(alarm_event(), key="k")
    value = message.value[:-1] + b',"added_later":{"a":[1]}}'
    assert decode(message.headers, value) == alarm_event()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ce_id", None, "missing header ce_id"),
        ("ce_source", b"", "missing header ce_source"),
        ("ce_type", None, "missing header ce_type"),
        ("ce_time", None, "missing header ce_time"),
        ("ce_specversion", b"0.3", "CloudEvents version '0.3' is not 1.0"),
        ("ce_type", b"org.example.v1", "unknown event type 'org.example.v1'"),
        ("ce_time", b"yesterday", "not an RFC 3339 time"),
        ("ce_time", b"2026-01-01T00:00:00", "no time zone"),
        ("ce_subject", b"\xff", "not UTF-8"),
    ],
)
def test_wrong_attribute_is_named(name: str, value: bytes | None, reason: str) -> None:
    """The dead letter says which attribute is wrong."""
    with pytest.raises(UnreadableEventError, match=reason):
        decode(with_header(name, value), encode(alarm_event(), key="k").value)


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"[]", b'{"alarm_id": 1}', b"\xff", b"[" * 100_000]
)
def test_wrong_value_is_named(value: bytes | None) -> None:
    """A value that is no JSON, or not of the schema, is unreadable and names the type."""
    with pytest.raises(UnreadableEventError, match="Alarm"):
        decode(encode(alarm_event(), key="k").headers, value)


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50))), st.binary())
def test_any_bytes_are_an_event_or_unreadable(
    headers: list[tuple[str, bytes]], value: bytes
) -> None:
    """No record can make a reader fail in another way."""
    good = encode(alarm_event(), key="k")
    for given_headers in (headers, [*good.headers, *headers]):
        try:
            decode(given_headers, value)
        except UnreadableEventError:
            continue


@pytest.mark.parametrize(
    "changes",
    [{"id": ""}, {"source": ""}, {"time": datetime(2026, 1, 1)}],  # noqa: DTZ001
)
def test_incomplete_event_is_not_published(changes: dict[str, Any]) -> None:
    """An event without identity, or with a naive time, is a mistake of the producer."""
    with pytest.raises(ValueError, match=r"event"):
        encode(replace(alarm_event(), **changes), key="k")


@pytest.mark.parametrize(
    "data",
    [
        reliability(mean_reliability=1.2),
        reliability(mean_reliability=float("nan")),
        reliability(model_name=""),
    ],
)
def test_data_against_their_own_schema_are_not_published(data: Reliability) -> None:
    """What every consumer would dead-letter is refused at the producer."""
    event = CloudEvent(id="1", source="/s", time=datetime(2026, 1, 1, tzinfo=UTC), data=data)
    with pytest.raises(ValueError, match="Reliability cannot be published"):
        encode(event, key="k")


@given(
    st.builds(
        reliability,
        model_name=st.text(min_size=1, max_size=200),
        model_version=st.integers(-(2**63), 2**63 - 1),
        mean_reliability=st.floats(0, 1),
        sim_offset_s=st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_valid_data_come_back(data: Reliability, time: datetime) -> None:
    """Floats, long integers and text of any script survive JSON."""
    event = CloudEvent(id="1", source="/s", time=time, data=data)
    message = encode(event, key="k")
    assert decode(message.headers, message.value) == event
    assert msgspec.json.decode(message.value)["model_name"] == data.model_name
