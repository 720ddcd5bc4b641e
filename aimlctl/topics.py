"""Reading event topics from outside: nothing is acknowledged, dead-lettered or left behind.

::

    with TopicReader(settings, [RAN_TRIGGERS], start=Start.LATEST) as reader:
        for seen in reader.poll(0.2):
            seen.event          # None where it is no event of the catalogue; seen.problem says why
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from aimlctl.run_file import RunFile, read_supervision
from nf_runtime.config import KafkaSettings
from nf_runtime.events.broker import (
    Broker,
    BrokerMissingError,
    BrokerReader,
    Fetched,
    Partition,
    Start,
)
from nf_runtime.events.catalogue import CATALOGUE, EventData, dead_letter_topic
from nf_runtime.events.cloud_event import (
    PUBLISHED_AT_HEADER,
    CloudEvent,
    UnreadableEventError,
    decode,
)

_SEEK_S = 1.0
TOPIC_NAMES: Sequence[str] = (*CATALOGUE, *(dead_letter_topic(topic) for topic in CATALOGUE))


@dataclass(frozen=True)
class SeenEvent:
    """A record of a topic; `event` is None where it is no event of the catalogue."""

    topic: str
    partition: int
    offset: int
    key: str
    event: CloudEvent[EventData] | None
    problem: str
    raw: Fetched

    @property
    def content_sha256(self) -> str:
        """Digest of what the producer made: key, headers and value, without transport headers."""
        digest = hashlib.sha256()
        headers = [(n.encode(), v) for n, v in self.raw.headers if n != PUBLISHED_AT_HEADER]
        for part in (self.raw.key or b"", *chain.from_iterable(headers), self.raw.value or b""):
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        return digest.hexdigest()

    def as_document(self) -> dict[str, Any]:
        """The event as JSON, with its attributes beside its data."""
        place = {"topic": self.topic, "partition": self.partition, "offset": self.offset}
        if self.event is None:
            return place | {"key": self.key, "problem": self.problem}
        return place | {
            "key": self.key,
            "id": self.event.id,
            "type": self.event.type,
            "source": self.event.source,
            "subject": self.event.subject,
            "time": self.event.time.isoformat().replace("+00:00", "Z"),
            "data": msgspec.to_builtins(self.event.data),
        }


class TopicReader:
    """Reads all partitions of some topics, including those that appear later.

    What stood in a partition before it was first looked at is skipped with ``Start.LATEST``.
    """

    def __init__(self, broker: Broker, topics: Sequence[str], *, start: Start) -> None:
        self._broker = broker
        self._topics = topics
        self._start = start
        self._reader: BrokerReader | None = None
        self._positions: dict[Partition, int | Start] = {}
        self._assigned: set[Partition] = set()
        self._looked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the connection."""
        reader, self._reader = self._reader, None
        self._assigned = set()
        if reader is not None:
            reader.close()

    def skip_past(self) -> None:
        """Takes up its place behind what stands on the topics now."""
        self.poll(0.0)
        if self._assigned:
            # Where the end is, the broker says during a poll that waits for its answer.
            self.poll(_SEEK_S)

    def poll(self, timeout_s: float) -> list[SeenEvent]:
        """What has come in; empty after the time without anything, or while the broker is away."""
        try:
            return [self._seen(fetched) for fetched in self._fetch(timeout_s)]
        except BrokerMissingError:
            # Positions stay: reading goes on where it stopped.
            self.close()
            return []

    def _fetch(self, timeout_s: float) -> Sequence[Fetched]:
        if self._reader is None:
            self._reader = self._broker.open_reader()
        found = self._reader.partitions(self._topics)
        if found - self._assigned:
            self._reader.assign(self._starts(found - self._assigned))
            self._assigned |= found
        self._looked = True
        if not self._assigned:
            threading.Event().wait(timeout_s)
            return []
        fetched = self._reader.poll(timeout_s)
        self._positions.update({one.partition: one.offset + 1 for one in fetched})
        return fetched

    def _starts(self, partitions: set[Partition]) -> Mapping[Partition, int | Start]:
        first = Start.EARLIEST if self._looked else self._start
        return {partition: self._positions.get(partition, first) for partition in partitions}

    def _seen(self, fetched: Fetched) -> SeenEvent:
        event, problem = None, ""
        try:
            event = decode(fetched.headers, fetched.value)
        except UnreadableEventError as error:
            problem = str(error)
        return SeenEvent(
            topic=fetched.partition.topic,
            partition=fetched.partition.number,
            offset=fetched.offset,
            key=(fetched.key or b"").decode(errors="replace"),
            event=event,
            problem=problem,
            raw=fetched,
        )


def broker_settings(run: RunFile, state_dir: Path) -> KafkaSettings:
    """How to read the broker of a running platform."""
    supervision = read_supervision(state_dir)
    return KafkaSettings(
        bootstrap=run.broker,
        embedded=supervision.embedded_broker_pid is not None,
        log_identity=supervision.log_identity,
    )
