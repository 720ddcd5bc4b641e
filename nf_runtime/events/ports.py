"""What publisher and subscriber need of a Kafka client: the port behind which clients differ.

All of it blocks and is called from one thread only. `nf_runtime.events.broker` picks the adapter.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from nf_runtime.config import ConfigurationError, KafkaSettings
from nf_runtime.events.cloud_event import Message


class BrokerMissingError(ConnectionError):
    """The broker does not answer now."""


class MessageRefusedError(ValueError):
    """The broker or its client will never take this message."""


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Start(Enum):
    """Where to begin in a partition without a stored offset."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True)
class Fetched:
    """A record as read."""

    partition: Partition
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


class BrokerWriter(Protocol):
    """Sends messages; each is acknowledged by all replicas before `done` is called."""

    def send(self, message: Message, done: Callable[[Exception | None], None]) -> None:
        """Queue a message; `done` gets None or the failure, in any thread.

        Messages of one key arrive in the order of the calls.

        Raises:
            BrokerMissingError: Not queued; `done` will not be called.
            MessageRefusedError: The same, and trying again is useless.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; what is not acknowledged by now is not waited for."""
        ...


class BrokerReader(Protocol):
    """Reads partitions that are assigned by hand."""

    def partitions(self, topics: Collection[str]) -> set[Partition]:
        """The partitions that exist now; none for a topic that does not exist yet.

        Raises:
            BrokerMissingError: The broker does not answer.
        """
        ...

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offset that the next record of each partition will have.

        Raises:
            BrokerMissingError: The broker does not answer.
        """
        ...

    def assign(self, starts: Mapping[Partition, int | Start]) -> None:
        """Read these partitions too, each from an offset or from one of its ends."""
        ...

    def poll(self, timeout_s: float) -> list[Fetched]:
        """Records in the order of each partition; empty after `timeout_s` without any."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Broker(Protocol):
    """A broker that can be written to and read from."""

    @property
    def address(self) -> str:
        """For logs and errors."""
        ...

    def open_writer(self) -> BrokerWriter:
        """A connected writer.

        Raises:
            BrokerMissingError: The broker does not answer.
        """
        ...

    def open_reader(self) -> BrokerReader:
        """A connected reader.

        Raises:
            BrokerMissingError: The broker does not answer.
        """
        ...


def endpoints(settings: KafkaSettings) -> list[tuple[str, int]]:
    """Host and port of each bootstrap server.

    Raises:
        ConfigurationError: One is not HOST:PORT.
    """
    pairs = []
    for address in settings.bootstrap.split(","):
        host, colon, port = address.strip().rpartition(":")
        if not colon or not host or not (port.isascii() and port.isdigit()):
            raise ConfigurationError(f"setting kafka.bootstrap: {address!r} is not HOST:PORT")
        pairs.append((host.strip("[]"), int(port)))
    return pairs
