"""Fields of gRPC messages that are read and written the same way in every service of the NWDAF."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from nf_runtime.errors import InvalidArgument

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000
MAX_ID_CHARACTERS = 200

_TOKEN_DIGITS = 18  # positions are 64-bit integers
_LONGEST = timedelta(days=365_000)


def timestamp_of(time: datetime) -> Timestamp:
    """An aware datetime as a message."""
    message = Timestamp()
    message.FromDatetime(time.astimezone(UTC))
    return message


def time_of(message: Timestamp, field: str) -> datetime:
    """The aware datetime, in UTC, of a message.

    Raises:
        InvalidArgument: INVALID_FIELD for a time that no calendar has.
    """
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise invalid_field("is no time between the years 1 and 9999", field) from error


def duration_of(length: timedelta) -> Duration:
    """A length of time as a message."""
    message = Duration()
    message.FromTimedelta(length)
    return message


def length_of(message: Duration, field: str) -> timedelta:
    """The length of time of a message.

    Raises:
        InvalidArgument: INVALID_FIELD when it is out of range.
    """
    try:
        length: timedelta = message.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise invalid_field("is no valid length of time", field) from error
    if abs(length) > _LONGEST:
        raise invalid_field("is longer than a thousand years", field)
    return length


def optional_time(message: Message, field: str, prefix: str = "") -> datetime | None:
    """The time in a field that may be unset. Raises as `time_of`."""
    return time_of(getattr(message, field), prefix + field) if message.HasField(field) else None


def optional_length(message: Message, field: str, prefix: str = "") -> timedelta | None:
    """The length of time in a field that may be unset. Raises as `length_of`."""
    return length_of(getattr(message, field), prefix + field) if message.HasField(field) else None


def optional_timestamp(time: datetime | None) -> Timestamp | None:
    """An aware datetime as a message, if there is one."""
    return None if time is None else timestamp_of(time)


def optional_duration(length: timedelta | None) -> Duration | None:
    """A length of time as a message, if there is one."""
    return None if length is None else duration_of(length)


def page_size_of(page_size: int) -> int:
    """How many entries a page holds: 0 means 100, and never more than 1000.

    Raises:
        InvalidArgument: INVALID_FIELD when it is negative.
    """
    if page_size < 0:
        raise invalid_field("is negative; 0 means 100", "page_size")
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def position_of(page_token: str) -> int | None:
    """The position that a page token of this service stands for; None for the first page.

    Raises:
        InvalidArgument: INVALID_FIELD for a token that this service did not make.
    """
    if not page_token:
        return None
    if not (page_token.isascii() and page_token.isdigit() and len(page_token) <= _TOKEN_DIGITS):
        raise invalid_field("is none of this service; begin with an empty one", "page_token")
    return int(page_token)


def token_of(position: int | None) -> str:
    """The page token of a position; empty for None."""
    return "" if position is None else str(position)


def checked_id(identity: str, field: str) -> str:
    """An id, name or request id as given.

    Raises:
        InvalidArgument: INVALID_FIELD when it is longer than 200 characters.
    """
    if len(identity) > MAX_ID_CHARACTERS:
        raise invalid_field(f"has more than {MAX_ID_CHARACTERS} characters", field)
    return identity


def invalid_field(complaint: str, field: str) -> InvalidArgument:
    """The error of a field; `complaint` goes on from the field's name."""
    return InvalidArgument(f"{field} {complaint}", reason="INVALID_FIELD", field=field)
