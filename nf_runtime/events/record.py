"""What a subscriber hands out, and where it goes on after a restart."""

from dataclasses import dataclass
from typing import NamedTuple

from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent


class OffsetKey(NamedTuple):
    """One partition in one life of one log."""

    log_identity: str
    topic: str
    partition: int


@dataclass(frozen=True)
class RawRecord:
    """A record as the broker holds it."""

    headers: tuple[tuple[str, bytes], ...]
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Record:
    """One record of a topic; `event` is None where it could not be read (and is dead-lettered)."""

    topic: str
    partition: int
    offset: int
    event: CloudEvent[EventData] | None
    raw: RawRecord
    log_identity: str = "default"
