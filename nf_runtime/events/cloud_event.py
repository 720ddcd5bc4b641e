"""CloudEvents 1.0 in Kafka's binary content mode: attributes in ``ce_*`` headers, JSON value.

::

    event = CloudEvent(
        id=f"{run_id}/{sequence}", source="/ran_sim", time=run_start + sim_offset,
        subject=f"satellite/{satellite_id}", data=DopplerSinrDrop(...),
        traceparent=current_traceparent(),
    )
    message = encode(event, key=str(beam_id))
    event = decode(message.headers, message.value)       # raises UnreadableEventError

The type is that of the data class (`nf_runtime.events.catalogue`). Encoding is deterministic: the
same event gives the same bytes. When it was published travels beside it, in a transport header.
Source: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from nf_runtime.events.catalogue import EVENT_TYPES, EventData, topic_of

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
PUBLISHED_AT_HEADER = "x-published-at-ns"

Headers = Sequence[tuple[str, bytes]]

T = TypeVar("T", bound=EventData)


class UnreadableEventError(ValueError):
    """A record that is no event of the catalogue; the sentence is the dead letter's reason."""


@dataclass(frozen=True)
class CloudEvent(Generic[T]):
    """One event. `id` is unique within `source`; consumers drop what they have seen."""

    id: str
    source: str
    time: datetime
    data: T
    subject: str | None = None
    traceparent: str | None = None
    published_at_ns: int | None = None

    @property
    def type(self) -> str:
        """The CloudEvents type, ``org.aimlnf.….v1``."""
        return self.data.event_type

    @property
    def topic(self) -> str:
        """The Kafka topic of this type."""
        return topic_of(type(self.data))


@dataclass(frozen=True)
class Message:
    """What goes to the broker."""

    topic: str
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


def encode(event: CloudEvent[EventData], *, key: str) -> Message:
    """The Kafka message of an event.

    Raises:
        ValueError: An attribute is empty, the time is naive, or the data break their own schema
            (a consumer would dead-letter them); NaN and infinity do.
    """
    if not event.id or not event.source:
        raise ValueError("an event needs an id and a source")
    if event.time.tzinfo is None:
        raise ValueError("the time of an event must be aware; use the clock's now()")
    attributes = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event.id,
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_subject": event.subject,
        "traceparent": event.traceparent,
        "content-type": CONTENT_TYPE,
    }
    headers = tuple(
        (name, value.encode()) for name, value in attributes.items() if value is not None
    )
    value = msgspec.json.encode(event.data)
    try:
        # Constructors of msgspec check nothing, and NaN becomes null on the way.
        msgspec.json.decode(value, type=type(event.data))
    except msgspec.ValidationError as error:
        raise ValueError(f"{type(event.data).__name__} cannot be published: {error}") from error
    return Message(event.topic, key.encode(), headers, value)


def decode(headers: Headers, value: bytes | None) -> CloudEvent[EventData]:
    """The event of a record.

    Raises:
        UnreadableEventError: An attribute is missing or wrong, the type is unknown, the value is
            no JSON or does not match the type's schema.
    """
    attributes = _text(headers)
    missing = [
        name
        for name in ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")
        if not attributes.get(name)
    ]
    if missing:
        raise UnreadableEventError(f"missing header {', '.join(missing)}")
    if attributes["ce_specversion"] != SPEC_VERSION:
        raise UnreadableEventError(
            f"CloudEvents version {attributes['ce_specversion']!r} is not {SPEC_VERSION}"
        )
    data_type = EVENT_TYPES.get(attributes["ce_type"])
    if data_type is None:
        raise UnreadableEventError(f"unknown event type {attributes['ce_type']!r}")
    try:
        data = msgspec.json.decode(value or b"", type=data_type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableEventError(f"{data_type.__name__}: {error}") from error
    return CloudEvent(
        id=attributes["ce_id"],
        source=attributes["ce_source"],
        time=_time(attributes["ce_time"]),
        data=data,
        subject=attributes.get("ce_subject"),
        traceparent=attributes.get("traceparent"),
        published_at_ns=_published_at_ns(attributes.get(PUBLISHED_AT_HEADER)),
    )


def _text(headers: Headers) -> dict[str, str]:
    try:
        return {name: (value or b"").decode() for name, value in headers}
    except UnicodeDecodeError as error:
        raise UnreadableEventError(f"a header is not UTF-8: {error}") from error


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableEventError(f"ce_time {text!r} is not an RFC 3339 time") from error
    if time.tzinfo is None:
        raise UnreadableEventError(f"ce_time {text!r} has no time zone")
    return time.astimezone(UTC)


def _published_at_ns(text: str | None) -> int | None:
    # A transport header: worth a latency figure, not worth losing the event over.
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
