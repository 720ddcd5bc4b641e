"""Protocol messages as JSON documents that are pleasant to read.

Unlike the proto3 JSON mapping: 64-bit integers are numbers, a Duration is a number of seconds
under a name that ends in ``_s``, an enum value loses its type's prefix, tensors stay away.
"""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

NANOSECONDS_PER_S = 1_000_000_000


def document_of(message: Message) -> dict[str, Any]:
    """The message's fields by name; unset message fields and unset optional ones are left out."""
    document: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        name, value = _entry(field, getattr(message, field.name))
        if value is not None:
            document[name] = value
    return document


def enum_word(enum: EnumDescriptor, number: int) -> str:
    """Name of an enum value without its type's prefix, ``APPROVED`` of MODEL_VERSION_STATE_…."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    value = enum.values_by_number.get(number)
    return str(number) if value is None else value.name.removeprefix(prefix)


def seconds_of(duration: Duration) -> float:
    """A Duration in seconds."""
    return float(duration.seconds + duration.nanos / NANOSECONDS_PER_S)


def duration_of(seconds: float) -> Duration:
    """Seconds as a Duration."""
    duration = Duration()
    duration.FromNanoseconds(round(seconds * NANOSECONDS_PER_S))
    return duration


def time_of(timestamp: Timestamp) -> datetime:
    """A Timestamp as an aware datetime in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)


def _entry(field: Any, value: Any) -> tuple[str, Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value_field = field.message_type.fields_by_name["value"]
        return field.name, {str(key): _plain(value_field, item) for key, item in value.items()}
    if field.is_repeated:
        return field.name, [_plain(field, item) for item in value]
    name = f"{field.name}_s" if isinstance(value, Duration) else field.name
    return name, _plain(field, value)


def _plain(field: Any, value: Any) -> Any:
    if isinstance(value, Duration):
        return seconds_of(value)
    if isinstance(value, Timestamp):
        return time_of(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, Message):
        # A tensor's raw bytes are for programs that speak gRPC.
        return None if value.DESCRIPTOR.name == "Tensor" else document_of(value)
    if field.enum_type is not None:
        return enum_word(field.enum_type, value)
    return value.hex() if isinstance(value, bytes) else value
