# ruff: noqa: D101, D102 - the port describes them
"""A broker in memory behind the port `nf_runtime.events.ports`, that can go away and come back."""

import threading
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from nf_runtime.events.broker import (
    BrokerMissingError,
    Fetched,
    MessageRefusedError,
    Partition,
    Start,
)
from nf_runtime.events.cloud_event import Message


@dataclass
class MemoryBroker:
    """Topics appear with their first message; every message is acknowledged at once.

    `missing` makes every call fail, `deaf` swallows messages without an acknowledgement until
    `hear` is called, `refused_topics` are never taken.
    """

    address: str = "memory"
    partitions_per_topic: int = 4
    missing: bool = False
    deaf: bool = False
    refused_topics: frozenset[str] = frozenset()
    most_at_once: int = 500
    breakages: list[Exception] = field(default_factory=list)  # raised by reads, one by one
    opened_writers: int = 0
    opened_readers: int = 0
    looks: int = 0  # questions for partitions
    assignments: int = 0
    refusals: int = 0  # calls that failed since the broker is missing
    handed_out: int = 0  # records
    _records: dict[Partition, list[Fetched]] = field(default_factory=dict)
    _unheard: list[tuple[Message, Callable[[Exception | None], None]]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def open_writer(self) -> "MemoryWriter":
        self.check()
        self.opened_writers += 1
        return MemoryWriter(self)

    def open_reader(self) -> "MemoryReader":
        self.check()
        self.opened_readers += 1
        return MemoryReader(self)

    def check(self) -> None:
        if self.missing:
            self.refusals += 1
            raise BrokerMissingError("the broker in memory is switched off")

    @property
    def unheard(self) -> int:
        """How many messages wait for an acknowledgement."""
        return len(self._unheard)

    def create(self, topic: str) -> None:
        """Make a topic before its first message."""
        with self._changed:
            self._create(topic)

    def records(self, topic: str) -> list[Fetched]:
        """All records of a topic, partition after partition."""
        with self._changed:
            return [
                record
                for partition, records in sorted(self._records.items())
                if partition.topic == topic
                for record in records
            ]

    def append(self, message: Message) -> None:
        """Store a message, as if a producer had sent it."""
        with self._changed:
            self._create(message.topic)
            number = zlib.crc32(message.key or b"") % self.partitions_per_topic
            partition = Partition(message.topic, number)
            records = self._records[partition]
            records.append(
                Fetched(partition, len(records), message.key, message.headers, message.value)
            )
            self._changed.notify_all()

    def hear(self, error: Exception | None = None) -> None:
        """Acknowledge what was swallowed, or fail it with `error`."""
        self.deaf = False
        unheard, self._unheard = self._unheard, []
        for message, done in unheard:
            if error is None:
                self.append(message)
            done(error)

    def _create(self, topic: str) -> None:
        for number in range(self.partitions_per_topic):
            self._records.setdefault(Partition(topic, number), [])


class MemoryWriter:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def send(self, message: Message, done: Callable[[Exception | None], None]) -> None:
        self._broker.check()
        if message.topic in self._broker.refused_topics:
            raise MessageRefusedError(f"{message.topic} is not taken")
        if self._broker.deaf:
            self._broker._unheard.append((message, done))
            return
        self._broker.append(message)
        done(None)

    def close(self) -> None:
        pass


class MemoryReader:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._positions: dict[Partition, int] = {}

    def partitions(self, topics: Collection[str]) -> set[Partition]:
        self._broker.check()
        with self._broker._changed:
            self._broker.looks += 1
            return {partition for partition in self._broker._records if partition.topic in topics}

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        self._broker.check()
        with self._broker._changed:
            return {one: len(self._broker._records[one]) for one in partitions}

    def assign(self, starts: Mapping[Partition, int | Start]) -> None:
        with self._broker._changed:
            for partition, start in starts.items():
                if start is Start.EARLIEST:
                    self._positions[partition] = 0
                elif start is Start.LATEST:
                    self._positions[partition] = len(self._broker._records[partition])
                else:
                    self._positions[partition] = start
            self._broker.assignments += 1

    def poll(self, timeout_s: float) -> list[Fetched]:
        self._broker.check()
        if self._broker.breakages:
            raise self._broker.breakages.pop()
        with self._broker._changed:
            self._broker._changed.wait_for(self._waiting, timeout_s)
            found = self._waiting()[: self._broker.most_at_once]
            self._broker.handed_out += len(found)
            for record in found:
                self._positions[record.partition] = record.offset + 1
            return found

    def _waiting(self) -> list[Fetched]:
        return [
            record
            for partition, position in self._positions.items()
            for record in self._broker._records[partition][position:]
        ]

    def close(self) -> None:
        pass
